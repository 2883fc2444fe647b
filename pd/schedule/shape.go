package schedule

import (
	"fmt"
	"strings"

	"ordeal/pd/core"
	"ordeal/proto/metapb"
	"ordeal/proto/pdpb"
	"ordeal/system/region"
)

// reshapes is a step that changes the range of its region: with it, a version other than the planned one is no sign that
// the plan is out of date.
type reshapes interface{ reshapes() }

// SplitRegion cuts a region: at Keys, or where its leader finds it best. It is done when the version has risen.
type SplitRegion struct {
	// Version is the region's when the plan was made.
	Version uint64
	Keys    [][]byte
}

func (SplitRegion) reshapes() {}

// String prints the step.
func (c SplitRegion) String() string {
	if len(c.Keys) == 0 {
		return "split in the middle"
	}
	keys := make([]string, len(c.Keys))
	for i, k := range c.Keys {
		keys[i] = region.FormatKey(k)
	}
	return "split at " + strings.Join(keys, ", ")
}

// Done reports whether the region's range has changed since.
func (c SplitRegion) Done(r *core.RegionInfo) bool {
	return r.Region.GetRegionEpoch().GetVersion() > c.Version
}

// Hazard refuses a joint region, whose parts nobody would lead out of it.
func (c SplitRegion) Hazard(_ *core.Snapshot, r *core.RegionInfo) string {
	if region.Joint(r.Region) {
		return "the region is in a joint configuration"
	}
	return ""
}

func (SplitRegion) confChanges(*core.RegionInfo) uint64 { return 0 }

func (c SplitRegion) ask(_ *core.RegionInfo, cmd *pdpb.RegionHeartbeatResponse) bool {
	cmd.SplitRegion = &pdpb.SplitRegion{Policy: pdpb.CheckPolicy_APPROXIMATE}
	if len(c.Keys) > 0 {
		cmd.SplitRegion = &pdpb.SplitRegion{Policy: pdpb.CheckPolicy_USEKEY, Keys: c.Keys}
	}
	return true
}

// MergeInto makes a region part of its neighbour Target. It is done when the region is gone and Target has its keys,
// which Controller.Sweep notices.
type MergeInto struct {
	// Version is the region's when the plan was made. It rises when the region freezes, and again if it thaws.
	Version uint64
	Target  *metapb.Region
}

func (MergeInto) reshapes() {}

// String prints the step.
func (m MergeInto) String() string { return fmt.Sprintf("merge into r%d", m.Target.GetId()) }

// Done is never seen in the region itself.
func (MergeInto) Done(*core.RegionInfo) bool { return false }

// Hazard refuses a target that has changed, or has its peers elsewhere, or cannot be counted on.
func (m MergeInto) Hazard(s *core.Snapshot, r *core.RegionInfo) string {
	if m.begun(r) {
		return "" // only the stores can take it back
	}
	t := s.Region(m.Target.GetId())
	switch {
	case t == nil || !region.SameEpoch(t.Region.GetRegionEpoch(), m.Target.GetRegionEpoch()):
		return fmt.Sprintf("r%d has changed", m.Target.GetId())
	case !sameStores(r.Region, t.Region):
		return fmt.Sprintf("r%d has its peers elsewhere", t.ID())
	case !allHealthy(s, r) || !allHealthy(s, t):
		return "not all peers are healthy"
	}
	return ""
}

func (m MergeInto) begun(r *core.RegionInfo) bool {
	return r.Region.GetRegionEpoch().GetVersion() != m.Version
}

func (MergeInto) confChanges(*core.RegionInfo) uint64 { return 1 }

func (m MergeInto) ask(r *core.RegionInfo, cmd *pdpb.RegionHeartbeatResponse) bool {
	cmd.Merge = &pdpb.Merge{Target: m.Target}
	return !m.begun(r)
}

// sameStores says whether two regions have peers of the same kind on the same stores.
func sameStores(a, b *metapb.Region) bool {
	if len(a.GetPeers()) != len(b.GetPeers()) {
		return false
	}
	for _, p := range a.GetPeers() {
		if q := region.FindPeer(b, p.GetStoreId()); q == nil || q.GetRole() != p.GetRole() {
			return false
		}
	}
	return true
}
