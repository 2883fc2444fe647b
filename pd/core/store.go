package core

import (
	"fmt"
	"time"

	"ordeal/proto/metapb"
	"ordeal/proto/pdpb"
	"ordeal/world"
)

// StoreState is what the placement driver makes of a store: a decision on it (offline, tombstone) if there is one,
// otherwise what its silence means.
type StoreState uint8

// The states, from the best to the worst.
const (
	// StoreUp: it reports, and may be given peers.
	StoreUp StoreState = iota
	// StoreDisconnected: it has been silent for a moment, or has not reported yet. It gets nothing new, and nothing
	// is taken away from it.
	StoreDisconnected
	// StoreDown: it has been silent for so long that its peers are replaced.
	StoreDown
	// StoreOffline: it is being emptied by decision, whether it reports or not.
	StoreOffline
	// StoreTombstone: it is gone for good and its id is never used again.
	StoreTombstone
)

// String names the state as people write it.
func (s StoreState) String() string {
	names := [...]string{"up", "disconnected", "down", "offline", "tombstone"}
	if int(s) >= len(names) {
		panic(fmt.Sprintf("store state %d does not exist", s))
	}
	return names[s]
}

// Liveness says what the silence of a store means.
type Liveness struct {
	// DisconnectAfter is the silence after which a store is disconnected.
	DisconnectAfter time.Duration
	// DownAfter is the silence after which a store is down; at least DisconnectAfter.
	DownAfter time.Duration
}

// Counts are what regions say of one store.
type Counts struct {
	// Regions is how many have a peer on it, Leaders how many are led from it, Pending how many of its peers lag.
	Regions, Leaders, Pending int
	// Size is that of the regions with a peer on it, in bytes.
	Size uint64
}

// StoreInfo is a store at one moment.
type StoreInfo struct {
	Meta *metapb.Store
	// Stats is what its last heartbeat said; nil before the first.
	Stats *pdpb.StoreStats
	// LastSeen is the time of the last heartbeat. Before the first it is when the store became known to this life of
	// the driver: silence is only counted from then on.
	LastSeen world.Time
	State    StoreState
	// Alive says that the store has reported and is not silent, whatever was decided about it: its peers count as
	// healthy. A store that is offline may well be alive.
	Alive  bool
	Counts Counts
}

// ID returns the store's id.
func (s *StoreInfo) ID() uint64 { return s.Meta.GetId() }

// String prints s in one line for logs and golden files.
func (s *StoreInfo) String() string {
	return fmt.Sprintf("s%d %s %s alive=%t regions=%d leaders=%d pending=%d size=%d", s.ID(), s.Meta.GetAddress(),
		s.State, s.Alive, s.Counts.Regions, s.Counts.Leaders, s.Counts.Pending, s.Counts.Size)
}

// storeRecord is what a Cluster keeps of a store; StoreInfo is made of it.
type storeRecord struct {
	meta     *metapb.Store
	stats    *pdpb.StoreStats
	lastSeen world.Time
	heard    bool
}

func (l Liveness) judge(rec *storeRecord, counts Counts, now world.Time) StoreInfo {
	silence := now.Sub(rec.lastSeen)
	s := StoreInfo{Meta: rec.meta, Stats: rec.stats, LastSeen: rec.lastSeen, Counts: counts}
	s.Alive = rec.heard && silence < l.DisconnectAfter && rec.meta.GetState() != metapb.StoreState_Tombstone
	switch {
	case rec.meta.GetState() == metapb.StoreState_Tombstone:
		s.State = StoreTombstone
	case rec.meta.GetState() == metapb.StoreState_Offline:
		s.State = StoreOffline
	case silence >= l.DownAfter:
		s.State = StoreDown
	case !s.Alive:
		s.State = StoreDisconnected
	default:
		s.State = StoreUp
	}
	return s
}
