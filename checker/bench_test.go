package checker

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// BenchmarkCheck judges 50,000 operations over 200 keys, of which so many are in use at a time that the given number
// of clients meet on each.
func BenchmarkCheck(b *testing.B) {
	for _, s := range []shape{
		{clients: 20, live: 200, unknown: 0.02},
		{clients: 20, live: 10, unknown: 0.02},
		{clients: 20, live: 4, unknown: 0.02},
		{clients: 20, live: 4, unknown: 0.05},
		{clients: 40, live: 4, unknown: 0.02},
		{clients: 20, live: 10, unknown: 0.02, scans: true},
	} {
		s.ops, s.keys, s.span = 50_000, 200, 1000
		h := randomHistory(rand.New(rand.NewPCG(1, 2)), s)
		b.Run(fmt.Sprintf("clients=%d/live=%d/unknown=%v/scans=%v", s.clients, s.live, s.unknown, s.scans), func(b *testing.B) {
			var j judge
			for b.Loop() {
				if r := Check(h, Options{KeyTimeout: time.Minute}); r.Verdict != OK {
					b.Fatal(r.Reasons)
				}
			}
			j = judge{engine: Auto, timeout: time.Minute}
			for _, k := range looked(h).keys {
				j.key(k.steps, len(k.values))
			}
			b.ReportMetric(float64(j.searches), "searches")
			b.ReportMetric(float64(len(h.Ops))*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
		})
	}
}
