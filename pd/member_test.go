package pd

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/pd/core"
	"ordeal/pd/internal/pdtest"
	"ordeal/pd/schedule"
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/system/region"
	"ordeal/world"
)

// requireRefused checks that a request is refused with a certain type, whatever kind it is of.
func requireRefused(t *testing.T, h *host, want pdpb.ErrorType, req *ordealpb.PDRequest) {
	t.Helper()
	got := h.call(req)
	r := got.ProtoReflect()
	body := r.Get(r.WhichOneof(r.Descriptor().Oneofs().ByName("body"))).Message().Interface()
	header := body.(interface{ GetHeader() *pdpb.ResponseHeader }).GetHeader()
	require.Equal(t, want, header.GetError().GetType(), "%v", got)
	require.NotEmpty(t, header.GetError().GetMessage())
}

func TestBootstrap(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	require.False(t, h.call(isBootstrapped()).GetIsBootstrapped().GetBootstrapped())
	for _, req := range []*ordealpb.PDRequest{
		getRegion("a"), getRegionByID(1), scanRegions("", "", 0), askBatchSplit(firstRegionLine, 1),
		heartbeat(firstRegionLine + " leader=1 term=1"),
	} {
		requireRefused(t, h, pdpb.ErrorType_NOT_BOOTSTRAPPED, req)
	}
	// What is wrong leaves nothing behind, not even the store.
	bad := bootstrap(1)
	bad.GetBootstrap().GetRegion().EndKey = []byte("m")
	requireRefused(t, h, pdpb.ErrorType_INVALID_VALUE, bad)
	bad = bootstrap(1)
	bad.GetBootstrap().GetRegion().RegionEpoch = nil
	requireRefused(t, h, pdpb.ErrorType_INVALID_VALUE, bad)
	bad = bootstrap(1)
	bad.GetBootstrap().GetRegion().GetPeers()[0].StoreId = 2
	requireRefused(t, h, pdpb.ErrorType_INVALID_VALUE, bad)
	require.Empty(t, h.m.Stores())
	require.False(t, h.call(isBootstrapped()).GetIsBootstrapped().GetBootstrapped())

	require.Nil(t, h.call(bootstrap(1)).GetBootstrap().GetHeader().GetError())
	requireRefused(t, h, pdpb.ErrorType_ALREADY_BOOTSTRAPPED, bootstrap(1))
	requireRefused(t, h, pdpb.ErrorType_ALREADY_BOOTSTRAPPED, bootstrap(2))
	require.True(t, h.call(isBootstrapped()).GetIsBootstrapped().GetBootstrapped())
	require.Equal(t, firstRegionLine, region.Format(h.call(getRegionByID(1)).GetGetRegionById().GetRegion()))

	h.crash(0)
	require.True(t, h.call(isBootstrapped()).GetIsBootstrapped().GetBootstrapped())
	requireRefused(t, h, pdpb.ErrorType_ALREADY_BOOTSTRAPPED, bootstrap(2))
	require.Equal(t, firstRegionLine, region.Format(h.call(getRegion("k")).GetGetRegion().GetRegion()))
}

func TestBootstrapIsAllOrNothing(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	id := h.ask(bootstrap(1))
	require.NotContains(t, h.replies, id, "said before it is durable")
	h.crash(0)
	require.NotContains(t, h.replies, id)
	require.Empty(t, h.m.Stores())
	require.Empty(t, h.m.Regions())
	require.Nil(t, h.call(bootstrap(2)).GetBootstrap().GetHeader().GetError(), "nobody was told of the first")
	require.Len(t, h.m.Stores(), 1)
}

func TestStores(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	requireRefused(t, h, pdpb.ErrorType_ENTRY_NOT_FOUND, storeHeartbeat(1))
	requireRefused(t, h, pdpb.ErrorType_ENTRY_NOT_FOUND, getStore(1))
	require.Nil(t, h.call(putStore(1)).GetPutStore().GetHeader().GetError(), "stores may come before the bootstrap")
	require.Nil(t, h.call(putStore(2)).GetPutStore().GetHeader().GetError())
	before := h.disk.Position()
	require.Nil(t, h.call(putStore(2)).GetPutStore().GetHeader().GetError())
	require.Equal(t, before, h.disk.Position(), "nothing new, nothing written")

	requireRefused(t, h, pdpb.ErrorType_DUPLICATED_ENTRY, putStoreAs(&metapb.Store{Id: 3, Address: "2/0"}))
	requireRefused(t, h, pdpb.ErrorType_DUPLICATED_ENTRY, putStoreAs(&metapb.Store{Id: 2, Address: "3/0"}))
	requireRefused(t, h, pdpb.ErrorType_INVALID_VALUE, putStoreAs(&metapb.Store{Id: 3}))
	requireRefused(t, h, pdpb.ErrorType_INVALID_VALUE, putStoreAs(nil))
	requireRefused(t, h, pdpb.ErrorType_INVALID_VALUE,
		putStoreAs(&metapb.Store{Id: 3, Address: "3/0", State: metapb.StoreState_Tombstone}))

	// A store can't decide about itself.
	h.call(putStoreAs(&metapb.Store{Id: 2, Address: "2/0", State: metapb.StoreState_Offline, Version: "v2"}))
	got := h.call(getStore(2)).GetGetStore()
	require.Equal(t, metapb.StoreState_Up, got.GetStore().GetState())
	require.Equal(t, "v2", got.GetStore().GetVersion())
	h.call(storeHeartbeat(2))
	require.Equal(t, uint64(2), h.call(getStore(2)).GetGetStore().GetStats().GetStoreId())

	h.crash(0)
	stores := h.call(getAllStores()).GetGetAllStores().GetStores()
	require.Len(t, stores, 2)
	require.Equal(t, "2/0", stores[1].GetAddress())
	require.Equal(t, "v2", stores[1].GetVersion())
}

func TestTombstones(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	require.NoError(t, h.m.cluster.PutStore(&metapb.Store{Id: 5, Address: "5/0", State: metapb.StoreState_Tombstone}, 0))
	requireRefused(t, h, pdpb.ErrorType_STORE_TOMBSTONE, putStore(5))
	requireRefused(t, h, pdpb.ErrorType_STORE_TOMBSTONE, storeHeartbeat(5))
	require.Len(t, h.call(getAllStores()).GetGetAllStores().GetStores(), 1)
	req := getAllStores()
	req.GetGetAllStores().ExcludeTombstoneStores = true
	require.Empty(t, h.call(req).GetGetAllStores().GetStores())
}

func TestRestartHoldsNoSilenceAgainstStores(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.found(2)
	state := func() []core.StoreState { return []core.StoreState{h.m.Stores()[0].State, h.m.Stores()[1].State} }
	h.advance(time.Second, 1)
	require.Equal(t, []core.StoreState{core.StoreUp, core.StoreUp}, state())
	h.advance(4*time.Second, 1)
	require.Equal(t, []core.StoreState{core.StoreUp, core.StoreDisconnected}, state())
	h.advance(5*time.Second, 1)
	require.Equal(t, []core.StoreState{core.StoreUp, core.StoreDown}, state())

	h.now = h.now.Add(time.Hour)
	h.crash(0)
	require.Equal(t, []core.StoreState{core.StoreDisconnected, core.StoreDisconnected}, state())
	h.advance(9500*time.Millisecond, 1)
	require.Equal(t, []core.StoreState{core.StoreUp, core.StoreDisconnected}, state())
	h.advance(500*time.Millisecond, 1)
	require.Equal(t, []core.StoreState{core.StoreUp, core.StoreDown}, state())
}

func TestLookups(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(c *Config) { c.Replicas = 1 })
	h.found(1)
	require.Nil(t, h.report("r1001 [m,) v2 c1 {s1:1002} leader=1 term=5"))

	got := h.call(getRegion("z")).GetGetRegion()
	require.Equal(t, uint64(1001), got.GetRegion().GetId())
	require.Equal(t, uint64(1002), got.GetLeader().GetId())
	require.Equal(t, uint64(1), got.GetHeader().GetClusterId())
	require.Nil(t, h.call(getRegion("a")).GetGetRegion().GetRegion(), "nobody has reported the left half yet")
	require.Nil(t, h.call(getRegionByID(1)).GetGetRegionById().GetRegion())
	require.Len(t, h.call(scanRegions("", "", 0)).GetScanRegions().GetRegions(), 1)

	h.report("r1 [,m) v2 c1 {s1:2} leader=1 term=5")
	scan := h.call(scanRegions("a", "n", 0)).GetScanRegions()
	require.Len(t, scan.GetRegions(), 2)
	require.Len(t, scan.GetLeaders(), 2)
	require.Equal(t, uint64(1), scan.GetRegionMetas()[0].GetId())
	require.Len(t, h.call(scanRegions("", "", 1)).GetScanRegions().GetRegions(), 1)
	require.Len(t, h.call(scanRegions("", "m", 9)).GetScanRegions().GetRegions(), 1)
	require.Len(t, h.m.Regions(), 2)
}

func TestHeartbeatsThatAreNotBelieved(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(c *Config) { c.Replicas = 1 })
	h.found(1)
	require.Nil(t, h.report("r1 [,) v3 c3 {s1:2} leader=1 term=5"))
	for _, line := range []string{"r1 [,) v2 c3 {s1:2} leader=1 term=5", "r1 [,) v3 c3 {s1:2} leader=1 term=4"} {
		require.Nil(t, h.report(line), "a message gets no answer")
		requireRefused(t, h, pdpb.ErrorType_INVALID_VALUE, heartbeat(line))
	}
	for _, line := range []string{
		"r1 [,) v3 c3 {s1:2} term=5", "r1 [,) v3 c3 {s1:2} leader=1", "r1 [,) v0 c3 {s1:2} leader=1 term=9",
	} {
		requireRefused(t, h, pdpb.ErrorType_INVALID_VALUE, heartbeat(line))
	}
	c := h.m.Counters()
	require.Equal(t, uint64(4), c.StaleHeartbeats)
	require.Equal(t, uint64(3), c.InvalidHeartbeats)
	require.Equal(t, "r1 [,) v3 c3 {s1:2} leader=1 term=5", h.m.Regions()[0].String())
	ok := h.call(heartbeat("r1 [,) v3 c4 {s1:2} leader=1 term=5")).GetRegionHeartbeat()
	require.Nil(t, ok.GetHeader().GetError())
	require.Zero(t, ok.GetRegionId(), "nothing to do")
}

func TestSplitIDs(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.found(3)
	const line = "r1 [,) v2 c3 {s1:2,s2:3,s3:4}"
	h.report(line + " leader=1 term=5")

	ids := h.call(askBatchSplit(line, 2)).GetAskBatchSplit().GetIds()
	require.Len(t, ids, 2)
	require.Equal(t, uint64(firstID), ids[0].GetNewRegionId())
	require.Equal(t, []uint64{firstID + 1, firstID + 2, firstID + 3}, ids[0].GetNewPeerIds())
	require.Equal(t, uint64(firstID+4), ids[1].GetNewRegionId())
	newer := h.call(askBatchSplit("r1 [,) v3 c3 {s1:2,s2:3}", 1)).GetAskBatchSplit().GetIds()
	require.Len(t, newer[0].GetNewPeerIds(), 2, "an epoch that is not known yet")

	requireRefused(t, h, pdpb.ErrorType_INVALID_VALUE, askBatchSplit("r1 [,) v1 c3 {s1:2}", 1))
	requireRefused(t, h, pdpb.ErrorType_INVALID_VALUE, askBatchSplit("r1 [,) v2 c2 {s1:2}", 1))
	requireRefused(t, h, pdpb.ErrorType_REGION_NOT_FOUND, askBatchSplit("r9 [,) v2 c3 {s1:2}", 1))
	requireRefused(t, h, pdpb.ErrorType_INVALID_VALUE, askBatchSplit(line, 0))
	requireRefused(t, h, pdpb.ErrorType_INVALID_VALUE, askBatchSplit(line, region.SplitKeysMax+1))
	requireRefused(t, h, pdpb.ErrorType_INVALID_VALUE, askBatchSplit("r1 [,) v2 c3 {}", 1))
}

func TestReplicasAreAdded(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.found(3)
	cmd := h.report("r1 [,) v1 c1 {s1:2} leader=1 term=5")
	require.Equal(t, "r1 v1 c1 to s1:2: AddLearnerNode s2:1001", schedule.FormatCommand(cmd))
	require.Len(t, h.m.Operators(), 1)
	h.advance(2*time.Second, 1, 2, 3)
	o, by := h.m.Overdue()
	require.Nil(t, o)
	require.Zero(t, by)

	require.Nil(t, h.report("r1 [,) v1 c2 {s1:2,s2:1001(Learner)} leader=1 term=5 pending=2"))
	cmd = h.report("r1 [,) v1 c2 {s1:2,s2:1001(Learner)} leader=1 term=5")
	require.Equal(t, "r1 v1 c2 to s1:2: AddNode s2:1001", schedule.FormatCommand(cmd))
	cmd = h.report("r1 [,) v1 c3 {s1:2,s2:1001} leader=1 term=5")
	require.Equal(t, "r1 v1 c3 to s1:2: AddLearnerNode s3:1002", schedule.FormatCommand(cmd), "the next plan at once")
	require.Nil(t, h.report("r1 [,) v1 c5 {s1:2,s2:1001,s3:1002} leader=1 term=5"))
	require.Empty(t, h.m.Operators())
	c := h.m.Counters()
	require.Equal(t, [2]uint64{2, 2}, [2]uint64{c.OperatorsStarted, c.OperatorsFinished})
}

func TestOnlyTheLastReportOfATurnCounts(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.found(3)
	var in []world.Event
	for _, line := range []string{"r1 [,) v1 c1 {s1:2} leader=1 term=5", "r1 [,) v1 c2 {s1:2,s2:3} leader=1 term=5"} {
		in = append(in, world.Event{Kind: world.EventMessage, From: storeAddr(1), Payload: marshal(heartbeat(line))})
	}
	h.step(in...)
	h.sync()
	require.Len(t, h.messages[storeAddr(1)], 1)
	cmd := h.messages[storeAddr(1)][0].GetRegionHeartbeat()
	require.Equal(t, "r1 v1 c2 to s1:2: AddLearnerNode s3:1001", schedule.FormatCommand(cmd))
}

// Thousands of leaders and all stores report at the same moment, some twice: it is one turn like any other.
func TestManyReportsInOneTurn(t *testing.T) {
	t.Parallel()
	const regions, stores = 2000, 4
	h := newHost(t, func(c *Config) { c.Replicas, c.Schedulers = 1, nil })
	h.found(stores)
	var in []world.Event
	for i := range regions {
		from := uint64(i%stores + 1)
		line := fmt.Sprintf("r%d [k%04d,k%04d) v2 c1 {s%d:%d} leader=%d term=5", 5000+i, i, i+1, from, 9000+i, from)
		news := world.Event{Kind: world.EventMessage, From: storeAddr(from), Payload: marshal(heartbeat(line))}
		in = append(in, news, news)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	rng.Shuffle(len(in), func(a, b int) { in[a], in[b] = in[b], in[a] })
	for id := range uint64(stores) {
		in = append(in, world.Event{Kind: world.EventMessage, From: storeAddr(id + 1), Payload: marshal(storeHeartbeat(id + 1))})
	}
	h.step(in...)
	h.sync()
	require.Len(t, h.m.Regions(), regions)
	leaders := map[uint64]int{}
	for i, r := range h.m.Regions() {
		require.Equal(t, fmt.Sprintf("k%04d", i), string(r.Region.GetStartKey()))
		leaders[r.LeaderStore()]++
	}
	for id := range uint64(stores) {
		require.Equal(t, regions/stores, leaders[id+1])
		require.Len(t, h.messages[storeAddr(id+1)], 1, "nothing is to be done for any region")
		require.NotNil(t, h.messages[storeAddr(id+1)][0].GetStoreHeartbeat())
	}
}

func TestDownStoreIsReplaced(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.found(4)
	const line = "r1 [,) v1 c3 {s1:2,s2:3,s3:4} leader=1 term=5"
	h.advance(9*time.Second, 1, 2, 4)
	require.Nil(t, h.report(line))
	h.advance(time.Second, 1, 2, 4)
	require.Len(t, h.m.Operators(), 1, "a tick finds it even if nobody reports")
	require.Equal(t, "r1 v1 c3 to s1:2: AddLearnerNode s4:1001", schedule.FormatCommand(h.report(line)))
	cmd := h.report("r1 [,) v1 c5 {s1:2,s2:3,s3:4,s4:1001} leader=1 term=5")
	require.Equal(t, "r1 v1 c5 to s1:2: RemoveNode s3:4", schedule.FormatCommand(cmd))

	h.advance(16*time.Second, 1, 2, 4)
	require.Equal(t, uint64(1), h.m.Counters().OperatorsExpired)
	cmd = h.report("r1 [,) v1 c5 {s1:2,s2:3,s3:4,s4:1001} leader=1 term=5")
	require.Equal(t, "r1 v1 c5 to s1:2: RemoveNode s3:4", schedule.FormatCommand(cmd), "a new plan")
	h.report("r1 [m,) v2 c5 {s1:2,s2:3,s3:4,s4:1001} leader=1 term=5")
	require.Equal(t, uint64(1), h.m.Counters().OperatorsCancelled)
}

func TestTickLooksAtAllRegionsInTurn(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(c *Config) { c.RegionsPerTick, c.Schedulers = 2, nil })
	h.found(3)
	// Belief from before the stores were known to be up: only ticks will find what is missing.
	for _, line := range []string{
		"r1 [,c) v2 c1 {s1:2} leader=1 term=5", "r2 [c,f) v2 c1 {s1:3} leader=1 term=5",
		"r3 [f,m) v2 c1 {s1:4} leader=1 term=5", "r4 [m,t) v2 c1 {s1:5} leader=1 term=5", "r5 [t,) v2 c1 {s1:6} leader=1 term=5",
	} {
		_, err := h.m.cluster.ProcessHeartbeat(pdtest.MustRegion(line))
		require.NoError(t, err)
	}
	for _, want := range []int{2, 4, 5} {
		h.advance(h.cfg.ScheduleEvery, 1, 2, 3)
		require.Len(t, h.m.Operators(), want)
	}
}

func TestUnreadableInput(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	for _, kind := range []world.EventKind{world.EventMessage, world.EventRequest} {
		for _, payload := range [][]byte{nil, {0xff}, marshal(&ordealpb.PDRequest{Id: 3})} {
			h.step(world.Event{Kind: kind, From: client, Call: 900, Payload: payload})
		}
	}
	h.step(world.Event{Kind: world.EventTimer, Token: 99}, world.Event{Kind: world.EventSynced, Token: 0})
	require.Equal(t, uint64(6), h.m.Counters().Dropped)
	require.Empty(t, h.replies)
	require.Empty(t, h.messages)

	req := isBootstrapped()
	req.GetIsBootstrapped().Header = &pdpb.RequestHeader{ClusterId: 2}
	requireRefused(t, h, pdpb.ErrorType_INVALID_VALUE, req)
	req.GetIsBootstrapped().GetHeader().ClusterId = 1
	require.Nil(t, h.call(req).GetIsBootstrapped().GetHeader().GetError())
}

func TestConfig(t *testing.T) {
	t.Parallel()
	eng := newHost(t).m.rep.eng
	for _, c := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.ClusterID = 0 }, "ClusterID must be not 0"},
		{func(c *Config) { c.Replicas = 9 }, "Replicas must be 1 to 8"},
		{func(c *Config) { c.StoreDownAfter = time.Second }, "StoreDownAfter must be at least StoreDisconnectAfter"},
		{func(c *Config) { c.IDBatch = 0 }, "IDBatch must be above 0"},
		{func(c *Config) { c.Tick = 0 }, "Tick must be above 0"},
		{func(c *Config) { c.LogEntriesMax = 0 }, "LogEntriesMax must be above 0"},
		{
			func(c *Config) { c.Members = []world.Addr{memberAddr(0), memberAddr(1), memberAddr(1)} },
			"Members must be at most 7 nodes, each once and not 0",
		},
		{func(c *Config) { c.Members = []world.Addr{memberAddr(1)} }, "at 100/0 is none of its own members, [101/0]"},
		{
			func(c *Config) { c.Schedulers = []string{"shuffle"} },
			`there is no "shuffle", only joint-state, replica, isolation, split, merge, balance-region, balance-leader, `,
		},
	} {
		cfg := DefaultConfig()
		c.change(&cfg)
		_, err := New(cfg, world.Env{Addr: memberAddr(0)}, eng)
		require.ErrorContains(t, err, c.want)
	}
}

// Whatever comes in, nothing panics and nothing leaves that is not an answer.
func FuzzStep(f *testing.F) {
	for _, req := range []*ordealpb.PDRequest{
		bootstrap(1), putStore(2), storeHeartbeat(1), heartbeat("r1 [,m) v2 c3 {s1:2,s2:3} leader=1 term=5 pending=2"),
		getRegion("a"), scanRegions("a", "b", -1), askBatchSplit(firstRegionLine, 3), allocID(7), getAllStores(), getStore(1),
	} {
		f.Add(marshal(req), true)
	}
	f.Fuzz(func(t *testing.T, payload []byte, request bool) {
		h := newHost(t)
		h.found(2)
		kind := world.EventMessage
		if request {
			kind = world.EventRequest
		}
		h.step(world.Event{Kind: kind, From: client, Call: 1 << 40, Payload: payload})
		h.sync()
		h.advance(time.Second, 1, 2)
	})
}

// TestStoreWithAnotherDisk: a store that comes back with another disk than before does not remember what it promised.
func TestStoreWithAnotherDisk(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	with := func(disk string) *ordealpb.PDRequest {
		s := pdtest.Store(4)
		if disk != "" {
			s.Labels = append(s.Labels, &metapb.StoreLabel{Key: region.DiskLabel, Value: disk})
		}
		return putStoreAs(s)
	}
	for _, disk := range []string{"", "a1", "a1"} {
		require.Nil(t, h.call(with(disk)).GetPutStore().GetHeader().GetError())
	}
	for _, disk := range []string{"b2", ""} {
		requireRefused(t, h, pdpb.ErrorType_DUPLICATED_ENTRY, with(disk))
	}
	h.crash(h.disk.Position())
	requireRefused(t, h, pdpb.ErrorType_DUPLICATED_ENTRY, with("b2"))
	require.Nil(t, h.call(with("a1")).GetPutStore().GetHeader().GetError())
}
