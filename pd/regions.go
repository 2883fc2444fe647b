package pd

import (
	"errors"

	"ordeal/pd/core"
	"ordeal/proto/metapb"
	"ordeal/proto/pdpb"
	"ordeal/system/region"
	"ordeal/world"
)

// report is a region heartbeat that was believed. It is answered at the end of the turn.
type report struct {
	r *core.RegionInfo
	// from is the event that brought it, without its payload, and id the request's.
	from world.Event
	id   uint64
}

// heartbeatRegion believes a leader's report if it can.
func (m *Member) heartbeatRegion(ev *world.Event, id uint64, req *pdpb.RegionHeartbeatRequest) error {
	r := core.FromHeartbeat(req)
	r.Reported = m.now
	switch {
	case !m.bootstrapped:
		return refuse(pdpb.ErrorType_NOT_BOOTSTRAPPED, "the cluster is not bootstrapped")
	case r.Leader == nil || r.Term == 0:
		m.counters.InvalidHeartbeats++
		return refuse(pdpb.ErrorType_INVALID_VALUE, "heartbeat without a leader or a term: %s", r)
	}
	change, err := m.cluster.ProcessHeartbeat(r)
	if errors.Is(err, core.ErrStale) {
		m.counters.StaleHeartbeats++
		m.cfg.reached(stateStaleReport, r.ID())
		return err
	}
	if err != nil {
		m.counters.InvalidHeartbeats++
		return err
	}
	if len(change.Evicted) > 0 {
		m.cfg.reached(stateEvicted, r.ID())
	}
	m.changed(r.Region, change)
	from := *ev
	from.Payload = nil
	m.reported = append(m.reported, report{r: change.Now, from: from, id: id})
	return nil
}

func regionResponse(r *core.RegionInfo) *pdpb.GetRegionResponse {
	if r == nil {
		return &pdpb.GetRegionResponse{}
	}
	return &pdpb.GetRegionResponse{Region: r.Region, Leader: r.Leader, DownPeers: r.Down, PendingPeers: r.Pending}
}

// scanRegions returns the regions that overlap a range, in order. There may be gaps between them.
func (m *Member) scanRegions(req *pdpb.ScanRegionsRequest) *pdpb.ScanRegionsResponse {
	limit := scanRegionsMax
	if n := int(req.GetLimit()); n > 0 {
		limit = min(n, limit)
	}
	resp := &pdpb.ScanRegionsResponse{}
	for _, r := range m.cluster.Scan(req.GetStartKey(), req.GetEndKey(), limit) {
		leader := r.Leader
		if leader == nil {
			leader = &metapb.Peer{} // the lists go by position
		}
		resp.RegionMetas = append(resp.RegionMetas, r.Region)
		resp.Leaders = append(resp.Leaders, leader)
		resp.Regions = append(resp.Regions, &pdpb.Region{
			Region: r.Region, Leader: r.Leader, DownPeers: r.Down, PendingPeers: r.Pending,
		})
	}
	return resp
}

// askBatchSplit gives the ids that a split needs. Whoever asks for an epoch that is known to be over is refused: the
// split would be, too. An epoch that is not known yet is fine, since the ids fit any region with as many peers.
func (m *Member) askBatchSplit(req *pdpb.AskBatchSplitRequest) (*pdpb.AskBatchSplitResponse, error) {
	r := req.GetRegion()
	known := m.cluster.Region(r.GetId())
	n, peers := req.GetSplitCount(), len(r.GetPeers())
	switch {
	case known == nil:
		return nil, refuse(pdpb.ErrorType_REGION_NOT_FOUND, "region %d is not known", r.GetId())
	case region.StaleEpoch(r.GetRegionEpoch(), known.Region.GetRegionEpoch()):
		return nil, refuse(pdpb.ErrorType_INVALID_VALUE, "stale split of %s, known %s", region.Format(r), known)
	case n == 0 || n > region.SplitKeysMax:
		return nil, refuse(pdpb.ErrorType_INVALID_VALUE, "split at %d keys, want 1 to %d", n, region.SplitKeysMax)
	case peers == 0 || peers > region.PeersMax:
		return nil, refuse(pdpb.ErrorType_INVALID_VALUE, "split of %d peers, want 1 to %d", peers, region.PeersMax)
	}
	resp := &pdpb.AskBatchSplitResponse{}
	for range n {
		first := m.ids.take(uint64(1+peers), m.saveIDs)
		id := &pdpb.SplitID{NewRegionId: first}
		for p := range uint64(peers) {
			id.NewPeerIds = append(id.NewPeerIds, first+1+p)
		}
		resp.Ids = append(resp.Ids, id)
	}
	return resp, nil
}
