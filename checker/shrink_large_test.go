package checker

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/checker/register"
	"ordeal/checker/register/registertest"
)

// shrunkMax is how many operations a counter-example may have.
const shrunkMax = 12

// falseAbsentIn is a long history with a read that found nothing though there was something.
func falseAbsentIn(seed uint64, ops int, deletes int) registertest.Steps {
	r := rand.New(rand.NewPCG(seed, 3))
	h := registertest.Random(r, registertest.Shape{Ops: ops, Clients: 8, Span: 1000, Unknown: 0.05, Busy: true, Mix: []int{10, 5, deletes, 4, 1}})
	j := judge{engine: Auto}
	for {
		i, v := falseAbsent(r, h)
		was := h.Steps[i].Value
		h.Steps[i].Value = v
		if j.key(h.Steps, h.Values) == unexplained {
			return h
		}
		h.Steps[i].Value = was
	}
}

func shrunk(h registertest.Steps) []register.Step {
	sh := shrinker{j: &judge{engine: Auto}, values: h.Values}
	return sh.shrink(h.Steps)
}

// TestShrinkFalseAbsent: the error that no single value betrays comes down to a dozen operations that porcupine refuses.
func TestShrinkFalseAbsent(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		core := shrunk(falseAbsentIn(seed, 5000, int(seed%3)))
		legal, _ := registertest.Referee(core, 0)
		require.False(t, legal, "seed %d", seed)
		require.LessOrEqual(t, len(core), shrunkMax, "seed %d\n%s", seed, registertest.Steps{Steps: core})
	}
}

// BenchmarkShrink shrinks a million operations.
func BenchmarkShrink(b *testing.B) {
	for deletes := range 3 {
		b.Run(fmt.Sprintf("deletes=%d", deletes), func(b *testing.B) {
			h := falseAbsentIn(1, 1_000_000, deletes)
			left := 0
			for b.Loop() {
				left = len(shrunk(h))
			}
			b.ReportMetric(float64(left), "operations")
		})
	}
}
