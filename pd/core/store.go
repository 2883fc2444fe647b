package core

import (
	"fmt"
	"strings"
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
	// Regions is how many have a peer on it, Leaders how many are led from it, Learners how many have no vote there,
	// Pending how many of its peers lag.
	Regions, Leaders, Learners, Pending int
	// Size is that of the regions with a peer on it, LeaderSize that of those led from it, in bytes.
	Size, LeaderSize uint64
	// Weight is the sum of what its regions weigh, see Weight.
	Weight int64
	// WriteLoad is what is written to all its peers, ReadLoad what is read from its leaders, in bytes a second.
	WriteLoad, ReadLoad uint64
}

// weightUnit is the size of which a region weighs 1 in the balance of stores.
const weightUnit = 1 << 20

// Weight is what a region of that size weighs: its size in MiB, at least 1, since an empty region costs something too.
func Weight(size uint64) int64 { return int64(max(size/weightUnit, 1)) }

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
	// SlowScore is 0 for a store that reports when it should and up to SlowScoreMax for one that is late again and again.
	SlowScore int
}

// ID returns the store's id.
func (s *StoreInfo) ID() uint64 { return s.Meta.GetId() }

// Label returns the store's value of a label, whatever the case of its letters; empty if it has none.
func (s *StoreInfo) Label(key string) string {
	for _, l := range s.Meta.GetLabels() {
		if strings.EqualFold(l.GetKey(), key) {
			return l.GetValue()
		}
	}
	return ""
}

// lowSpacePercent is how much of its capacity a store must have left to be given more.
const lowSpacePercent = 20

// LowSpace reports whether less than a fifth of the store's capacity is left. A store that does not tell has enough.
func (s *StoreInfo) LowSpace() bool {
	return s.Stats.GetAvailable() < s.Stats.GetCapacity()/100*lowSpacePercent
}

// String prints s in one line for logs and golden files. What is 0 or empty is left out behind size.
func (s *StoreInfo) String() string {
	out := fmt.Sprintf("s%d %s %s alive=%t regions=%d leaders=%d pending=%d size=%d", s.ID(), s.Meta.GetAddress(),
		s.State, s.Alive, s.Counts.Regions, s.Counts.Leaders, s.Counts.Pending, s.Counts.Size)
	for _, f := range []struct {
		name string
		n    uint64
	}{
		{"learners", uint64(s.Counts.Learners)}, {"read", s.Counts.ReadLoad}, {"write", s.Counts.WriteLoad},
		{"capacity", s.Stats.GetCapacity()}, {"available", s.Stats.GetAvailable()}, {"slow", uint64(s.SlowScore)},
	} {
		if f.n > 0 {
			out += fmt.Sprintf(" %s=%d", f.name, f.n)
		}
	}
	for _, l := range s.Meta.GetLabels() {
		out += fmt.Sprintf(" %s:%s", l.GetKey(), l.GetValue())
	}
	return out
}

// storeRecord is what a Cluster keeps of a store; StoreInfo is made of it.
type storeRecord struct {
	meta     *metapb.Store
	stats    *pdpb.StoreStats
	lastSeen world.Time
	heard    bool
	slow     slowScore
}

func (l Liveness) judge(rec *storeRecord, counts Counts, now world.Time) StoreInfo {
	silence := now.Sub(rec.lastSeen)
	s := StoreInfo{Meta: rec.meta, Stats: rec.stats, LastSeen: rec.lastSeen, Counts: counts, SlowScore: int(rec.slow)}
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

// slowScore grows quickly with reports that come late and falls slowly with those that come in time: a store that is
// slow now and then is slow, one that was slow once is not.
type slowScore int

// SlowScoreMax is the worst score of a store. From SlowScoreBad on it should be given nothing and lead nothing.
const (
	SlowScoreMax = 100
	SlowScoreBad = 60
)

const (
	slowScoreLate = 20
	slowScoreGood = 2
)

// report takes note of one after a silence. What makes a store disconnected is late: how often stores mean to report is
// for them to choose, as long as it is more often than that.
func (s *slowScore) report(silence time.Duration, l Liveness) {
	if silence >= l.DisconnectAfter {
		*s = min(*s+slowScoreLate, SlowScoreMax)
		return
	}
	*s = max(*s-slowScoreGood, 0)
}
