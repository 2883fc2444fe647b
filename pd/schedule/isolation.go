package schedule

import (
	"fmt"

	"ordeal/pd/core"
)

// isolationBase is by how much it is worth more to differ in one label than in all of the narrower ones, for all peers of a
// region together.
const isolationBase = 100

// isolation says how far a store is from those that have the other peers of r, except for the peer on without (0 for none).
// A store that lacks a label differs in it from nobody, so that it is never taken for a place of its own.
func (in Input) isolation(r *core.RegionInfo, store, without uint64) int {
	labels := in.Rules.LocationLabels
	s := in.Snapshot.Store(store)
	sum := 0
	for _, p := range r.Region.GetPeers() {
		other := in.Snapshot.Store(p.GetStoreId())
		if p.GetStoreId() == without || other == nil || s == nil || other.ID() == store {
			continue
		}
		worth := 1
		for range labels {
			worth *= isolationBase
		}
		for _, label := range labels {
			worth /= isolationBase
			a, b := s.Label(label), other.Label(label)
			if a != "" && b != "" && a != b {
				sum += worth
				break
			}
		}
	}
	return sum
}

// CheckIsolation moves one peer of a healthy region to a store that is farther from the other ones, if there is one.
func CheckIsolation(in Input, r *core.RegionInfo) *Operator {
	if len(in.Rules.LocationLabels) == 0 || in.Running.Has(r.ID()) || !in.led(r) ||
		len(r.Region.GetPeers()) != in.Replicas || !allHealthy(in.Snapshot, r) {
		return nil
	}
	from, to, gain := uint64(0), uint64(0), 0
	for _, p := range r.Region.GetPeers() {
		best := in.bestTargetFor(r, p.GetStoreId())
		if best == 0 {
			continue
		}
		more := in.isolation(r, best, p.GetStoreId()) - in.isolation(r, p.GetStoreId(), p.GetStoreId())
		// Of equals rather one that does not lead.
		if more > gain || (more == gain && more > 0 && from == r.LeaderStore()) {
			from, to, gain = p.GetStoreId(), best, more
		}
	}
	if gain == 0 {
		return nil
	}
	return in.move(r, KindIsolation, fmt.Sprintf("s%d stands farther apart than s%d", to, from), from, to)
}
