package schedule

import (
	"math/rand/v2"
	"time"

	"ordeal/pd/core"
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
	// Timeout is how long an operator may take, unless one like it was too slow before.
	Timeout time.Duration
	// Rules are what people want beside that.
	Rules Rules
}

// Rules are the part of the configuration that checkers and schedulers go by. The zero value wants nothing special.
type Rules struct {
	// LocationLabels are the labels that say where a store is, the widest first, such as zone, rack, host. Peers of one
	// region should differ in the first of them if they can, otherwise in the second, and so on.
	LocationLabels []string
	// TolerancePercent is by how much of the mean two stores may differ beside what one move changes.
	TolerancePercent int
	// SplitBytes and SplitKeys are from which on a region is cut, 0 for never.
	SplitBytes, SplitKeys uint64
	// MergeBytes and MergeKeys are up to which a region becomes part of a neighbour, both 0 for never.
	MergeBytes, MergeKeys uint64
	// HotBytes is from how many bytes a second on a region is hot, 0 for never.
	HotBytes uint64
	// NoLeaders are stores that are being relieved of leaders and must be given none.
	NoLeaders []uint64
}

// Running is a summary of operators. Decisions count stores as they will be once those are finished: without that, every
// look at a skewed cluster would order the same moves again and overshoot.
type Running struct {
	regions map[uint64]*Operator
	stores  map[uint64]influence
	limits  Limits
	tokens  *tokens
	history *history
}

// influence is what operators under way will add to a store.
type influence struct {
	regions, leaders    int
	operators           [lanes]int
	weight, read, write int64
}

// Has reports whether the region has an operator.
func (n Running) Has(regionID uint64) bool { return n.regions[regionID] != nil }

// full reports whether no further operator of the lane may touch the store.
func (n Running) full(store uint64, l lane) bool {
	_, most := n.limits.most(l)
	return n.stores[store].operators[l] >= most
}

// weight is what a region weighs in the balance: its size in MiB, at least 1, since an empty region costs something too.
func weight(r *core.RegionInfo) int64 { return core.Weight(r.ApproximateSize) }

// weightOn is what a store's regions weigh once the operators under way are finished.
func (in Input) weightOn(s *core.StoreInfo) int64 {
	return s.Counts.Weight + in.Running.stores[s.ID()].weight
}

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
	n.regions[o.Region] = o
	for _, id := range o.Also {
		n.regions[id] = o
	}
	lane := o.lane()
	for _, store := range o.stores() {
		d := n.stores[store]
		d.operators[lane]++
		n.stores[store] = d
	}
	if r == nil {
		return
	}
	for _, step := range o.Steps {
		switch s := step.(type) {
		case AddPeer:
			if !s.has(r) {
				n.peer(s.Store, r, 1)
			}
		case AddLearner:
			if !AddPeer(s).has(r) {
				n.peer(s.Store, r, 1)
			}
		case RemovePeer:
			if !s.Done(r) {
				n.peer(s.Store, r, -1)
			}
		case TransferLeader:
			if r.LeaderStore() == s.From {
				n.leader(s.From, r, -1)
				n.leader(s.To, r, 1)
			}
		}
	}
}

func (n Running) peer(store uint64, r *core.RegionInfo, by int) {
	d := n.stores[store]
	d.regions += by
	d.weight += int64(by) * weight(r)
	d.write += int64(by) * int64(r.Load.WriteBytes)
	n.stores[store] = d
}

func (n Running) leader(store uint64, r *core.RegionInfo, by int) {
	d := n.stores[store]
	d.leaders += by
	d.read += int64(by) * int64(r.Load.ReadBytes)
	n.stores[store] = d
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
		case AddLearner:
			seen(s.Store)
		case Swap:
			for _, p := range s.Promote {
				seen(p.Store)
			}
			for _, p := range s.Demote {
				seen(p.Store)
			}
		case RemovePeer:
			seen(s.Store)
		case TransferLeader:
			seen(s.From)
			seen(s.To)
		}
	}
	return out
}
