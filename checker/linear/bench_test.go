package linear

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"ordeal/checker/register/registertest"
	"ordeal/internal/cores"
)

func hotKey(ops, clients int, unknown float64, seed uint64) registertest.Steps {
	return registertest.Random(rand.New(rand.NewPCG(seed, 1)),
		registertest.Shape{Ops: ops, Clients: clients, Span: 1000, Unknown: unknown, Busy: true, Mix: []int{10, 5, 1, 4, 1}})
}

func mustExplain(b *testing.B, c *Checker, h registertest.Steps) {
	if answer, err := c.Check(h.Steps, h.Values); answer != Explained {
		b.Fatal(answer, err)
	}
}

// BenchmarkHotKey judges one key on one core, certificate included. Scratch is what a Checker that has judged nothing
// yet allocates for a step.
func BenchmarkHotKey(b *testing.B) {
	for _, s := range []struct {
		ops, clients int
		unknown      float64
	}{
		{1_000_000, 10, 0}, {1_000_000, 10, 0.05}, {1_000_000, 10, 0.5}, {1_000_000, 100, 0.05}, {1_000_000, 1000, 0.05},
		{10_000_000, 10, 0.01}, {10_000_000, 1000, 0.01},
	} {
		b.Run(fmt.Sprintf("ops=%d/clients=%d/unknown=%v", s.ops, s.clients, s.unknown), func(b *testing.B) {
			h := hotKey(s.ops, s.clients, s.unknown, 1)
			var before, after runtime.MemStats
			var c Checker
			runtime.ReadMemStats(&before)
			mustExplain(b, &c, h)
			runtime.ReadMemStats(&after)
			runtime.GC() // what made the history is no part of it
			meter := registertest.StartMeter(b)
			for b.Loop() {
				mustExplain(b, &c, h)
			}
			meter.Report(b, s.ops)
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(s.ops), "scratch-B/op")
		})
	}
}

// BenchmarkThousandKeys judges 1,000 keys of 10,000 operations each on all cores.
func BenchmarkThousandKeys(b *testing.B) {
	const keys, ops = 1000, 10_000
	histories := make([]registertest.Steps, keys)
	for k := range histories {
		histories[k] = hotKey(ops, 10, 0.01, uint64(k))
	}
	var undecided atomic.Int64
	runtime.GC()
	meter := registertest.StartMeter(b)
	for b.Loop() {
		cores.Spread(keys, func() func(int) {
			var c Checker
			return func(i int) {
				switch answer, err := c.Check(histories[i].Steps, histories[i].Values); {
				case errors.Is(err, ErrLooseDelete):
					undecided.Add(1)
				case answer != Explained:
					b.Error(answer, err)
				}
			}
		})
	}
	meter.Report(b, keys*ops)
	b.ReportMetric(float64(runtime.GOMAXPROCS(0)), "cores")
	b.ReportMetric(float64(undecided.Load())/float64(b.N), "undecided-keys")
}

// BenchmarkAgainstPorcupine judges the same history by both, so that the ratio is of one machine at one time.
func BenchmarkAgainstPorcupine(b *testing.B) {
	h := hotKey(20_000, 10, 0, 1)
	var c Checker
	mustExplain(b, &c, h)
	began := time.Now()
	if legal, judged := registertest.Referee(h.Steps, 0); !legal || !judged {
		b.Fatal("porcupine disagrees")
	}
	porcupine := time.Since(began)
	runtime.GC()
	meter := registertest.StartMeter(b)
	for b.Loop() {
		mustExplain(b, &c, h)
	}
	meter.Report(b, len(h.Steps))
	b.ReportMetric(porcupine.Seconds(), "porcupine-s")
	b.ReportMetric(porcupine.Seconds()*float64(b.N)/b.Elapsed().Seconds(), "times")
}
