package pd

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/proto/pdpb"
	"ordeal/world"
)

func TestIDs(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	got := h.call(allocID(0)).GetAllocId()
	require.Equal(t, uint64(firstID), got.GetId())
	require.Equal(t, uint32(1), got.GetCount())
	got = h.call(allocID(5)).GetAllocId()
	require.Equal(t, uint64(firstID+5), got.GetId(), "the last of five")
	require.Equal(t, uint32(5), got.GetCount())
	before := h.disk.Position()
	h.call(allocID(100))
	require.Equal(t, before, h.disk.Position(), "from the batch")
	h.call(allocID(allocCountMax))
	require.Greater(t, h.disk.Position(), before)
	requireRefused(t, h, pdpb.ErrorType_INVALID_VALUE, allocID(allocCountMax+1))
}

// Ids that the first store has chosen are not given again.
func TestIDsOfTheBootstrap(t *testing.T) {
	t.Parallel()
	for _, ids := range [][2]uint64{{50_000, 60_000}, {60_000, 50_000}, {1, 2}} {
		h := newHost(t)
		boot := bootstrap(1)
		boot.GetBootstrap().GetRegion().Id = ids[0]
		boot.GetBootstrap().GetRegion().GetPeers()[0].Id = ids[1]
		h.call(boot)
		want := max(ids[0]+1, ids[1]+1, firstID)
		require.Equal(t, want, h.call(allocID(1)).GetAllocId().GetId())
		h.crash(0)
		require.Greater(t, h.call(allocID(1)).GetAllocId().GetId(), want)
	}
}

// The second turn writes nothing, but gives ids of a batch that the first has only just written.
func TestAnswersWaitForEarlierTurns(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	first := h.ask(allocID(1))
	second := h.ask(allocID(1))
	third := h.ask(isBootstrapped())
	require.Empty(t, h.replies)
	require.Len(t, h.barriers, 1)
	h.sync()
	require.Contains(t, h.replies, first)
	require.Contains(t, h.replies, second)
	require.Contains(t, h.replies, third)
	require.Contains(t, h.replies, h.ask(allocID(1)), "at once now")

	// Of two barriers, the first lets go only what rests on it.
	fourth, fifth := h.ask(putStore(1)), h.ask(putStore(2))
	require.Len(t, h.barriers, 2)
	h.step(world.Event{Kind: world.EventSynced, Token: h.barriers[0]})
	require.Contains(t, h.replies, fourth)
	require.NotContains(t, h.replies, fifth)
	sixth := h.ask(isBootstrapped())
	require.NotContains(t, h.replies, sixth)
	h.sync()
	require.Contains(t, h.replies, sixth)
}

func TestOneBarrierForATurn(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	var in []world.Event
	for i := range uint64(20) {
		in = append(in, world.Event{
			Kind: world.EventRequest, From: client, Call: world.CallID(i + 1), Payload: marshal(putStore(i + 1)),
		})
	}
	before := h.disk.Position()
	h.step(in...)
	require.Len(t, h.barriers, 1)
	require.Equal(t, before+1, h.disk.Position())
	h.sync()
	require.Len(t, h.replies, 20)
}

func TestHeldAnswersAreBounded(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.ask(allocID(1))
	h.m.outbox.held = append(h.m.outbox.held, make([]parcel, heldMax-1)...)
	h.ask(isBootstrapped())
	require.Equal(t, uint64(1), h.m.Counters().Dropped)
	require.Len(t, h.m.outbox.held, heldMax)
}

// Ids, stores and the bootstrap are promises: whatever was answered stays so over any crash, and no id is answered twice.
func TestPromisesSurviveCrashes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := newHost(t, func(c *Config) { c.IDBatch = 5 })
		given, stores, bootstrapped := map[uint64]bool{}, map[uint64]world.CallID{}, false
		seen := func(from world.CallID) {
			for id := from; id <= h.calls; id++ {
				resp := h.replies[id]
				if a := resp.GetAllocId(); a.GetId() != 0 {
					for i := range uint64(a.GetCount()) {
						require.False(t, given[a.GetId()-i], "id %d given twice", a.GetId()-i)
						given[a.GetId()-i] = true
					}
				}
				if b := resp.GetBootstrap(); b != nil && b.GetHeader().GetError() == nil {
					require.False(t, bootstrapped, "bootstrapped twice")
					bootstrapped = true
				}
			}
		}
		checked := world.CallID(1)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0, 1:
				h.ask(allocID(rapid.Uint32Range(1, 9).Draw(t, "ids")))
			case 2:
				store := rapid.Uint64Range(1, 9).Draw(t, "store")
				stores[store] = h.ask(putStore(store))
			case 3:
				h.ask(bootstrap(1))
			case 4:
				h.sync()
			case 5:
				seen(checked)
				checked = h.calls + 1
				h.crash(rapid.Uint64Range(0, 3).Draw(t, "keep"))
				known := map[uint64]bool{}
				for _, s := range h.m.Stores() {
					known[s.ID()] = true
				}
				for store, call := range stores {
					if h.replies[call] != nil {
						require.True(t, known[store], "store %d was registered", store)
					}
				}
				require.True(t, h.m.bootstrapped || !bootstrapped)
			}
		}
		h.sync()
		seen(checked)
	})
}

func TestRegionsComeBack(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(c *Config) { c.Replicas = 1 })
	h.found(1)
	h.report("r1 [,m) v2 c1 {s1:2} leader=1 term=5")
	h.report("r2 [m,) v2 c1 {s1:3} leader=1 term=5")
	h.advance(h.cfg.ScheduleEvery, 1)
	before := h.disk.Position()
	h.report("r2 [m,) v2 c1 {s1:3} leader=1 term=6 size=9")
	h.advance(h.cfg.ScheduleEvery, 1)
	require.Equal(t, before, h.disk.Position(), "no other epoch, nothing to write")
	h.report("r3 [k,) v3 c1 {s1:4} leader=1 term=1")
	h.advance(h.cfg.ScheduleEvery, 1)
	h.report("r3 [k,) v4 c1 {s1:4} leader=1 term=1") // not flushed

	h.crash(0)
	require.Len(t, h.m.Regions(), 1)
	r := h.m.Regions()[0]
	require.Equal(t, "r3 [k,) v3 c1 {s1:4}", r.String(), "nobody knows who leads")
	require.Nil(t, h.call(getRegion("a")).GetGetRegion().GetRegion())
	require.Equal(t, "r3 [k,) v3 c1 {s1:4}", r.String())
	require.Nil(t, h.call(scanRegions("", "", 0)).GetScanRegions().GetRegions()[0].GetLeader())
}

// What a heartbeat evicts leaves the disk, or it would be back once nothing overlaps it any more.
func TestEvictedRegionsStayAway(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(c *Config) { c.Replicas = 1 })
	h.found(1)
	h.report("r1 [,m) v2 c1 {s1:2} leader=1 term=5")
	h.advance(h.cfg.ScheduleEvery, 1)
	h.report("r3 [k,) v3 c1 {s1:4} leader=1 term=1")
	h.report("r3 [x,) v4 c1 {s1:4} leader=1 term=1")
	h.advance(h.cfg.ScheduleEvery, 1)
	h.crash(0)
	require.Len(t, h.m.Regions(), 1)
	require.Equal(t, uint64(3), h.m.Regions()[0].ID())
}

// Regions are written some at a time, so a disk may hold them from different moments. The newest win.
func TestRegionsOfDifferentMoments(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(c *Config) { c.Replicas = 1 })
	h.found(1)
	batch := h.m.rep.eng.NewBatch()
	for _, line := range []string{"r5 [m,) v2 c1 {s1:6} leader=1 term=1", "r6 [a,f) v3 c1 {s1:7} leader=1 term=1"} {
		r := heartbeat(line).GetRegionHeartbeat().GetRegion()
		batch.Put(numberedKey(prefixRegion, r.GetId()), marshal(r))
	}
	h.m.rep.eng.Commit(batch)
	h.sync()
	for range 2 { // the second time from a disk that the first has cleaned
		h.crash(0)
		require.Len(t, h.m.Regions(), 2)
		require.Equal(t, uint64(6), h.m.Regions()[0].ID())
		require.Equal(t, uint64(5), h.m.Regions()[1].ID())
		h.advance(h.cfg.ScheduleEvery, 1)
	}
	_, ok := h.m.rep.eng.Get(numberedKey(prefixRegion, 1))
	require.False(t, ok)
}

func TestUnreadableDisk(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		key, value []byte
		want       string
	}{
		{numberedKey(prefixStore, 1), []byte{0xff}, "store/"},
		{numberedKey(prefixRegion, 1), []byte{0xff}, "region/"},
		{append([]byte{0x04}, keyIDs...), []byte{1}, "bound of ids: got 1 bytes, want 8"},
		{append([]byte{0x04}, keyCluster...), []byte{8, 2}, "the disk belongs to cluster 2, this is a driver of cluster 1"},
	} {
		h := newHost(t)
		batch := h.m.rep.eng.NewBatch()
		batch.Put(c.key, c.value)
		h.m.rep.eng.Commit(batch)
		_, err := New(h.cfg, world.Env{Addr: memberAddr(0)}, h.m.rep.eng)
		require.ErrorContains(t, err, c.want)
	}
}
