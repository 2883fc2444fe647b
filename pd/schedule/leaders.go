package schedule

import (
	"fmt"

	"ordeal/pd/core"
)

// EvictLeader relieves a store of a leader. That the store is given none meanwhile is for Rules.NoLeaders to say.
func EvictLeader(in Input, store uint64) *Operator {
	for _, r := range in.candidates(store, core.RoleLeader, func(*core.RegionInfo) bool { return true }) {
		to := in.bestFollower(r)
		if to == 0 || in.worseLeader(in.Snapshot.Store(to)) != 0 {
			continue
		}
		if op := in.transfer([]*core.RegionInfo{r}, KindEvictLeader, store, to, fmt.Sprintf("s%d must not lead", store)); op != nil {
			return op
		}
	}
	return nil
}

// GrantLeader lets a store lead a region that it has a follower of.
func GrantLeader(in Input, store uint64) *Operator {
	s := in.Snapshot.Store(store)
	if s == nil || reject(in, s, notUp, handing, noLeaders) != "" {
		return nil
	}
	regions := in.candidates(store, core.RoleFollower, func(r *core.RegionInfo) bool { return in.led(r) })
	for _, r := range regions {
		if op := in.transfer([]*core.RegionInfo{r}, KindGrantLeader, r.LeaderStore(), store, fmt.Sprintf("s%d should lead", store)); op != nil {
			return op
		}
	}
	return nil
}
