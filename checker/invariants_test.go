package checker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

var (
	keyA, keyB    = []byte("a"), []byte("b")
	peers, others = []uint64{1, 2, 3}, []uint64{1, 2, 4}
)

// invariantCases has, for each promise, what breaks it and what looks like that and does not.
var invariantCases = []struct {
	name string
	// check is the promise broken, "" if none is.
	check string
	do    func(v *Invariants)
}{
	{"two leaders in a term", checkLeader, func(v *Invariants) {
		v.LeaderElected(1, 7, 5)
		v.LeaderElected(2, 7, 5)
	}},
	{"leaders of other terms and regions", "", func(v *Invariants) {
		v.LeaderElected(1, 7, 5)
		v.LeaderElected(1, 7, 5)
		v.LeaderElected(2, 7, 6)
		v.LeaderElected(2, 8, 5)
	}},
	{"a lease is used after another was elected", checkLease, func(v *Invariants) {
		v.LeaderElected(1, 7, 5)
		v.LeaderElected(2, 7, 6)
		v.LeaseRead(1, 7, 5)
	}},
	{"a lease is used by the last leader", "", func(v *Invariants) {
		v.LeaderElected(1, 7, 5)
		v.LeaseRead(1, 7, 5)
		v.LeaderElected(2, 7, 6)
		v.LeaseRead(2, 7, 6)
		v.LeaseRead(1, 8, 5)
	}},
	{"a peer starts elections that it can't win", checkCampaigns, func(v *Invariants) {
		for term := uint64(5); term < 5+campaignsMax; term++ {
			v.Campaigned(1, 7, term)
			v.HardState(1, 7, term, 71, 0)
		}
	}},
	{"it wins one, or somebody else starts one", "", func(v *Invariants) {
		for term := uint64(5); term < 5+4*campaignsMax; term++ {
			switch term % 5 {
			case 0:
				v.HardState(1, 7, term, 72, 0)
				continue
			case 3:
				v.LeaderElected(1, 7, term)
			}
			v.Campaigned(1, 7, term)
			v.HardState(1, 7, term, 71, 0)
			v.Campaigned(1, 7, term)
		}
	}},
	{"two membership changes at once", checkOneChange, func(v *Invariants) {
		v.ChangeProposed(1, 7, 10, 5, 9)
		v.ChangeProposed(1, 7, 12, 5, 9)
	}},
	{"one after the other, or by another leader", "", func(v *Invariants) {
		v.ChangeProposed(1, 7, 10, 5, 9)
		v.ChangeProposed(1, 7, 12, 5, 10)
		v.ChangeProposed(2, 7, 12, 6, 11)
		v.ChangeProposed(2, 8, 13, 6, 11)
	}},
	{"a queue beyond its bound", checkQueues, func(v *Invariants) { v.Queue(1, "requests", 5, 4) }},
	{"a full queue", "", func(v *Invariants) { v.Queue(1, "requests", 4, 4) }},
	{"a region sleeps while a peer lags", checkSleep, func(v *Invariants) {
		v.Restarted(1, 7, 10, 5, 1, 10)
		v.Restarted(2, 7, 9, 5, 1, 9)
		v.Slept(1, 7, 10, []Member{{1, 11}, {2, 12}})
	}},
	{"a region sleeps, and a crash takes from a peer what it had applied", "", func(v *Invariants) {
		v.Restarted(1, 7, 9, 5, 1, 9)
		v.Applied(1, 7, 10, 5, 0xa)
		v.SnapshotApplied(2, 7, 10, 5)
		v.Restarted(2, 7, 9, 5, 1, 9)
		v.Slept(1, 7, 10, []Member{{1, 11}, {2, 12}})
	}},
	{"a leader that stood still sleeps, and a member of its day has been destroyed", "", func(v *Invariants) {
		v.Restarted(1, 7, 10, 5, 1, 10)
		v.PeerCreated(2, 7, 12)
		v.PeerDestroyed(2, 7, 12)
		v.PeerCreated(2, 7, 19)
		v.Slept(1, 7, 10, []Member{{1, 11}, {2, 12}})
	}},
	{"a peer sleeps on", checkOversleep, func(v *Invariants) {
		v.Asleep(1, 7, 2, 2*time.Second, time.Second)
	}},
	{"a peer may take a moment to wake up", "", func(v *Invariants) {
		v.Asleep(1, 7, 2, time.Second, time.Second)
	}},
	{"two entries of one index and term", checkLogMatch, func(v *Invariants) {
		v.Appended(1, 7, 10, 5, 0xa)
		v.Appended(2, 7, 10, 5, 0xb)
	}},
	{"two entries of one index and a second term", checkLogMatch, func(v *Invariants) {
		v.Appended(1, 7, 10, 5, 0xa)
		v.Appended(1, 7, 10, 6, 0xb)
		v.Appended(2, 7, 10, 6, 0xc)
	}},
	{"a merge, seen late by one store", "", func(v *Invariants) {
		for _, store := range []world.NodeID{1, 2} {
			v.Applied(store, 7, 9, 5, 0xa)
			v.MergePrepared(store, 7, 9)
			v.MergeRolledBack(store, 7, 9)
			v.Applied(store, 7, 10, 5, 0xa)
			v.MergePrepared(store, 7, 10)
			v.Merged(store, 8, 7, 10)
		}
	}},
	{"a merged region is frozen again", checkMerge, func(v *Invariants) {
		v.Merged(1, 8, 7, 10)
		v.MergePrepared(2, 7, 12)
	}},
	{"a merged region is thawed", checkMerge, func(v *Invariants) {
		v.Merged(1, 8, 7, 10)
		v.MergeRolledBack(2, 7, 10)
	}},
	{"a region that was thawed is merged", checkMerge, func(v *Invariants) {
		v.MergeRolledBack(2, 7, 10)
		v.Merged(1, 8, 7, 10)
	}},
	{"a region is merged into two", checkMerge, func(v *Invariants) {
		v.Merged(1, 8, 7, 10)
		v.Merged(2, 9, 7, 10)
	}},
	{"a region is merged without its log", checkFrozen, func(v *Invariants) {
		v.Applied(1, 7, 8, 5, 0xa)
		v.Merged(1, 8, 7, 10)
	}},
	{"an entry that was not committed is replaced", "", func(v *Invariants) {
		v.Appended(1, 7, 10, 5, 0xa)
		v.Appended(2, 7, 10, 6, 0xb)
		v.Committed(2, 7, 10, 6, 0xb)
		v.Appended(1, 7, 10, 6, 0xb)
		v.Committed(1, 7, 10, 6, 0xb)
	}},
	{"a committed entry is replaced", checkCommitted, func(v *Invariants) {
		v.Appended(1, 7, 10, 5, 0xa)
		v.Committed(1, 7, 10, 5, 0xa)
		v.Appended(1, 7, 10, 6, 0xb)
	}},
	{"stores disagree about a committed entry", checkCommitted, func(v *Invariants) {
		v.Committed(1, 7, 10, 5, 0xa)
		v.Committed(2, 7, 10, 6, 0xa)
	}},
	{"stores apply different entries", checkCommitted, func(v *Invariants) {
		v.Applied(1, 7, 10, 5, 0xa)
		v.Applied(2, 7, 10, 5, 0xb)
	}},
	{"a snapshot ends in another term than what was committed", checkCommitted, func(v *Invariants) {
		v.Applied(1, 7, 10, 5, 0xa)
		v.SnapshotApplied(2, 7, 10, 4)
	}},
	{"an index is left out", checkOrder, func(v *Invariants) {
		v.Applied(1, 7, 10, 5, 0xa)
		v.Applied(1, 7, 12, 5, 0xb)
	}},
	{"an index is applied twice", checkOrder, func(v *Invariants) {
		v.Applied(1, 7, 10, 5, 0xa)
		v.Applied(1, 7, 10, 5, 0xa)
	}},
	{"a snapshot goes back", checkOrder, func(v *Invariants) {
		v.Applied(1, 7, 10, 5, 0xa)
		v.SnapshotApplied(1, 7, 9, 5)
	}},
	{"a destroyed peer applies", checkOrder, func(v *Invariants) {
		v.Applied(1, 7, 10, 5, 0xa)
		v.PeerDestroyed(1, 7, 100)
		v.Applied(1, 7, 11, 5, 0xb)
	}},
	{"in order, over a snapshot, a restart and a new peer", "", func(v *Invariants) {
		v.Applied(1, 7, 10, 5, 0xa)
		v.Applied(1, 7, 11, 5, 0xb)
		v.Restarted(1, 7, 9, 5, 1, 9)
		v.Applied(1, 7, 10, 5, 0xa)
		v.SnapshotApplied(1, 7, 20, 6)
		v.Applied(1, 7, 21, 6, 0xc)
		v.PeerDestroyed(1, 7, 100)
		v.PeerCreated(1, 7, 101)
		v.Applied(1, 7, 11, 5, 0xb)
	}},
	{"after a restart another entry is applied again", checkCommitted, func(v *Invariants) {
		v.Applied(1, 7, 10, 5, 0xa)
		v.Restarted(1, 7, 9, 5, 1, 9)
		v.Applied(1, 7, 10, 6, 0xb)
	}},
	{"the term goes back in one life", checkHardState, func(v *Invariants) {
		v.HardState(1, 7, 5, 1, 0)
		v.HardState(1, 7, 4, 1, 0)
	}},
	{"a second vote in a term", checkHardState, func(v *Invariants) {
		v.HardState(1, 7, 5, 1, 0)
		v.HardState(1, 7, 5, 2, 0)
	}},
	{"a durable term is lost in a crash", checkHardState, func(v *Invariants) {
		v.HardStateDurable(1, 7, 5, 0, 3)
		v.Restarted(1, 7, 3, 4, 0, 3)
	}},
	{"a durable vote is lost in a crash", checkHardState, func(v *Invariants) {
		v.HardStateDurable(1, 7, 5, 2, 3)
		v.Restarted(1, 7, 3, 5, 0, 3)
	}},
	{"a durable commit index is lost in a crash", checkHardState, func(v *Invariants) {
		v.HardStateDurable(1, 7, 5, 2, 3)
		v.Restarted(1, 7, 2, 5, 2, 2)
	}},
	{"what was not durable may be lost in a crash", "", func(v *Invariants) {
		v.HardState(1, 7, 5, 0, 3)
		v.HardStateDurable(1, 7, 5, 0, 3)
		v.HardState(1, 7, 5, 2, 4)
		v.HardState(1, 7, 6, 3, 5)
		v.Restarted(1, 7, 3, 5, 0, 3)
		v.HardState(1, 7, 5, 3, 3)
		v.HardState(1, 7, 6, 1, 4)
	}},
	{"a peer rises from its tombstone", checkTombstone, func(v *Invariants) {
		v.PeerCreated(1, 7, 100)
		v.PeerDestroyed(1, 7, 100)
		v.PeerCreated(1, 7, 100)
	}},
	{"an older peer rises", checkTombstone, func(v *Invariants) {
		v.PeerDestroyed(1, 7, 100)
		v.PeerCreated(1, 7, 99)
	}},
	{"a newer peer and other stores' peers", "", func(v *Invariants) {
		v.PeerDestroyed(1, 7, 100)
		v.PeerCreated(1, 7, 101)
		v.PeerCreated(2, 7, 90)
		v.PeerCreated(1, 8, 90)
	}},
	{"conf_ver goes back", checkEpoch, func(v *Invariants) {
		v.RegionChanged(1, 7, nil, nil, 2, 1, peers)
		v.RegionChanged(1, 7, nil, nil, 1, 1, others)
	}},
	{"version goes back", checkEpoch, func(v *Invariants) {
		v.RegionChanged(1, 7, nil, nil, 1, 2, peers)
		v.RegionChanged(1, 7, nil, keyB, 1, 1, peers)
	}},
	{"two ranges of one version", checkRange, func(v *Invariants) {
		v.RegionChanged(1, 7, nil, keyB, 1, 2, peers)
		v.RegionChanged(2, 7, nil, keyA, 1, 2, peers)
	}},
	{"two sets of peers of one conf_ver", checkMembers, func(v *Invariants) {
		v.RegionChanged(1, 7, nil, nil, 1, 2, peers)
		v.RegionChanged(2, 7, nil, nil, 1, 2, others)
	}},
	{"epochs rise, and go back over a restart", "", func(v *Invariants) {
		v.RegionChanged(1, 7, nil, nil, 0, 0, nil)
		v.RegionChanged(1, 7, nil, nil, 1, 1, peers)
		v.RegionChanged(1, 7, nil, keyB, 1, 2, []uint64{3, 2, 1})
		v.RegionChanged(1, 7, nil, keyB, 2, 2, others)
		v.RegionLoaded(1, 7, 1, 1)
		v.RegionChanged(1, 7, nil, keyB, 1, 2, peers)
		v.RegionChanged(2, 7, nil, nil, 1, 1, peers)
	}},
	{"equal applied index, other hash", checkHashes, func(v *Invariants) {
		v.CheckHashes([]ReplicaHash{{3, 7, 10, 1, 2}, {2, 7, 9, 5, 5}, {1, 7, 10, 2, 2}})
	}},
	{"equal applied index, other number of pairs", checkHashes, func(v *Invariants) {
		v.CheckHashes([]ReplicaHash{{1, 7, 10, 1, 2}, {2, 7, 10, 1, 3}})
	}},
	{"equal applied index, other state", checkHashes, func(v *Invariants) {
		v.StateHash(1, 7, 10, 1, 2)
		v.StateHash(2, 7, 9, 5, 5)
		v.StateHash(3, 7, 10, 2, 2)
	}},
	{"equal states", "", func(v *Invariants) {
		v.StateHash(1, 7, 10, 1, 2)
		v.StateHash(2, 7, 10, 1, 2)
		v.StateHash(2, 8, 10, 2, 2)
		v.StateHash(2, 7, 11, 2, 2)
	}},
	{"one entry, two regions", checkState, func(v *Invariants) {
		v.RegionState(1, 7, 10, true, "frozen")
		v.RegionState(2, 7, 10, true, "thawed")
	}},
	{"a snapshot that forgets a merge", checkState, func(v *Invariants) {
		v.RegionState(1, 7, 10, true, "frozen")
		v.RegionState(1, 7, 12, false, "frozen")
		v.RegionState(2, 7, 12, false, "thawed")
	}},
	{"a disk that has an older region than its applied index", checkState, func(v *Invariants) {
		v.RegionState(1, 7, 10, true, "v2")
		v.RegionState(1, 7, 20, true, "v3")
		v.RegionState(1, 7, 20, false, "v2")
	}},
	{"regions as their entries made them", "", func(v *Invariants) {
		v.RegionState(1, 7, 9, false, "v1")
		v.RegionState(1, 7, 10, true, "v2")
		v.RegionState(1, 7, 20, true, "v3")
		v.RegionState(2, 7, 19, false, "v2")
		v.RegionState(2, 7, 20, true, "v3")
		v.RegionState(2, 7, 8, false, "v1")
		v.RegionState(2, 8, 20, false, "v8")
	}},
	{"a majority has something else", checkHashes, func(v *Invariants) { v.Inconsistent(1, 7, 10, 1, 2) }},
	{"quarantined without a reason", checkIntact, func(v *Invariants) { v.Quarantined(1, 7, 2001, false, "it looks bad") }},
	{"quarantined since it was damaged, and repaired", "", func(v *Invariants) {
		v.Quarantined(1, 7, 2001, true, "it looks bad")
		v.CheckRepaired(1, "a block is damaged", nil)
	}},
	{"damage that nobody has noticed", checkRepaired, func(v *Invariants) { v.CheckRepaired(1, "a block is damaged", []uint64{7}) }},
	{"equal hashes, or other indexes and regions", "", func(v *Invariants) {
		v.CheckHashes(nil)
		v.CheckHashes([]ReplicaHash{{1, 7, 10, 1, 2}, {2, 7, 11, 2, 2}, {3, 7, 10, 1, 2}, {1, 8, 10, 3, 3}})
	}},
}

func TestInvariants(t *testing.T) {
	t.Parallel()
	for _, c := range invariantCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := NewInvariants(nil)
			c.do(v)
			if c.check == "" {
				require.Empty(t, v.Violations())
				require.Equal(t, OK, v.Result().Verdict)
				return
			}
			require.Equal(t, 1, v.Count(), "%v", v.Violations())
			require.Equal(t, c.check, v.Violations()[0].Check)
			require.Equal(t, FAIL, v.Result().Verdict)
		})
	}
}

func TestKeySpace(t *testing.T) {
	t.Parallel()
	view := func(region uint64, start, end string, version uint64) RegionView {
		return RegionView{Region: region, Start: []byte(start), End: []byte(end), Version: version, ConfVer: 1}
	}
	for _, c := range []struct {
		name  string
		views []RegionView
		want  string
	}{
		{"one region", []RegionView{view(1, "", "", 1)}, ""},
		{"three regions", []RegionView{view(3, "m", "", 2), view(1, "", "f", 2), view(2, "f", "m", 2)}, ""},
		{"a deposed leader has not heard of the split", []RegionView{view(1, "", "", 1), view(2, "", "m", 2), view(1, "m", "", 2)}, ""},
		{"none", nil, "no region at all"},
		{"gap at the start", []RegionView{view(1, "b", "", 1)}, `no region holds ["", b)`},
		{"gap in the middle", []RegionView{view(1, "", "b", 1), view(2, "c", "", 1)}, "no region holds [b, c)"},
		{"gap at the end", []RegionView{view(1, "", "b", 1)}, "no region holds [b, end)"},
		{"overlap", []RegionView{view(1, "", "c", 1), view(2, "b", "", 1)}, "two regions overlap: region 1"},
		{"overlap behind the end", []RegionView{view(1, "", "", 1), view(2, "b", "c", 1)}, "two regions overlap: region 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := NewInvariants(nil)
			v.CheckKeySpace(c.views)
			if c.want == "" {
				require.Empty(t, v.Violations())
				return
			}
			require.Equal(t, 1, v.Count(), "%v", v.Violations())
			require.Contains(t, v.Violations()[0].Message, c.want)
		})
	}
}

// TestInvariantsForget: what is remembered does not grow with the run, and what peers may come back to is kept.
func TestInvariantsForget(t *testing.T) {
	t.Parallel()
	v := NewInvariants(func() world.Time { return 4_210_000_000 })
	const entries = 200_000
	for i := uint64(1); i <= entries; i++ {
		for _, store := range []world.NodeID{1, 2, 3} {
			v.Appended(store, 7, i, 5, i)
			v.Committed(store, 7, i, 5, i)
			v.Applied(store, 7, i, 5, i)
		}
		v.LeaderElected(1, 7, i)
		v.RegionChanged(1, 7, nil, nil, i, i, []uint64{i})
	}
	require.Empty(t, v.Violations())
	r := v.regions[7]
	require.LessOrEqual(t, len(r.log.slots), 4*logKeep)
	require.LessOrEqual(t, len(r.leaders.at), termsMax)
	require.LessOrEqual(t, len(r.ranges.at), versionsMax)

	v.Restarted(2, 7, entries-logKeep, 5, 0, entries-logKeep)
	v.Applied(2, 7, entries-logKeep+1, 5, 666)
	require.Equal(t, checkCommitted, v.Violations()[0].Check, "an entry this near is still compared")
	require.Contains(t, v.Violations()[0].Message, "at 4.210 s: region 7")

	w := NewInvariants(nil)
	w.Applied(9, 7, 1, 5, 1) // and is never heard of again
	for i := uint64(1); i <= entries; i++ {
		w.Applied(1, 7, i, 5, i)
	}
	require.LessOrEqual(t, len(w.regions[7].log.slots), logMax+2*logKeep, "a lost peer does not keep everything")
	for i := range uint64(100) {
		w.LeaderElected(1, 8, i)
		w.LeaderElected(2, 8, i)
	}
	require.Equal(t, 100, w.Count())
	require.Len(t, w.Violations(), invariantViolationsMax)
}

// TestSleepWithALostPeer: a leader may let its region sleep in trust of what a peer has said that its store has lost since.
func TestSleepWithALostPeer(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{false, true} {
		v := NewInvariants(nil)
		for _, store := range []world.NodeID{1, 2} {
			v.PeerCreated(store, 7, uint64(10+store))
			v.Applied(store, 7, 10, 5, 1)
		}
		v.Loaded(2, nil)
		if again {
			v.PeerCreated(2, 7, 13) // which has nothing
		}
		v.Slept(1, 7, 10, []Member{{1, 11}, {2, 12}})
		require.Equal(t, again, len(v.Violations()) > 0)
	}
}

// TestInvariantsForgetRegions: of regions that have ended the newest are remembered like others, of all of them tombstones.
func TestInvariantsForgetRegions(t *testing.T) {
	t.Parallel()
	v := NewInvariants(nil)
	const regions = 10 * endedMax
	for r := uint64(1); r <= regions; r++ {
		for _, store := range []world.NodeID{1, 2} {
			v.PeerCreated(store, r, 10*r)
			v.Appended(store, r, 1, 5, 1)
			v.Applied(store, r, 1, 5, 1)
		}
		v.PeerDestroyed(1, r, 10*r)
		v.PeerDestroyed(2, r, 10*r)
	}
	require.Len(t, v.ended, endedMax)
	slots := 0
	for _, r := range v.regions {
		slots += len(r.log.slots)
	}
	require.Equal(t, endedMax, slots)
	require.Empty(t, v.Violations())

	v.Appended(3, regions, 1, 5, 666)
	require.Equal(t, checkLogMatch, v.Violations()[0].Check, "one that has ended just now")
	v.PeerCreated(1, 1, 10)
	require.Equal(t, checkTombstone, v.Violations()[1].Check, "one that has long ended")

	// A store that comes back without a peer that nobody saw destroyed has lost it in a crash, and does not keep its region alive.
	v.Applied(1, regions+1, 1, 5, 1)
	v.Applied(1, regions+2, 1, 5, 1)
	v.Loaded(1, []uint64{regions + 2})
	require.Equal(t, uint64(regions+1), v.ended[len(v.ended)-1])
	v.Loaded(1, []uint64{regions + 2})
	require.Len(t, v.ended, endedMax)
	require.NotContains(t, v.ended[:len(v.ended)-1], uint64(regions+1), "it ends once")
	require.Len(t, v.Violations(), 2)

	// A region that has ended and is seen on another store is not forgotten.
	w := NewInvariants(nil)
	w.Applied(1, 1, 1, 5, 1)
	w.PeerDestroyed(1, 1, 10)
	w.Applied(2, 1, 2, 5, 2)
	for r := uint64(2); r <= regions; r++ {
		w.PeerDestroyed(1, r, 10*r)
	}
	w.Applied(3, 1, 2, 5, 666)
	require.Equal(t, checkCommitted, w.Violations()[0].Check)
}

func BenchmarkInvariantsEntry(b *testing.B) {
	v := NewInvariants(nil)
	for i := uint64(1); b.Loop(); i++ {
		for _, store := range []world.NodeID{1, 2, 3} {
			v.Appended(store, i%16, i/16, 5, i)
			v.Committed(store, i%16, i/16, 5, i)
			v.Applied(store, i%16, i/16, 5, i)
		}
	}
	if v.Count() > 0 {
		b.Fatal(v.Violations())
	}
}
