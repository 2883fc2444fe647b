package workloads

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sort"
	"time"

	"ordeal/checker"
	"ordeal/cluster"
	"ordeal/internal/reach"
	"ordeal/pd"
	"ordeal/pd/core"
	"ordeal/pd/schedule"
	"ordeal/proto/metapb"
	"ordeal/raft"
	"ordeal/system/store"
	"ordeal/world"
	"ordeal/world/sim"
)

// A report is given leadersMax changes of leadership at most, and leadersPerRegion more for each region that the cluster
// starts with: each is led first by one peer and then, once it is spread, by another.
const (
	leadersMax       = 5000
	leadersPerRegion = 2
)

// watch looks at a run while it happens: it feeds the invariants from the stores' listeners and keeps what a report
// tells beside the history.
type watch struct {
	w   *sim.World
	inv *checker.Invariants

	// regions is the newest description of each region that any store applied; what is applied is committed, so it
	// only ever moves forward, whatever crashes.
	regions map[uint64]checker.RegionView
	// ended are those that were swallowed by others: stores that lag still talk of them.
	ended   map[uint64]bool
	leaders []leadership
	// leadersMax bounds leaders.
	leadersMax int
	// waiting are the client calls that wait in each shard.
	waiting map[shardOf]uint64
	// placement follows who moves peers, film what a report shows of it.
	placement *placement
	film      *film
	// rotten says whether somebody damaged a store's disk where a region has data.
	rotten func(world.NodeID, *metapb.Region) bool
	// sound says whether machines and links are as they should be.
	sound func() bool
	// reached counts the states that the run has come to.
	reached reach.Counts
	notes   []string
	// slumbers counts how often a peer fell asleep.
	slumbers int
}

// shardOf names a shard of a store.
type shardOf struct {
	store world.NodeID
	shard int
}

// leadership is one peer becoming leader.
type leadership struct {
	at     world.Time
	region uint64
	store  world.NodeID
	term   uint64
}

func newWatch(w *sim.World, regions int) *watch {
	return &watch{
		w: w, inv: checker.NewInvariants(w.Now), regions: map[uint64]checker.RegionView{}, ended: map[uint64]bool{},
		rotten:    func(world.NodeID, *metapb.Region) bool { return false },
		sound:     func() bool { return true },
		reached:   reach.NewCounts(cluster.States()),
		placement: newPlacement(w.Now), film: newFilm(w.Now, regions), waiting: map[shardOf]uint64{}, leadersMax: leadersMax + leadersPerRegion*regions,
	}
}

func (v *watch) note(format string, args ...any) {
	v.notes = append(v.notes, fmt.Sprintf(format, args...))
}

// listener connects the stores to the invariants.
func (v *watch) listener() store.Listener {
	inv := v.inv
	return store.Listener{
		Started: func(s uint64, r *metapb.Region, applied raft.ID, h raft.HardState) {
			inv.Restarted(world.NodeID(s), r.GetId(), applied.Index, h.Term, h.Vote, h.Commit)
			inv.RegionLoaded(world.NodeID(s), r.GetId(), r.GetRegionEpoch().GetConfVer(), r.GetRegionEpoch().GetVersion())
		},
		Elected:   v.elected,
		Loaded:    func(s uint64, regions []uint64) { inv.Loaded(world.NodeID(s), regions) },
		LeaseRead: func(s, region, term uint64) { inv.LeaseRead(world.NodeID(s), region, term) },
		Campaigned: func(s, region, term uint64) {
			// Where votes are lost or disks are slow, one that could win does not.
			if v.sound() {
				inv.Campaigned(world.NodeID(s), region, term)
			}
		},
		ChangeProposed: func(s, region uint64, at raft.ID, applied uint64) {
			inv.ChangeProposed(world.NodeID(s), region, at.Index, at.Term, applied)
		},
		HardState: func(s, region uint64, h raft.HardState) {
			inv.HardState(world.NodeID(s), region, h.Term, h.Vote, h.Commit)
		},
		HardStateDurable: func(s, region uint64, h raft.HardState) {
			inv.HardStateDurable(world.NodeID(s), region, h.Term, h.Vote, h.Commit)
		},
		Appended: func(s, region uint64, at raft.ID, hash uint64) {
			inv.Appended(world.NodeID(s), region, at.Index, at.Term, hash)
		},
		Applied: func(s, region uint64, at raft.ID, hash uint64) {
			inv.Applied(world.NodeID(s), region, at.Index, at.Term, hash)
		},
		StateHash: func(s, region uint64, at raft.ID, hash uint64, pairs int) {
			inv.StateHash(world.NodeID(s), region, at.Index, hash, pairs)
		},
		RegionState: func(s, region uint64, at raft.ID, changed bool, state string) {
			inv.RegionState(world.NodeID(s), region, at.Index, changed, state)
		},
		Inconsistent: func(s, region uint64, at raft.ID, hash, majority uint64) {
			inv.Inconsistent(world.NodeID(s), region, at.Index, hash, majority)
		},
		Quarantined: func(s uint64, r *metapb.Region, peer uint64, why string) {
			inv.Quarantined(world.NodeID(s), r.GetId(), peer, v.rotten(world.NodeID(s), r), why)
		},
		SnapshotApplied: func(s uint64, r *metapb.Region, at raft.ID) {
			inv.SnapshotApplied(world.NodeID(s), r.GetId(), at.Index, at.Term)
		},
		RegionChanged: v.regionChanged,
		Slept:         v.slept,
		PeerCreated: func(s, region, peer uint64) {
			inv.PeerCreated(world.NodeID(s), region, peer)
		},
		PeerDestroyed: func(s, region, peer uint64) {
			inv.PeerDestroyed(world.NodeID(s), region, peer)
		},
		Load:  v.checkLoad,
		Split: func(s uint64, _ *metapb.Region, parts []*metapb.Region) { v.split(s, parts) },
		PrepareMerge: func(s uint64, r *metapb.Region, commit uint64) {
			inv.MergePrepared(world.NodeID(s), r.GetId(), commit)
		},
		RollbackMerge: func(s uint64, r *metapb.Region, commit uint64) {
			inv.MergeRolledBack(world.NodeID(s), r.GetId(), commit)
		},
		CommitMerge: v.merged,
		Reached:     func(_ uint64, state string, _, _ uint64) { v.reached.Reached(state) },
	}
}

// elected keeps account of who leads, for the report, beside what the invariants make of it.
func (v *watch) elected(s, region, term uint64) {
	v.inv.LeaderElected(world.NodeID(s), region, term)
	if len(v.leaders) < v.leadersMax {
		v.leaders = append(v.leaders, leadership{v.w.Now(), region, world.NodeID(s), term})
	}
}

// driverListener connects the placement driver to those who follow it.
func (v *watch) driverListener() pd.Listener {
	return pd.Listener{
		Booted: func() {
			v.placement.booted()
			v.film.booted()
		},
		Started: func(o *schedule.Operator, s *core.Snapshot) {
			v.placement.started(o, s)
			v.film.started(o)
		},
		Ended: func(e schedule.End) {
			v.placement.ended(e)
			v.film.stopped(e)
		},
	}
}

// split checks the key space, unless the store has come late and all of it is known.
func (v *watch) split(s uint64, parts []*metapb.Region) {
	news := false
	for _, r := range parts {
		v.film.region(r)
		news = v.learn(s, r) || news
	}
	if news {
		v.checkKeySpace()
	}
}

func (v *watch) merged(s uint64, r, source *metapb.Region, commit uint64) {
	v.inv.Merged(world.NodeID(s), r.GetId(), source.GetId(), commit)
	news := v.learn(s, r) || !v.ended[source.GetId()]
	v.ended[source.GetId()] = true
	v.film.merged(source.GetId())
	v.placement.merged(source.GetId())
	v.film.region(r)
	delete(v.regions, source.GetId())
	if news {
		v.checkKeySpace()
	}
}

// checkLoad checks that what waits in a store is within its bounds.
func (v *watch) checkLoad(id uint64, shard int, l store.Load) {
	s := world.NodeID(id)
	v.waiting[shardOf{s, shard}] = l.Requests
	v.inv.Queue(s, "client calls", l.Requests, l.RequestsMax)
	v.inv.Queue(s, "bytes of client calls", l.Bytes, l.BytesMax)
	v.inv.Queue(s, "barriers", l.Barriers, l.BarriersMax)
	v.inv.Queue(s, "questions to PD", l.PDCalls, l.PDCallsMax)
	v.inv.Queue(s, "early vote requests", l.Votes, l.VotesMax)
}

func (v *watch) regionChanged(s uint64, r *metapb.Region) {
	peers := make([]uint64, 0, len(r.GetPeers()))
	for _, m := range r.GetPeers() {
		peers = append(peers, m.GetId())
	}
	e := r.GetRegionEpoch()
	if !v.ended[r.GetId()] {
		v.placement.changed(r)
	}
	v.film.region(r)
	v.inv.RegionChanged(world.NodeID(s), r.GetId(), r.GetStartKey(), r.GetEndKey(), e.GetConfVer(), e.GetVersion(), peers)
}

// slept checks that a leader that falls asleep leaves nobody behind.
func (v *watch) slept(s uint64, r *metapb.Region, leads bool, applied raft.ID) {
	v.slumbers++
	if !leads {
		return
	}
	var members []checker.Member
	for _, m := range r.GetPeers() {
		members = append(members, checker.Member{Store: world.NodeID(m.GetStoreId()), Peer: m.GetId()})
	}
	v.inv.Slept(world.NodeID(s), r.GetId(), applied.Index, members)
}

// checkSleepers checks that nobody sleeps in trust of a store that has been down for longer than limit.
func (v *watch) checkSleepers(c *cluster.Sim, limit time.Duration) {
	for _, x := range c.Orphans() {
		v.inv.Asleep(x.Store, x.Region, x.Leader, x.Down, limit)
	}
}

// learn keeps the description of a region if it is newer than what is known, and says whether it was.
func (v *watch) learn(s uint64, r *metapb.Region) bool {
	e := r.GetRegionEpoch()
	if old, ok := v.regions[r.GetId()]; v.ended[r.GetId()] || ok && old.Version >= e.GetVersion() {
		return false
	}
	v.regions[r.GetId()] = checker.RegionView{
		Store: world.NodeID(s), Region: r.GetId(), Start: r.GetStartKey(), End: r.GetEndKey(),
		ConfVer: e.GetConfVer(), Version: e.GetVersion(),
	}
	return true
}

// checkKeySpace checks that what was applied so far leaves no key without a region, and none with two.
func (v *watch) checkKeySpace() {
	views := make([]checker.RegionView, 0, len(v.regions))
	//tidy:maporder the views are sorted below
	for _, r := range v.regions {
		views = append(views, r)
	}
	sort.Slice(views, func(i, j int) bool { return views[i].Region < views[j].Region })
	v.inv.CheckKeySpace(views)
}

// compareReplicas checks the data of a cluster at rest.
func (v *watch) compareReplicas(replicas []cluster.Replica) {
	hashes := make([]checker.ReplicaHash, 0, len(replicas))
	for _, r := range replicas {
		hashes = append(hashes, checker.ReplicaHash(r))
	}
	v.inv.CheckHashes(hashes)
}

// forget takes what waited in a store for lost with it.
func (v *watch) forget(s world.NodeID) {
	maps.DeleteFunc(v.waiting, func(of shardOf, _ uint64) bool { return of.store == s })
}

// anyWaiting says whether any client's call waits in a store.
func (v *watch) anyWaiting() bool {
	//tidy:maporder any one will do
	for _, n := range v.waiting {
		if n > 0 {
			return true
		}
	}
	return false
}

// checkAnswered checks that no call is forgotten, when none should be waiting any more.
func (v *watch) checkAnswered() {
	shards := slices.SortedFunc(maps.Keys(v.waiting), func(a, b shardOf) int {
		return cmp.Or(cmp.Compare(a.store, b.store), cmp.Compare(a.shard, b.shard))
	})
	for _, s := range shards {
		v.inv.Queue(s.store, "client calls that nobody will answer", v.waiting[s], 0)
	}
}
