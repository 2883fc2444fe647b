package pd

import (
	"ordeal/pd/core"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/world"
)

// Leaders report by themselves, but those whose regions sleep do so rarely. Where that is not good enough, because an
// operator waits for the region's next report or because nobody knows who leads it, the leader is asked: by an order for its
// region that wants nothing. What is to be done then goes the usual way, in the answer to its report.

// learnHome remembers where a store that reports can be told something. The map has no more entries than there are stores.
func (m *Member) learnHome(ev *world.Event, req *ordealpb.PDRequest) {
	if hb := req.GetStoreHeartbeat(); hb != nil && ev.Kind == world.EventMessage {
		m.homes[hb.GetStats().GetStoreId()] = ev.From
	}
}

// askForReports asks the leaders of regions that have an operator and did not report since the last tick, and of those
// among some that nobody has reported in this life.
func (m *Member) askForReports(snap *core.Snapshot, some []*core.RegionInfo) {
	for _, o := range m.ctl.Operators() {
		if r := snap.Region(o.Region); r != nil && m.now.Sub(m.cluster.Reported(r.ID())) >= m.cfg.ScheduleEvery {
			m.askForReport(r)
		}
	}
	for _, r := range some {
		if r.Leader == nil {
			m.askForReport(r)
		}
	}
}

// askForReport asks the store that leads a region, or all of its stores if it is not known which one does.
func (m *Member) askForReport(r *core.RegionInfo) {
	order := mustMarshal(&ordealpb.StorePacket{Pd: &ordealpb.PDResponse{
		Body: &ordealpb.PDResponse_RegionHeartbeat{RegionHeartbeat: &pdpb.RegionHeartbeatResponse{
			Header:   &pdpb.ResponseHeader{ClusterId: m.cfg.ClusterID},
			RegionId: r.ID(), RegionEpoch: r.Region.GetRegionEpoch(),
		}},
	}})
	for _, p := range r.Region.GetPeers() {
		home, known := m.homes[p.GetStoreId()]
		if known && (r.Leader == nil || p.GetId() == r.Leader.GetId()) {
			m.outbox.tell(home, order)
		}
	}
}
