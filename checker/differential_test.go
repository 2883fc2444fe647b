package checker

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/checker/register"
	"ordeal/world"
)

// drawShape draws what histories look like, and a source to make them from.
func drawShape(t *rapid.T) (shape, *rand.Rand) {
	s := shape{
		ops:     rapid.IntRange(1, 14).Draw(t, "ops"),
		clients: rapid.IntRange(1, 6).Draw(t, "clients"),
		keys:    rapid.IntRange(1, 2).Draw(t, "keys"),
		span:    rapid.SampledFrom([]int{2, 5, 12, 40}).Draw(t, "span"),
		unknown: rapid.SampledFrom([]float64{0, 0.1, 0.3, 0.6}).Draw(t, "unknown"),
		scans:   rapid.Bool().Draw(t, "scans"),
	}
	return s, rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
}

// historiesPerDraw small histories are made from every shape that rapid draws (a hundred by default).
const historiesPerDraw = 210

// TestAgreesWithPorcupine: what the checker answers, with everything it rewrites, leaves out and cuts, is what
// porcupine answers on the history as it is.
func TestAgreesWithPorcupine(t *testing.T) {
	t.Parallel()
	judged, illegal := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		s, r := drawShape(rt)
		for n := range historiesPerDraw {
			h := randomHistory(r, s)
			for range n % 3 {
				mutate(r, h)
			}
			plain := plainVerdict(h)
			for _, engine := range []Engine{Auto, Frontier, Porcupine} {
				answer := engineVerdict(engine, h)
				require.Equal(rt, plain, answer, "porcupine says %v, engine %s %v%s", plain, engine, answer, told(h))
			}
			if n%3 == 0 {
				require.True(rt, plain, "linearizable by construction%s", told(h))
			}
			judged++
			if !plain {
				illegal++
			}
		}
	})
	t.Logf("%d histories, %d of them illegal", judged, illegal)
	require.Greater(t, illegal, judged/20, "too few illegal histories to mean anything")
}

// engineVerdict is Check without what it does to report.
func engineVerdict(engine Engine, h *History) bool {
	s := looked(h)
	j := &judge{engine: engine, timeout: time.Minute}
	for _, k := range s.keys {
		switch j.key(k.steps, len(k.values)) {
		case explained:
		case unexplained:
			return false
		default:
			panic("undecided")
		}
	}
	return len(s.scans) == 0
}

// looked splits a history and looks at all of its keys.
func looked(h *History) *splitter {
	s := split(h, (&Options{}).Work)
	for _, k := range s.keys {
		k.look(h)
	}
	return s
}

// TestRejectedHistoriesShrink: what is left of an illegal history is illegal for porcupine, and small.
func TestRejectedHistoriesShrink(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s, r := drawShape(rt)
		s.ops += 20
		for range 20 {
			h := randomHistory(r, s)
			mutate(r, h)
			res := Check(h, Options{})
			require.Contains(rt, []Verdict{OK, FAIL, INCONCLUSIVE}, res.Verdict, "%q%s", res.Reasons, told(h))
			for _, v := range res.Violations {
				require.NotEmpty(rt, v.Message)
				require.LessOrEqual(rt, len(v.Ops), 16, "%s%s", v.Message, told(h))
			}
		}
	})
}

// TestShrinkingStepsAreSound: leaving steps of a linearizable history out, cutting or weakening it never makes it
// illegal. Each is tried by itself and judged by porcupine alone.
func TestShrinkingStepsAreSound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s, r := drawShape(rt)
		s.keys, s.span = 1, min(s.span, 6) // ties are where it goes wrong
		for range 60 {
			h := randomHistory(r, s)
			k := looked(h).keys
			if len(k) == 0 {
				continue
			}
			steps := shrinkAtRandom(r, k[0])
			answer, _ := draw(h, k[0], steps, time.Minute)
			require.Equal(rt, porcupine.Ok, answer, "left %v of%s", steps, told(h))
		}
	})
}

func shrinkAtRandom(r *rand.Rand, k *keyHistory) []step {
	steps := append([]step(nil), k.steps...)
	sh := shrinker{j: &judge{engine: Auto}, values: len(k.values)}
	if len(steps) > 0 && r.IntN(2) == 0 {
		if end := steps[r.IntN(len(steps))].Ret; end != Never {
			steps = cutAt(steps, end)
		}
	}
	if len(steps) > 0 && r.IntN(2) == 0 {
		register.Sort(steps)
		begin := steps[r.IntN(len(steps))].Call
		steps = sh.around(steps, begin, begin+world.Time(r.IntN(50)))
	}
	for range 2 * len(steps) {
		i := r.IntN(len(steps))
		if r.IntN(3) == 0 && steps[i].Kind == register.Swap {
			steps[i].Kind, steps[i].Expect = register.Write, anything
		}
		sh.count(steps)
		if sh.mayGo(steps, i) {
			steps = append(steps[:i], steps[i+1:]...)
		}
		if len(steps) == 0 {
			break
		}
	}
	return steps
}
