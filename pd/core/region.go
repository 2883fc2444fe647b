package core

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ordeal/proto/metapb"
	"ordeal/proto/pdpb"
	"ordeal/system/region"
	"ordeal/world"
)

// RegionInfo is what one heartbeat said of a region. It is immutable once it has been given to a Cluster: snapshots
// share it.
type RegionInfo struct {
	Region *metapb.Region
	// Leader sent the heartbeat. It is nil for a region that was read from disk or bootstrapped and has not been
	// heard from: nobody knows then who leads.
	Leader *metapb.Peer
	// Term is the leader's Raft term, 0 with no leader.
	Term uint64
	// Down are the peers that the leader has not heard from for a while.
	Down []*pdpb.PeerStats
	// Pending are the peers that lag so far behind that they need a snapshot.
	Pending []*metapb.Peer
	// ApproximateSize is in bytes.
	ApproximateSize uint64
	ApproximateKeys uint64
	// Load is what clients do with the region.
	Load Load
	// Reported is when it came; 0 if nobody has reported in this life of the driver. Later reports that say the same
	// leave it as it is: Cluster.Reported knows of them.
	Reported world.Time
}

// Load is how much clients read and write of a region, in bytes and keys a second. It is 0 where nobody has measured it.
type Load struct {
	ReadBytes, WriteBytes, ReadKeys, WriteKeys uint64
}

// FromHeartbeat takes what a heartbeat says. It shares the request's messages, which must not be modified any more.
func FromHeartbeat(req *pdpb.RegionHeartbeatRequest) *RegionInfo {
	return &RegionInfo{
		Region: req.GetRegion(), Leader: req.GetLeader(), Term: req.GetTerm(),
		Down: req.GetDownPeers(), Pending: req.GetPendingPeers(),
		ApproximateSize: req.GetApproximateSize(), ApproximateKeys: req.GetApproximateKeys(), Load: loadOf(req),
	}
}

// loadOf divides what was read and written by the time that it took. An interval that is missing or empty says nothing.
func loadOf(req *pdpb.RegionHeartbeatRequest) Load {
	from, to := req.GetInterval().GetStartTimestamp(), req.GetInterval().GetEndTimestamp()
	if to <= from {
		return Load{}
	}
	seconds := to - from
	return Load{
		ReadBytes: req.GetBytesRead() / seconds, WriteBytes: req.GetBytesWritten() / seconds,
		ReadKeys: req.GetKeysRead() / seconds, WriteKeys: req.GetKeysWritten() / seconds,
	}
}

// ID returns the region's id.
func (r *RegionInfo) ID() uint64 { return r.Region.GetId() }

// LeaderStore returns the store of the leader, 0 if it is not known.
func (r *RegionInfo) LeaderStore() uint64 { return r.Leader.GetStoreId() }

// IsPending reports whether the peer of that id lags behind.
func (r *RegionInfo) IsPending(peerID uint64) bool {
	return slices.ContainsFunc(r.Pending, func(p *metapb.Peer) bool { return p.GetId() == peerID })
}

// IsDown reports whether the leader has not heard from the peer of that id for a while.
func (r *RegionInfo) IsDown(peerID uint64) bool {
	return slices.ContainsFunc(r.Down, func(s *pdpb.PeerStats) bool { return s.GetPeer().GetId() == peerID })
}

// String prints r in one line, such as
//
//	r1001 [a,m) v2 c3 {s1:1002,s2:1003} leader=1 term=5 pending=2 down=3 size=4096
//
// where leader, pending and down name stores, read and write are bytes a second, and what is empty or 0 is left out.
func (r *RegionInfo) String() string {
	s := region.Format(r.Region)
	if r.Leader != nil {
		s += fmt.Sprintf(" leader=%d term=%d", r.LeaderStore(), r.Term)
	}
	stores := make([]string, 0, len(r.Pending)+len(r.Down))
	for _, p := range r.Pending {
		stores = append(stores, strconv.FormatUint(p.GetStoreId(), 10))
	}
	if len(stores) > 0 {
		s += " pending=" + strings.Join(stores, ",")
	}
	stores = stores[:0]
	for _, d := range r.Down {
		stores = append(stores, strconv.FormatUint(d.GetPeer().GetStoreId(), 10))
	}
	if len(stores) > 0 {
		s += " down=" + strings.Join(stores, ",")
	}
	if r.ApproximateSize > 0 {
		s += fmt.Sprintf(" size=%d", r.ApproximateSize)
	}
	if r.ApproximateKeys > 0 {
		s += fmt.Sprintf(" keys=%d", r.ApproximateKeys)
	}
	if r.Load.ReadBytes > 0 {
		s += fmt.Sprintf(" read=%d", r.Load.ReadBytes)
	}
	if r.Load.WriteBytes > 0 {
		s += fmt.Sprintf(" write=%d", r.Load.WriteBytes)
	}
	return s
}

// validate refuses what no region can be. Whatever passes keeps the invariants of the tree and the counts.
func (r *RegionInfo) validate() error {
	m := r.Region
	fault := ""
	switch {
	case m.GetId() == 0:
		fault = "it has no id"
	case m.GetRegionEpoch() == nil || m.GetRegionEpoch().GetVersion() == 0 || m.GetRegionEpoch().GetConfVer() == 0:
		fault = "it has no epoch"
	case len(m.GetEndKey()) > 0 && bytes.Compare(m.GetStartKey(), m.GetEndKey()) >= 0:
		fault = "its range is empty"
	case len(m.GetPeers()) == 0 || len(m.GetPeers()) > region.PeersMax:
		fault = fmt.Sprintf("it has %d peers, want 1..%d", len(m.GetPeers()), region.PeersMax)
	case r.Leader != nil && !isPeer(m, r.Leader):
		fault = fmt.Sprintf("its leader %s is no peer of it", region.FormatPeer(r.Leader))
	}
	for i, p := range m.GetPeers() {
		if fault != "" {
			break
		}
		if p.GetId() == 0 || p.GetStoreId() == 0 {
			fault = fmt.Sprintf("peer %s has no id or no store", region.FormatPeer(p))
		}
		for _, q := range m.GetPeers()[:i] {
			if p.GetStoreId() == q.GetStoreId() || p.GetId() == q.GetId() {
				fault = fmt.Sprintf("peers %s and %s collide", region.FormatPeer(q), region.FormatPeer(p))
			}
		}
	}
	if fault != "" {
		return fmt.Errorf("%w: %s in %s", ErrInvalid, fault, region.Format(m))
	}
	return nil
}

func isPeer(m *metapb.Region, p *metapb.Peer) bool {
	q := region.FindPeerByID(m, p.GetId())
	return q != nil && q.GetStoreId() == p.GetStoreId()
}
