package workloads

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/pd/core"
	"ordeal/pd/schedule"
	"ordeal/proto/metapb"
	"ordeal/proto/pdpb"
	"ordeal/world"
)

// placed is a placement with a clock that the test sets, and a region on stores 1, 2 and 3.
type placed struct {
	*placement
	at     world.Time
	region *metapb.Region
}

func newPlaced() *placed {
	p := &placed{at: world.Time(time.Hour), region: &metapb.Region{Id: 7, RegionEpoch: &metapb.RegionEpoch{ConfVer: 3, Version: 1}}}
	p.placement = newPlacement(func() world.Time { return p.at })
	for i := range uint64(3) {
		p.region.Peers = append(p.region.Peers, &metapb.Peer{Id: 11 + i, StoreId: 1 + i})
	}
	p.changed(p.region)
	p.begin()
	return p
}

// move has a peer come and another one go, a second apart.
func (p *placed) move(kind schedule.Kind, from *metapb.Peer, to *metapb.Peer) {
	p.started(&schedule.Operator{Region: 7, Kind: kind, Start: p.at, Steps: []schedule.Step{
		schedule.AddPeer{Store: to.GetStoreId(), PeerID: to.GetId()}, schedule.RemovePeer{Store: from.GetStoreId(), PeerID: from.GetId()},
	}}, p.belief(nil, nil))
	next := func(peers []*metapb.Peer) {
		p.at = p.at.Add(time.Second)
		e := p.region.GetRegionEpoch()
		p.region = &metapb.Region{Id: 7, RegionEpoch: &metapb.RegionEpoch{ConfVer: e.GetConfVer() + 1, Version: e.GetVersion()}, Peers: peers}
		p.changed(p.region)
	}
	next(append(p.region.GetPeers(), to))
	var rest []*metapb.Peer
	for _, m := range p.region.GetPeers() {
		if m.GetId() != from.GetId() {
			rest = append(rest, m)
		}
	}
	next(rest)
}

// belief is a driver's: five stores, of which those in down are, and the region, of which the peers in pending lag.
func (p *placed) belief(down []uint64, pending []*metapb.Peer) *core.Snapshot {
	c := core.NewCluster(core.Liveness{DisconnectAfter: time.Second, DownAfter: time.Minute})
	now := world.Time(time.Hour)
	for id := uint64(1); id <= 5; id++ {
		if err := c.PutStore(&metapb.Store{Id: id, Address: string(rune('a' + id))}, now); err != nil {
			panic(err)
		}
		if err := c.HeartbeatStore(&pdpb.StoreStats{StoreId: id}, now); err != nil {
			panic(err)
		}
	}
	later := now.Add(2 * time.Second)
	for id := uint64(1); id <= 5; id++ {
		alive := true
		for _, d := range down {
			alive = alive && d != id
		}
		if !alive {
			continue
		}
		if err := c.HeartbeatStore(&pdpb.StoreStats{StoreId: id}, later); err != nil {
			panic(err)
		}
	}
	if _, err := c.ProcessHeartbeat(&core.RegionInfo{Region: p.region, Leader: p.region.GetPeers()[0], Term: 1, Pending: pending}); err != nil {
		panic(err)
	}
	return c.Snapshot(later)
}

func peerOn(id, store uint64) *metapb.Peer { return &metapb.Peer{Id: id, StoreId: store} }

func TestPlacementFindsSwings(t *testing.T) {
	t.Parallel()
	p := newPlaced()
	p.move(schedule.KindBalanceRegion, p.region.GetPeers()[2], peerOn(21, 4))
	require.Equal(t, 1, p.moves)
	require.Empty(t, p.broken)
	p.move(schedule.KindBalanceRegion, peerOn(21, 4), peerOn(22, 3))
	require.Equal(t, 2, p.moves)
	require.Len(t, p.broken, 1)
	require.Contains(t, p.broken[0], "region 7 was moved away from store 3")
}

// A region may come back if somebody else has changed something since, and what others move is no swing.
func TestPlacementKnowsCauses(t *testing.T) {
	t.Parallel()
	p := newPlaced()
	p.move(schedule.KindBalanceRegion, p.region.GetPeers()[2], peerOn(21, 4))
	p.move(schedule.KindReplica, p.region.GetPeers()[1], peerOn(22, 5))
	p.move(schedule.KindBalanceRegion, peerOn(21, 4), peerOn(23, 3))
	p.move(schedule.KindReplica, peerOn(23, 3), peerOn(24, 4))
	require.Empty(t, p.broken)
	require.Equal(t, 2, p.moves)
	require.Equal(t, 4, p.others)
}

func TestPlacementFindsUnwisePlans(t *testing.T) {
	t.Parallel()
	p := newPlaced()
	peers := p.region.GetPeers()
	plan := func(kind schedule.Kind, steps ...schedule.Step) *schedule.Operator {
		return &schedule.Operator{Region: 7, Kind: kind, Steps: steps}
	}
	add := schedule.AddPeer{Store: 4, PeerID: 21}
	remove := schedule.RemovePeer{Store: 3, PeerID: 13}
	for _, c := range []struct {
		plan    *schedule.Operator
		down    []uint64
		pending []*metapb.Peer
		want    string
	}{
		{plan: plan(schedule.KindBalanceRegion, add, remove)},
		{plan: plan(schedule.KindBalanceRegion, add, remove), pending: peers[2:]},
		{plan: plan(schedule.KindBalanceRegion, add, remove), pending: peers[1:2], want: "peer s2:12 is not well"},
		{plan: plan(schedule.KindReplica, add, remove), pending: peers[1:2]},
		{plan: plan(schedule.KindReplica, add, remove), down: []uint64{4}, want: "store 4 is not up"},
		{plan: plan(schedule.KindReplica, remove), down: []uint64{2}, want: "1 of 2 voters would be well"},
		{plan: plan(schedule.KindBalanceLeader, schedule.TransferLeader{From: 1, To: 2}), down: []uint64{2}, want: "peer s2:12 is to lead and not well"},
		{plan: &schedule.Operator{Region: 8, Steps: []schedule.Step{add}}, want: "the region is not known"},
	} {
		require.Equal(t, c.want, unwise(c.plan, p.belief(c.down, c.pending)))
	}
}

func TestUnlikeStores(t *testing.T) {
	t.Parallel()
	require.Empty(t, unlike([]int{45, 45, 49, 41, 45, 45}, nil))
	require.Equal(t, "store 3 has 50 of 270, of all 6 stores: [45 45 50 40 45 45]", unlike([]int{45, 45, 50, 40, 45, 45}, nil))
	require.Empty(t, unlike([]int{2, 1, 1, 0, 1, 1}, nil), "one more or less is as even as can be")
	require.Empty(t, unlike([]int{45, 0, 45, 45}, []world.NodeID{2}))
	require.NotEmpty(t, unlike([]int{3, 1, 1, 0, 0, 1}, nil))
}
