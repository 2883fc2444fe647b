package schedule

import (
	"slices"

	"ordeal/pd/core"
)

// ScatterAny scatters regions at random, one after the other and for as long as it runs: it is for clusters that are to be
// shaken up, and keeps any from coming to rest.
func ScatterAny(in Input) *Operator {
	n := in.Snapshot.RegionCount()
	if n == 0 {
		return nil
	}
	return Scatter(in, in.Snapshot.At(in.Rand.IntN(n)))
}

// Scatter spreads the peers of one region over stores at random, such that none stand nearer to each other than before, and
// lets a random one of those that stay lead. It is for regions that were just cut out of one and are still all on its stores.
func Scatter(in Input, r *core.RegionInfo) *Operator {
	if in.Running.Has(r.ID()) || !in.led(r) || !in.mergeable(r) {
		return nil
	}
	var from, to, stay []uint64
	anchor := in.Rand.IntN(len(r.Region.GetPeers())) // stays in any case, so that somebody can lead meanwhile
	for n, p := range r.Region.GetPeers() {
		open := []uint64{p.GetStoreId()}
		stores := in.Snapshot.Stores()
		for i := range stores {
			id := stores[i].ID()
			if !slices.Contains(to, id) && in.fits(r, p.GetStoreId(), id) && reject(in, &stores[i], evenFilters...) == "" {
				open = append(open, id)
			}
		}
		// Where labels count, one peer moves at a time: whether they fit is judged against where the others are now.
		next := open[in.Rand.IntN(len(open))]
		if n == anchor || next == p.GetStoreId() || (len(in.Rules.LocationLabels) > 0 && len(to) > 0) {
			stay = append(stay, p.GetStoreId())
			continue
		}
		from, to = append(from, p.GetStoreId()), append(to, next)
	}
	mayLead := slices.DeleteFunc(slices.Clone(stay), func(id uint64) bool {
		return reject(in, in.Snapshot.Store(id), notUp, noLeaders) != ""
	})
	if len(mayLead) == 0 {
		return nil
	}
	leader := mayLead[in.Rand.IntN(len(mayLead))]
	if len(to) == 0 && leader == r.LeaderStore() {
		return nil
	}
	return in.build(r, KindScatter, "scatter", from, to, leader)
}
