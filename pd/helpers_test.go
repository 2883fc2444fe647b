package pd

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"ordeal/pd/internal/pdtest"
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/system/engine"
	"ordeal/world"
)

// host is a machine with a member on it, stepped by hand. Nothing is durable before sync, so that tests choose what a
// crash takes.
type host struct {
	t    require.TestingT
	cfg  Config
	disk *engine.SimDisk
	m    *Member
	now  world.Time
	// life counts boots.
	life uint64
	// durable is the position that the last sync reached; barriers are the tokens of those that are open.
	durable  uint64
	barriers []uint64
	calls    world.CallID
	// replies by call, and messages by receiver, as they left.
	replies  map[world.CallID]*ordealpb.PDResponse
	messages map[world.Addr][]*ordealpb.PDResponse
}

var client = world.Addr{Node: 1001}

func memberAddr(i int) world.Addr { return world.Addr{Node: world.NodeID(100 + i)} }

func storeAddr(id uint64) world.Addr { return world.Addr{Node: world.NodeID(id)} }

func newHost(t require.TestingT, change ...func(*Config)) *host {
	h := &host{
		t: t, cfg: DefaultConfig(), disk: engine.NewSimDisk(),
		replies: map[world.CallID]*ordealpb.PDResponse{}, messages: map[world.Addr][]*ordealpb.PDResponse{},
	}
	for _, f := range change {
		f(&h.cfg)
	}
	if c, ok := t.(interface{ Cleanup(func()) }); ok {
		c.Cleanup(func() { require.NoError(t, h.disk.Close()) })
	}
	h.boot()
	return h
}

func (h *host) boot() {
	eng, err := h.disk.Open()
	require.NoError(h.t, err)
	h.life++
	h.m, err = New(h.cfg, world.Env{
		Addr: memberAddr(0), Rand: rand.New(rand.NewPCG(h.life, 7)), Nonce: h.life << 32,
	}, eng)
	require.NoError(h.t, err)
	h.barriers = nil
	h.step()
	for h.m.term == 0 {
		h.sync() // its own vote, and the first entry of its term
	}
}

// crash takes the power away, with keep of the commits that were not synced surviving, and boots again.
func (h *host) crash(keep uint64) {
	h.disk.Crash(min(h.durable+keep, h.disk.Position()), false)
	h.durable = h.disk.Position()
	h.boot()
}

func (h *host) step(in ...world.Event) {
	var out world.Effects
	h.m.Step(h.now, in, &out)
	for _, b := range out.Barriers {
		require.Empty(h.t, b.Then)
		h.barriers = append(h.barriers, b.Token)
	}
	for _, r := range out.Replies {
		resp := &ordealpb.PDResponse{}
		require.NoError(h.t, proto.Unmarshal(r.Payload, resp))
		require.NotContains(h.t, h.replies, r.Call, "answered twice")
		h.replies[r.Call] = resp
	}
	for _, s := range out.Sends {
		packet := &ordealpb.StorePacket{}
		require.NoError(h.t, proto.Unmarshal(s.Payload, packet))
		require.NotNil(h.t, packet.GetPd())
		h.messages[s.To] = append(h.messages[s.To], packet.GetPd())
	}
}

// sync makes everything durable and tells the member so.
func (h *host) sync() {
	require.NoError(h.t, h.disk.Sync())
	h.durable = h.disk.Position()
	barriers := h.barriers
	h.barriers = nil
	for _, token := range barriers {
		h.step(world.Event{Kind: world.EventSynced, Token: token})
	}
}

// advance lets time pass in steps of the tick, with the stores alive that are given.
func (h *host) advance(d time.Duration, alive ...uint64) {
	for ; d > 0; d -= h.cfg.ScheduleEvery {
		h.now = h.now.Add(h.cfg.ScheduleEvery)
		for _, id := range alive {
			h.tell(id, storeHeartbeat(id))
		}
		h.step(world.Event{Kind: world.EventTimer, Token: tickToken})
		h.sync()
	}
}

// ask makes a call and returns its number; the answer may not be there yet.
func (h *host) ask(req *ordealpb.PDRequest) world.CallID {
	h.calls++
	h.step(world.Event{Kind: world.EventRequest, From: client, Call: h.calls, Payload: marshal(req)})
	return h.calls
}

// call makes a call, syncs and returns the answer.
func (h *host) call(req *ordealpb.PDRequest) *ordealpb.PDResponse {
	req.Id = 77
	id := h.ask(req)
	h.sync()
	require.Contains(h.t, h.replies, id, "no answer to %v", req)
	require.Equal(h.t, uint64(77), h.replies[id].GetId())
	return h.replies[id]
}

// tell sends a message from a store.
func (h *host) tell(store uint64, req *ordealpb.PDRequest) {
	h.step(world.Event{Kind: world.EventMessage, From: storeAddr(store), Payload: marshal(req)})
}

// report sends a region heartbeat from its leader and returns the command that comes back, or nil.
func (h *host) report(line string) *pdpb.RegionHeartbeatResponse {
	req := heartbeat(line)
	from := req.GetRegionHeartbeat().GetLeader().GetStoreId()
	delete(h.messages, storeAddr(from))
	h.tell(from, req)
	h.sync()
	got := h.messages[storeAddr(from)]
	if len(got) == 0 {
		return nil
	}
	require.Len(h.t, got, 1)
	require.Nil(h.t, got[0].GetRegionHeartbeat().GetHeader().GetError())
	return got[0].GetRegionHeartbeat()
}

// found makes a cluster of n stores that report, with the first region on store 1.
func (h *host) found(n uint64) {
	h.call(bootstrap(1))
	for id := uint64(1); id <= n; id++ {
		h.call(putStore(id))
		h.call(storeHeartbeat(id))
	}
}

func marshal(msg proto.Message) []byte {
	b, err := proto.Marshal(msg)
	if err != nil {
		panic(err)
	}
	return b
}

const firstRegionLine = "r1 [,) v1 c1 {s1:2}"

func bootstrap(store uint64) *ordealpb.PDRequest {
	r := pdtest.MustRegion(fmt.Sprintf("r1 [,) v1 c1 {s%d:2}", store)).Region
	return &ordealpb.PDRequest{Body: &ordealpb.PDRequest_Bootstrap{
		Bootstrap: &pdpb.BootstrapRequest{Store: pdtest.Store(store), Region: r},
	}}
}

func putStore(id uint64) *ordealpb.PDRequest { return putStoreAs(pdtest.Store(id)) }

func putStoreAs(s *metapb.Store) *ordealpb.PDRequest {
	return &ordealpb.PDRequest{Body: &ordealpb.PDRequest_PutStore{PutStore: &pdpb.PutStoreRequest{Store: s}}}
}

func storeHeartbeat(id uint64) *ordealpb.PDRequest {
	return &ordealpb.PDRequest{Body: &ordealpb.PDRequest_StoreHeartbeat{
		StoreHeartbeat: &pdpb.StoreHeartbeatRequest{Stats: &pdpb.StoreStats{StoreId: id}},
	}}
}

func heartbeat(line string) *ordealpb.PDRequest {
	r := pdtest.MustRegion(line)
	return &ordealpb.PDRequest{Body: &ordealpb.PDRequest_RegionHeartbeat{RegionHeartbeat: &pdpb.RegionHeartbeatRequest{
		Region: r.Region, Leader: r.Leader, Term: r.Term, DownPeers: r.Down, PendingPeers: r.Pending,
		ApproximateSize: r.ApproximateSize,
	}}}
}

func allocID(n uint32) *ordealpb.PDRequest {
	return &ordealpb.PDRequest{Body: &ordealpb.PDRequest_AllocId{AllocId: &pdpb.AllocIDRequest{Count: n}}}
}

func isBootstrapped() *ordealpb.PDRequest {
	return &ordealpb.PDRequest{Body: &ordealpb.PDRequest_IsBootstrapped{IsBootstrapped: &pdpb.IsBootstrappedRequest{}}}
}

func getRegion(key string) *ordealpb.PDRequest {
	return &ordealpb.PDRequest{Body: &ordealpb.PDRequest_GetRegion{GetRegion: &pdpb.GetRegionRequest{RegionKey: []byte(key)}}}
}

func getRegionByID(id uint64) *ordealpb.PDRequest {
	return &ordealpb.PDRequest{Body: &ordealpb.PDRequest_GetRegionById{
		GetRegionById: &pdpb.GetRegionByIDRequest{RegionId: id},
	}}
}

func scanRegions(start, end string, limit int32) *ordealpb.PDRequest {
	return &ordealpb.PDRequest{Body: &ordealpb.PDRequest_ScanRegions{ScanRegions: &pdpb.ScanRegionsRequest{
		StartKey: []byte(start), EndKey: []byte(end), Limit: limit,
	}}}
}

func askBatchSplit(line string, n uint32) *ordealpb.PDRequest {
	return &ordealpb.PDRequest{Body: &ordealpb.PDRequest_AskBatchSplit{AskBatchSplit: &pdpb.AskBatchSplitRequest{
		Region: pdtest.MustRegion(line).Region, SplitCount: n,
	}}}
}

func getStore(id uint64) *ordealpb.PDRequest {
	return &ordealpb.PDRequest{Body: &ordealpb.PDRequest_GetStore{GetStore: &pdpb.GetStoreRequest{StoreId: id}}}
}

func getAllStores() *ordealpb.PDRequest {
	return &ordealpb.PDRequest{Body: &ordealpb.PDRequest_GetAllStores{GetAllStores: &pdpb.GetAllStoresRequest{}}}
}
