package store

import (
	"ordeal/proto/metapb"
	"ordeal/raft"
)

// Listener is the only door through which a store shows what it does while it does it: invariant checkers, reports and
// metrics all listen here. A nil function is not called. Functions are called within a turn, must not block and must
// not keep what they are given.
type Listener struct {
	// Started: a peer was loaded from the disk (restart) as of applied.
	Started func(store uint64, region *metapb.Region, peer uint64, applied raft.ID)
	// Elected: the store's peer leads the region in term.
	Elected func(store, region, term uint64)
	// HardState was put into the turn's batch; it is durable before anything that depends on it is sent.
	HardState func(store, region, peer, term, vote, commit uint64)
	// Applied: one entry of the log, by the hash of its payload.
	Applied func(store, region uint64, at raft.ID, hash uint64)
	// SnapshotApplied: the peer's state was replaced by a snapshot.
	SnapshotApplied func(store uint64, region *metapb.Region, at raft.ID)
	// RegionChanged: the peer's region has a new range, epoch or membership.
	RegionChanged func(store uint64, region *metapb.Region)
	// PeerCreated and PeerDestroyed frame the life of a peer on this store.
	PeerCreated   func(store, region, peer uint64)
	PeerDestroyed func(store, region, peer uint64)
	// Split: a region was cut; both halves as they are now.
	Split func(store uint64, left, right *metapb.Region)
}
