package schedule

import (
	"fmt"

	"ordeal/pd/core"
	"ordeal/proto/metapb"
	"ordeal/system/region"
)

// mergeRoom is the part of the bound for splitting that two regions must not exceed together to be merged, or they would
// soon be split again: half.
const mergeRoom = 2

// CheckSplit cuts a region that has grown too large.
func CheckSplit(in Input, r *core.RegionInfo) *Operator {
	why := ""
	switch {
	case in.Running.Has(r.ID()) || !in.led(r):
		return nil
	case in.Rules.SplitBytes > 0 && r.ApproximateSize >= in.Rules.SplitBytes:
		why = fmt.Sprintf("%d of %d B", r.ApproximateSize, in.Rules.SplitBytes)
	case in.Rules.SplitKeys > 0 && r.ApproximateKeys >= in.Rules.SplitKeys:
		why = fmt.Sprintf("%d of %d keys", r.ApproximateKeys, in.Rules.SplitKeys)
	default:
		return nil
	}
	return newOperator(in, r, KindSplit, why, SplitRegion{Version: r.Region.GetRegionEpoch().GetVersion()})
}

// CheckMerge makes a small region part of a neighbour, the smaller of the two that there are. Both need their peers on the
// same stores: if they are elsewhere, those of the small one move first, which is a plan of its own.
func CheckMerge(in Input, r *core.RegionInfo) *Operator {
	if (in.Rules.MergeBytes == 0 && in.Rules.MergeKeys == 0) || in.Running.Has(r.ID()) || !in.led(r) || !in.small(r) || !in.mergeable(r) {
		return nil
	}
	var best *core.RegionInfo
	for _, t := range []*core.RegionInfo{in.before(r), in.behind(r)} {
		if t == nil || in.Running.Has(t.ID()) || !in.led(t) || !in.mergeable(t) || !in.roomFor(r, t) {
			continue
		}
		if best == nil || t.ApproximateSize < best.ApproximateSize {
			best = t
		}
	}
	if best == nil {
		return nil
	}
	why := fmt.Sprintf("%d B and %d keys", r.ApproximateSize, r.ApproximateKeys)
	if sameStores(r.Region, best.Region) {
		op := newOperator(in, r, KindMerge, why, MergeInto{Version: r.Region.GetRegionEpoch().GetVersion(), Target: best.Region})
		if op != nil {
			op.Also = []uint64{best.ID()}
		}
		return op
	}
	from, to := storesWithout(r.Region, best.Region), storesWithout(best.Region, r.Region)
	for _, store := range to {
		if reject(in, in.Snapshot.Store(store), targetFilters...) != "" {
			return nil
		}
	}
	op := in.build(r, KindMerge, why+fmt.Sprintf(", to be with r%d", best.ID()), from, to, 0)
	if op != nil {
		op.Also = []uint64{best.ID()}
	}
	return op
}

func (in Input) small(r *core.RegionInfo) bool {
	return (in.Rules.MergeBytes == 0 || r.ApproximateSize <= in.Rules.MergeBytes) &&
		(in.Rules.MergeKeys == 0 || r.ApproximateKeys <= in.Rules.MergeKeys)
}

// mergeable says whether a region has all its peers, and they are well and vote.
func (in Input) mergeable(r *core.RegionInfo) bool {
	return len(r.Region.GetPeers()) == in.Replicas && !region.Joint(r.Region) && allHealthy(in.Snapshot, r)
}

func (in Input) roomFor(a, b *core.RegionInfo) bool {
	return (in.Rules.SplitBytes == 0 || a.ApproximateSize+b.ApproximateSize < in.Rules.SplitBytes/mergeRoom) &&
		(in.Rules.SplitKeys == 0 || a.ApproximateKeys+b.ApproximateKeys < in.Rules.SplitKeys/mergeRoom)
}

// before and behind are r's neighbours, nil where nobody is known to be.
func (in Input) before(r *core.RegionInfo) *core.RegionInfo {
	start := r.Region.GetStartKey()
	if len(start) == 0 {
		return nil
	}
	t := in.Snapshot.LastBefore(start)
	if t == nil || string(t.Region.GetEndKey()) != string(start) {
		return nil
	}
	return t
}

func (in Input) behind(r *core.RegionInfo) *core.RegionInfo {
	end := r.Region.GetEndKey()
	if len(end) == 0 {
		return nil
	}
	return in.Snapshot.RegionByKey(end)
}

// storesWithout are the stores of a's peers on which b has none.
func storesWithout(a, b *metapb.Region) []uint64 {
	var out []uint64
	for _, p := range a.GetPeers() {
		if region.FindPeer(b, p.GetStoreId()) == nil {
			out = append(out, p.GetStoreId())
		}
	}
	return out
}
