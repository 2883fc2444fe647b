package schedule

import (
	"math/rand/v2"
	"time"

	"ordeal/pd/core"
	"ordeal/system/region"
)

// Input is all that a decision may depend on.
type Input struct {
	Snapshot *core.Snapshot
	// Running is what operators under way are about to change.
	Running Running
	// Rand chooses among regions that are equally good.
	Rand *rand.Rand
	// NextID gives ids for new peers. It is called only for an operator that is returned.
	NextID func() uint64
	// Replicas is how many peers a region should have.
	Replicas int
	// Timeout is how long an operator may take.
	Timeout time.Duration
}

// Running is a summary of operators. Decisions count stores as they will be once those are finished: without that, every
// look at a skewed cluster would order the same moves again and overshoot.
type Running struct {
	regions map[uint64]bool
	stores  map[uint64]influence
	// storeOperatorsMax is how many operators may touch one store.
	storeOperatorsMax int
}

type influence struct{ regions, leaders, operators int }

// Has reports whether the region has an operator.
func (n Running) Has(regionID uint64) bool { return n.regions[regionID] }

// full reports whether no further operator may touch the store.
func (n Running) full(store uint64) bool { return n.stores[store].operators >= n.storeOperatorsMax }

// regionCount and leaderCount are a store's once the operators under way are finished.
func (in Input) regionCount(s *core.StoreInfo) int {
	return s.Counts.Regions + in.Running.stores[s.ID()].regions
}

func (in Input) leaderCount(s *core.StoreInfo) int {
	return s.Counts.Leaders + in.Running.stores[s.ID()].leaders
}

// add counts an operator: it occupies every store its steps name, and those of its steps that r does not show yet will
// change that store's counts.
func (n Running) add(o *Operator, r *core.RegionInfo) {
	n.regions[o.Region] = true
	touch := func(store uint64, regions, leaders int) {
		d := n.stores[store]
		d.regions += regions
		d.leaders += leaders
		n.stores[store] = d
	}
	for _, store := range o.stores() {
		d := n.stores[store]
		d.operators++
		n.stores[store] = d
	}
	if r == nil {
		return
	}
	for _, step := range o.Steps {
		switch s := step.(type) {
		case AddPeer:
			if !s.has(r) {
				touch(s.Store, 1, 0)
			}
		case RemovePeer:
			if !s.Done(r) {
				touch(s.Store, -1, 0)
			}
		case TransferLeader:
			if r.LeaderStore() == s.From {
				touch(s.From, 0, -1)
				touch(s.To, 0, 1)
			}
		}
	}
}

// stores names the stores that the operator touches, each once, in the order of its steps.
func (o *Operator) stores() []uint64 {
	var out []uint64
	seen := func(store uint64) {
		for _, s := range out {
			if s == store {
				return
			}
		}
		out = append(out, store)
	}
	for _, step := range o.Steps {
		switch s := step.(type) {
		case AddPeer:
			seen(s.Store)
		case RemovePeer:
			seen(s.Store)
		case TransferLeader:
			seen(s.From)
			seen(s.To)
		}
	}
	return out
}

// bestFollower chooses who should lead instead of the leader: of the healthy followers on stores that are up, the one
// whose store leads least. Zero means there is none.
func (in Input) bestFollower(r *core.RegionInfo) uint64 {
	var best *core.StoreInfo
	for _, p := range r.Region.GetPeers() {
		s := in.Snapshot.Store(p.GetStoreId())
		if p.GetId() == r.Leader.GetId() || !healthy(in.Snapshot, r, p) || s.State != core.StoreUp {
			continue
		}
		if best == nil || in.leaderCount(s) < in.leaderCount(best) {
			best = s
		}
	}
	if best == nil {
		return 0
	}
	return best.ID()
}

// move plans to replace the peer on from by a new one on to: the new one first, so that the region is never thinner
// than it was. It returns nil if that is not safe as far as can be seen now.
func (in Input) move(r *core.RegionInfo, kind Kind, why string, from, to uint64) *Operator {
	old := region.FindPeer(r.Region, from)
	if quorumHazard(in.Snapshot, r, old.GetId(), 1) != "" || (AddPeer{Store: to}).Hazard(in.Snapshot, r) != "" {
		return nil
	}
	steps := []Step{AddPeer{Store: to, PeerID: in.NextID()}}
	if r.LeaderStore() == from {
		leader := in.bestFollower(r)
		if leader == 0 {
			leader = to
		}
		steps = append(steps, TransferLeader{From: from, To: leader})
	}
	steps = append(steps, RemovePeer{Store: from, PeerID: old.GetId()})
	return newOperator(in, r, kind, why, steps...)
}

// remove plans to take the peer on a store away without replacement, leadership first.
func (in Input) remove(r *core.RegionInfo, why string, store uint64) *Operator {
	old := region.FindPeer(r.Region, store)
	if quorumHazard(in.Snapshot, r, old.GetId(), 0) != "" {
		return nil
	}
	var steps []Step
	if r.LeaderStore() == store {
		leader := in.bestFollower(r)
		if leader == 0 {
			return nil
		}
		steps = append(steps, TransferLeader{From: store, To: leader})
	}
	return newOperator(in, r, KindReplica, why, append(steps, RemovePeer{Store: store, PeerID: old.GetId()})...)
}
