package schedule

import (
	"fmt"

	"ordeal/pd/core"
	"ordeal/system/region"
)

// What people ask for is planned like everything else and refused where that would be: an order is no reason to risk a region.

// LeadFrom plans that r be led from a store, or says why not.
func LeadFrom(in Input, r *core.RegionInfo, store uint64) (o *Operator, refused string) {
	to := TransferLeader{From: r.LeaderStore(), To: store}
	if refused = in.refuse(r); refused != "" {
		return nil, refused
	}
	if r.LeaderStore() == store {
		return nil, fmt.Sprintf("s%d leads it already", store)
	}
	if s := in.Snapshot.Store(store); s == nil || s.State != core.StoreUp {
		return nil, fmt.Sprintf("s%d is not up", store)
	}
	if refused = to.Hazard(in.Snapshot, r); refused != "" {
		return nil, refused
	}
	return newOperator(in, r, KindOrdered, "asked for", to), ""
}

// MovePeer plans that a peer of r move from one store to another, or says why not.
func MovePeer(in Input, r *core.RegionInfo, from, to uint64) (o *Operator, refused string) {
	if refused = in.refuse(r); refused != "" {
		return nil, refused
	}
	store := in.Snapshot.Store(to)
	switch {
	case region.FindPeer(r.Region, from) == nil:
		return nil, fmt.Sprintf("it has no peer on s%d", from)
	case store == nil:
		return nil, fmt.Sprintf("s%d is not known", to)
	case in.rejectTarget(r, store) != "":
		return nil, fmt.Sprintf("s%d %s", to, in.rejectTarget(r, store))
	case !allHealthy(in.Snapshot, r):
		return nil, "not all of its peers are well"
	}
	if o = in.move(r, KindOrdered, "asked for", from, to); o == nil {
		return nil, "it would not be safe"
	}
	return o, ""
}

// Cut plans that r be cut in two, or says why not.
func Cut(in Input, r *core.RegionInfo) (o *Operator, refused string) {
	if refused = in.refuse(r); refused != "" {
		return nil, refused
	}
	return newOperator(in, r, KindOrdered, "asked for", SplitRegion{Version: r.Region.GetRegionEpoch().GetVersion()}), ""
}

// MergeRegions plans that r become part of t, a neighbour with its peers on the same stores, or says why not.
func MergeRegions(in Input, r, t *core.RegionInfo) (o *Operator, refused string) {
	for _, one := range []*core.RegionInfo{r, t} {
		if refused = in.refuse(one); refused != "" {
			return nil, fmt.Sprintf("r%d: %s", one.ID(), refused)
		}
	}
	if t != in.before(r) && t != in.behind(r) {
		return nil, fmt.Sprintf("r%d is no neighbour", t.ID())
	}
	step := MergeInto{Version: r.Region.GetRegionEpoch().GetVersion(), Target: t.Region}
	if refused = step.Hazard(in.Snapshot, r); refused != "" {
		return nil, refused
	}
	o = newOperator(in, r, KindOrdered, "asked for", step)
	o.Also = []uint64{t.ID()}
	return o, ""
}

// refuse says why nothing can be done with a region now.
func (in Input) refuse(r *core.RegionInfo) string {
	switch {
	case !in.led(r):
		return "nobody is known to lead it"
	case region.Joint(r.Region):
		return "it is in a joint configuration"
	}
	return ""
}
