package core_test

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"ordeal/pd/core"
	"ordeal/pd/internal/pdtest"
	"ordeal/proto/metapb"
	"ordeal/world"
)

const (
	benchRegions = 1_000_000
	benchStores  = 50
)

// benchRegion is the i-th of n regions that lie side by side, with three peers and the leader on the first of them.
func benchRegion(i, n int) *core.RegionInfo {
	key := func(i int) []byte {
		if i == 0 || i == n {
			return nil
		}
		return binary.BigEndian.AppendUint64([]byte("tableX_r"), uint64(i))
	}
	m := &metapb.Region{
		Id: uint64(4*i + 1), StartKey: key(i), EndKey: key(i + 1), RegionEpoch: &metapb.RegionEpoch{Version: 1, ConfVer: 3},
	}
	for p := range 3 {
		m.Peers = append(m.Peers, &metapb.Peer{Id: uint64(4*i + 2 + p), StoreId: uint64((i*7+p*11)%benchStores + 1)})
	}
	return &core.RegionInfo{Region: m, Leader: m.Peers[0], Term: 5, ApproximateSize: 96 << 20, ApproximateKeys: 1e6, Reported: 1}
}

// benchShared is the full cluster that the benchmarks change and share: it takes seconds to fill.
var benchShared *core.Cluster

func benchCluster(b *testing.B) *core.Cluster {
	b.Helper()
	if benchShared == nil {
		benchShared = fullCluster(b)
	}
	b.ResetTimer()
	return benchShared
}

func fullCluster(b *testing.B) *core.Cluster {
	b.Helper()
	c := core.NewCluster(core.Liveness{})
	for id := range uint64(benchStores) {
		require.NoError(b, c.PutStore(pdtest.Store(id+1), 0))
	}
	for _, i := range rand.New(rand.NewPCG(1, 1)).Perm(benchRegions) {
		_, err := c.ProcessHeartbeat(benchRegion(i, benchRegions))
		require.NoError(b, err)
	}
	return c
}

// benchReports are n reports of different regions, each with memory of its own, as if they had just been read from the wire.
func benchReports(seed, n int) []*core.RegionInfo {
	rng := rand.New(rand.NewPCG(2, uint64(seed)))
	var out []*core.RegionInfo
	for _, i := range rng.Perm(benchRegions)[:n] {
		r := benchRegion(i, benchRegions)
		r.Reported = 2
		out = append(out, r)
	}
	return out
}

// BenchmarkHeartbeat processes reports at a million regions of three peers on fifty stores. A snapshot is taken every
// hundred thousand, which is what a driver that decides twice a second is told in between by a million leaders in five seconds.
func BenchmarkHeartbeat(b *testing.B) {
	const reports = 1 << 16
	c := benchCluster(b)
	for _, bench := range []struct {
		name   string
		change func(r *core.RegionInfo)
	}{
		{"unchanged", func(*core.RegionInfo) {}},
		{"flow-changed", func(r *core.RegionInfo) { r.Load.WriteBytes++ }},
		{"leader-changed", func(r *core.RegionInfo) {
			r.Term++
			r.Leader = r.Region.Peers[r.Term%3]
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			var in []*core.RegionInfo
			for i := range b.N {
				if i%reports == 0 {
					b.StopTimer()
					in = benchReports(i, reports)
					for _, r := range in {
						old := c.Region(r.ID())
						r.Term, r.Leader, r.Load = old.Term, old.Leader, old.Load
						bench.change(r)
					}
					b.StartTimer()
				}
				if i%100_000 == 0 {
					c.Snapshot(world.Time(i))
				}
				if _, err := c.ProcessHeartbeat(in[i%reports]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkOverlaps splits a region and merges it again: both must look at whom the range overlaps.
func BenchmarkOverlaps(b *testing.B) {
	c := benchCluster(b)
	rng := rand.New(rand.NewPCG(3, 3))
	b.ReportAllocs()
	for i := range b.N {
		r := *c.At(rng.IntN(benchRegions - 1))
		next := c.RegionByKey(r.Region.GetEndKey())
		b.StopTimer()
		r.Region = proto.Clone(r.Region).(*metapb.Region)
		r.Leader = r.Region.Peers[0]
		r.Region.RegionEpoch.Version = max(r.Region.GetRegionEpoch().GetVersion(), next.Region.GetRegionEpoch().GetVersion()) + 1
		r.Region.EndKey = append([]byte(nil), next.Region.GetStartKey()...)
		b.StartTimer()
		if _, err := c.ProcessHeartbeat(&r); err != nil {
			b.Fatal(i, err)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	c := benchCluster(b)
	s := c.Snapshot(0)
	rng := rand.New(rand.NewPCG(4, 4))
	lo, hi := benchRegion(1000, benchRegions).Region.GetStartKey(), benchRegion(900_000, benchRegions).Region.GetStartKey()
	for _, bench := range []struct {
		name string
		look func() *core.RegionInfo
	}{
		{"by-key", func() *core.RegionInfo {
			return s.RegionByKey(binary.BigEndian.AppendUint64([]byte("tableX_r"), rng.Uint64N(benchRegions)))
		}},
		{"random", func() *core.RegionInfo { return s.RandomRegion(rng, nil, nil) }},
		{"random-in-range", func() *core.RegionInfo { return s.RandomRegion(rng, lo, hi) }},
		{"random-leader", func() *core.RegionInfo { return s.RandomOf(rng, 1+rng.Uint64N(benchStores), core.RoleLeader, nil, nil) }},
		{"random-leader-in-range", func() *core.RegionInfo {
			return s.RandomOf(rng, 1+rng.Uint64N(benchStores), core.RoleLeader, lo, hi)
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			for range b.N {
				if bench.look() == nil {
					b.Fatal("found nothing")
				}
			}
		})
	}
	b.Run("snapshot", func(b *testing.B) {
		for range b.N {
			c.Snapshot(0)
		}
	})
}

// BenchmarkMemory says how much a million regions take, their metadata included. It must be less than 1.5 GiB.
func BenchmarkMemory(b *testing.B) {
	benchShared = nil
	for range b.N {
		before := heap()
		c := fullCluster(b)
		used := heap() - before
		b.ReportMetric(float64(used)/benchRegions, "B/region")
		require.Less(b, used, uint64(1536<<20))
		runtime.KeepAlive(c)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
