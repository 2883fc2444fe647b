package workloads

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/cluster"
	"ordeal/nemesis"
)

// The benchmarks give the two speeds of a simulation, on one core: judged client operations a second under load with
// all nemeses, and virtual seconds a second when clients are idle. Run them with -cpu=1; ns/op means nothing here.
//
//	go test ./workloads -run='^$' -bench=. -cpu=1

func benchConfig(seed uint64) Config {
	cfg := Config{Workload: "register", Seed: seed, Duration: 6 * time.Second, Stores: 5, Replicas: 3, Regions: 16, Clients: 256}
	for _, f := range nemesis.Families() {
		cfg.Nemesis = append(cfg.Nemesis, f.Name)
	}
	return cfg
}

func BenchmarkLoad(b *testing.B) {
	ops, virtual := 0, 0.0
	for i := range b.N {
		r := &run{cfg: benchConfig(uint64(i + 1)), progress: func(Progress) {}, verdict: checker.OK, wall: startWall()}
		r.tune = func(k *knobs) { k.turn, k.traffic.ThinkMax = 400*time.Microsecond, 0 }
		require.NoError(b, r.prepare())
		r.play()
		s, err := r.finish()
		r.close()
		require.NoError(b, err)
		require.Equal(b, checker.OK, s.Verdict, "%v", s.Reasons)
		ops += s.Ops.OK + s.Ops.Failed + s.Ops.Unknown
		virtual += s.VirtualS
	}
	b.ReportMetric(float64(ops)/b.Elapsed().Seconds(), "ops/s")
	b.ReportMetric(virtual/b.Elapsed().Seconds(), "virtual-s/s")
}

func BenchmarkIdle(b *testing.B) {
	virtual := 0.0
	for i := range b.N {
		cfg := benchConfig(uint64(i + 1))
		cfg.Nemesis, cfg.Clients, cfg.Duration = nil, 8, 500*time.Second
		r := &run{cfg: cfg, progress: func(Progress) {}, verdict: checker.OK, wall: startWall()}
		r.tune = func(k *knobs) { k.traffic.Idle, k.tick = true, cluster.DefaultConfig().Store.TickInterval }
		require.NoError(b, r.prepare())
		r.play()
		virtual += r.w.Now().Seconds()
		r.close()
	}
	b.ReportMetric(virtual/b.Elapsed().Seconds(), "virtual-s/s")
}
