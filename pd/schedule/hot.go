package schedule

import (
	"fmt"
	"slices"

	"ordeal/pd/core"
	"ordeal/system/region"
)

// BalanceHot moves load. Reads are served by leaders, so a region that is read much is led from elsewhere; writes go to all
// peers, so of one that is written much a peer moves. As in all balance, two stores must differ by at least twice what
// moves and a tolerance.
func BalanceHot(in Input) *Operator {
	if in.Rules.HotBytes == 0 {
		return nil
	}
	if op := in.coolReads(); op != nil {
		return op
	}
	return in.coolWrites()
}

func (in Input) readOn(s *core.StoreInfo) int64 {
	return int64(s.Counts.ReadLoad) + in.Running.stores[s.ID()].read
}

func (in Input) writeOn(s *core.StoreInfo) int64 {
	return int64(s.Counts.WriteLoad) + in.Running.stores[s.ID()].write
}

// hottest sorts regions of a store by load, the hottest first, and leaves out those that are not hot.
func (in Input) hottest(store uint64, roles []core.Role, load func(*core.RegionInfo) uint64) []*core.RegionInfo {
	var out []*core.RegionInfo
	for _, role := range roles {
		out = append(out, in.candidates(store, role, func(r *core.RegionInfo) bool {
			return load(r) >= in.Rules.HotBytes && len(r.Region.GetPeers()) == in.Replicas && allHealthy(in.Snapshot, r)
		})...)
	}
	slices.SortStableFunc(out, func(a, b *core.RegionInfo) int {
		return -int(one(load(a) > load(b))) + int(one(load(a) < load(b)))
	})
	return out
}

func (in Input) coolReads() *Operator {
	read := func(r *core.RegionInfo) uint64 { return r.Load.ReadBytes }
	targets := in.ranked(in.readOn, notUp, handing, slow, noLeaders)
	sources := in.ranked(in.readOn, notUp, handing)
	if len(targets) == 0 || len(sources) == 0 {
		return nil
	}
	from := sources[len(sources)-1]
	slack := in.tolerance(in.readOn)
	for _, r := range in.hottest(from.ID(), []core.Role{core.RoleLeader}, read) {
		for _, to := range targets {
			diff := in.readOn(from) - in.readOn(to)
			if !in.uneven(diff, int64(read(r)), slack) {
				break
			}
			if region.FindPeer(r.Region, to.ID()) == nil {
				continue
			}
			why := fmt.Sprintf("%d B/s are read, s%d serves %d B/s more than s%d", read(r), from.ID(), diff, to.ID())
			if op := in.transfer([]*core.RegionInfo{r}, KindHotRegion, from.ID(), to.ID(), why); op != nil {
				return op
			}
		}
	}
	return nil
}

func (in Input) coolWrites() *Operator {
	written := func(r *core.RegionInfo) uint64 { return r.Load.WriteBytes }
	targets := in.ranked(in.writeOn, evenFilters...)
	sources := in.ranked(in.writeOn, notUp, occupied, givesNone)
	if len(targets) == 0 || len(sources) == 0 {
		return nil
	}
	from := sources[len(sources)-1]
	slack := in.tolerance(in.writeOn)
	for _, r := range in.hottest(from.ID(), []core.Role{core.RoleFollower, core.RoleLeader}, written) {
		for _, to := range targets {
			diff := in.writeOn(from) - in.writeOn(to)
			if !in.uneven(diff, int64(written(r)), slack) {
				break
			}
			if !in.fits(r, from.ID(), to.ID()) {
				continue
			}
			why := fmt.Sprintf("%d B/s are written, s%d takes %d B/s more than s%d", written(r), from.ID(), diff, to.ID())
			if op := in.move(r, KindHotRegion, why, from.ID(), to.ID()); op != nil {
				return op
			}
		}
	}
	return nil
}
