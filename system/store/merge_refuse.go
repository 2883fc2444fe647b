package store

import (
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/system/region"
)

// A target that can't take the source over must say so for good, or the source stays frozen. The target has a peer that
// never gets its first snapshot if its store has something else in that range which only a change of the frozen source's
// members could remove: a quarantined peer of the source, from before the target split off.

// mergePatience is for how many election timeouts a target waits for a peer's first snapshot before it refuses a merge.
// The source serves nothing until then.
const mergePatience = 2

// tireOfMerge takes note that t, which is led on this shard, was asked to take over source and can't yet. If that goes on
// for too long, it proposes to raise t's version, which proves to the source that it will not come about. It reports
// whether it did.
func (s *Store) tireOfMerge(t *peer, source uint64) bool {
	patience := uint64(mergePatience * s.cfg.ElectionTicks)
	if t.declining != source || s.ticks-t.decliningAt > patience {
		t.declining, t.decliningSince = source, s.ticks
	}
	t.decliningAt = s.ticks
	if s.ticks-t.decliningSince < patience {
		return false
	}
	cmd := &ordealpb.Command{
		Epoch: t.region.GetRegionEpoch(),
		Admin: &ordealpb.AdminCommand{Body: &ordealpb.AdminCommand_RefuseMerge{
			RefuseMerge: &ordealpb.RefuseMergeCommand{SourceId: source},
		}},
	}
	if s.propose(t, mustMarshal(cmd), proposal{}) != nil {
		return false // the source asks again
	}
	t.declining = 0
	return true
}

// applyRefuseMerge raises the region's version. If it has another epoch already, that is proof enough.
func (s *Store) applyRefuseMerge(t *peer, epoch *metapb.RegionEpoch, source uint64) {
	if !region.CheckEpoch(epoch, t.region.GetRegionEpoch(), true, true) {
		return
	}
	r := region.Clone(t.region)
	r.RegionEpoch.Version++
	s.setRegion(t, r)
	s.reached(stateMergeDeclined, r.GetId(), source)
	if t.group.IsLeader() {
		s.heartbeatRegion(t)
	}
}
