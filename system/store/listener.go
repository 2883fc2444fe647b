package store

import (
	"ordeal/proto/metapb"
	"ordeal/raft"
)

// Listener is the only door through which a store shows what it does while it does it: invariant checkers, reports and
// metrics all listen here. A nil function is not called. Functions are called within a turn, must not block and must
// not keep what they are given.
type Listener struct {
	// Started: a peer was loaded from the disk, as of applied and with this hard state.
	Started func(store uint64, region *metapb.Region, applied raft.ID, hard raft.HardState)
	// Loaded: the store has come up, and has peers of these regions, in service or not, ascending. It has no others.
	Loaded func(store uint64, regions []uint64)
	// Elected: the store's peer leads the region in term.
	Elected func(store, region, term uint64)
	// Campaigned: the peer has voted for itself in term. It may be told so more than once.
	Campaigned func(store, region, term uint64)
	// ChangeProposed: a leader, which has applied so much, has put a membership change into its log.
	ChangeProposed func(store, region uint64, at raft.ID, applied uint64)
	// HardState changed; HardStateDurable: and its term and vote have to be on the disk for good, since others are told what
	// rests on them. A commit index of 0 there is one that need not be.
	HardState        func(store, region uint64, hard raft.HardState)
	HardStateDurable func(store, region uint64, hard raft.HardState)
	// LeaseRead: reads were confirmed by the lease that the store's peer has as the region's leader in term.
	LeaseRead func(store, region, term uint64)
	// Appended: an entry was put into the log, by the hash of its payload.
	Appended func(store, region uint64, at raft.ID, hash uint64)
	// Applied: one entry of the log, by the hash of its payload.
	Applied func(store, region uint64, at raft.ID, hash uint64)
	// SnapshotApplied: the peer's state was replaced by a snapshot.
	SnapshotApplied func(store uint64, region *metapb.Region, at raft.ID)
	// StateHash: the peer's data at applied have this hash and number of pairs. Told of whatever makes or takes a snapshot;
	// working it out takes a look at all the data.
	StateHash func(store, region uint64, applied raft.ID, hash uint64, pairs int)
	// RegionState: what the peer has as of applied beside its data, in words: its region, the merge that it is in, and whom the
	// region has swallowed. changed says that the entry at applied has made it so; else it comes from the disk or a snapshot.
	RegionState func(store, region uint64, applied raft.ID, changed bool, state string)
	// Inconsistent: the peer's data or region at applied have another hash than those of a majority of its region's voters.
	Inconsistent func(store, region uint64, applied raft.ID, hash, majority uint64)
	// Quarantined: the peer is out of service for good, and why.
	Quarantined func(store uint64, region *metapb.Region, peer uint64, why string)
	// RegionChanged: the peer's region has a new range, epoch or membership.
	RegionChanged func(store uint64, region *metapb.Region)
	// PeerCreated and PeerDestroyed frame the life of a peer on this store; destroyed it is once its tombstone is durable.
	PeerCreated   func(store, region, peer uint64)
	PeerDestroyed func(store, region, peer uint64)
	// PrepareMerge: the region was frozen by its log entry at commit; r is as it is now. RollbackMerge: it was thawed.
	PrepareMerge, RollbackMerge func(store uint64, r *metapb.Region, commit uint64)
	// CommitMerge: source, as of its log entry at commit, became part of r.
	CommitMerge func(store uint64, r, source *metapb.Region, commit uint64)
	// Refused: the placement driver does not let the store take part with the disk that it has, and why. It goes on asking.
	Refused func(store uint64, why string)
	// Load: what waits in a shard of the store, at the end of a turn.
	Load func(store uint64, shard int, l Load)
	// Slept: the peer sleeps, as of applied; leads says whether it leads.
	Slept func(store uint64, region *metapb.Region, leads bool, applied raft.ID)
	// Reached: the store has come to a state, one of States by name, with a region, to which another one
	// has something to do if it is not 0.
	Reached func(store uint64, state string, region, other uint64)
	// Split: a region was cut; the parts, in order of keys, and the one among them that goes on under its id.
	Split func(store uint64, old *metapb.Region, parts []*metapb.Region)
}
