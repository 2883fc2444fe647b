package frontier_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/checker/frontier"
	"ordeal/checker/register"
	"ordeal/checker/register/registertest"
	"ordeal/world"
)

// spansOf are the steps as they are.
func spansOf(steps []register.Step) []frontier.Span {
	spans := make([]frontier.Span, len(steps))
	for i := range steps {
		spans[i] = frontier.Span{Call: steps[i].Call, Ret: steps[i].Ret}
		switch {
		case steps[i].Kind == register.Read:
			spans[i].Mode = frontier.Reader
		case !steps[i].Sure:
			spans[i].Mode = frontier.Optional
		}
	}
	return spans
}

func modelOf(steps []register.Step) frontier.Model {
	return func(state uint64, op int32) (uint64, bool) {
		ok, next := steps[op].Act(register.Value(state))
		return uint64(next), ok
	}
}

func check(steps []register.Step, limits frontier.Limits) frontier.Answer {
	return frontier.Check(spansOf(steps), modelOf(steps), 0, limits)
}

// random makes a history, two in three of them mutated.
func random(r *rand.Rand, n, opsMax int) registertest.Steps {
	h := registertest.Random(r, registertest.Small(r, opsMax))
	for range n % 3 {
		h.Mutate(r)
	}
	return h
}

func answer(legal bool) frontier.Answer {
	if legal {
		return frontier.Explained
	}
	return frontier.Unexplained
}

// TestAgreesWithPorcupine: both judge the history as it is.
func TestAgreesWithPorcupine(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(19, 2))
	for n := range 20_000 {
		h := random(r, n, 16)
		legal, _ := registertest.Referee(h.Steps, 0)
		require.Equal(t, answer(legal), check(h.Steps, frontier.Usual), "%s", h)
	}
}

// TestEndsAtTheShortestPrefix: fed event by event, the search fails at the very return at which what is known has
// become inexplicable: what has not returned may then have acted or not.
func TestEndsAtTheShortestPrefix(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(19, 3))
	failed := 0
	for n := range 2000 {
		h := random(r, n, 14)
		var rets []int32
		for i := range h.Steps {
			if h.Steps[i].Sure {
				rets = append(rets, int32(i))
			}
		}
		slices.SortStableFunc(rets, func(a, b int32) int { return cmp.Compare(h.Steps[a].Ret, h.Steps[b].Ret) })
		spans := spansOf(h.Steps)
		search, called := frontier.New(modelOf(h.Steps), 0, frontier.Usual), 0
		for k, ret := range rets {
			now := h.Steps[ret].Ret
			for called < len(spans) && spans[called].Call <= now {
				search.Call(int32(called), spans[called].Mode)
				called++
			}
			got := search.Return(ret)
			legal, _ := registertest.Referee(known(h.Steps, rets[:k+1], now), 0)
			require.Equal(t, answer(legal), got, "until %d\n%s", now, h)
			if !legal {
				failed++
				require.Equal(t, frontier.Unexplained, search.Answer(), "for good")
				break
			}
		}
	}
	require.Greater(t, failed, 200)
}

// known is what is known when some steps have returned.
func known(steps []register.Step, returned []int32, now world.Time) []register.Step {
	var cut []register.Step
	for i := range steps {
		s := steps[i]
		if s.Sure && !slices.Contains(returned, int32(i)) {
			s.Sure, s.Ret = false, register.Never
		}
		if s.Call <= now && (s.Sure || s.Kind != register.Read) {
			cut = append(cut, s)
		}
	}
	return cut
}

// wide is a history of which any order of n writes must be tried: they overlap, and are read afterwards.
func wide(n int) []register.Step {
	var steps []register.Step
	for i := range n {
		steps = append(steps, register.Step{Kind: register.Write, Value: register.Value(i + 1), Expect: register.Anything, Sure: true, Ret: 10})
	}
	for i := range n {
		at := world.Time(20 + i)
		steps = append(steps, register.Step{Kind: register.Read, Value: register.Value(n), Expect: register.Anything, Sure: true, Call: at, Ret: at})
	}
	return steps
}

func TestLimits(t *testing.T) {
	t.Parallel()
	require.Equal(t, frontier.Explained, check(wide(8), frontier.Usual))
	require.Equal(t, frontier.TooWide, check(wide(8), frontier.Limits{Width: 100, Work: 1 << 40}), "the width")
	require.Equal(t, frontier.TooWide, check(wide(8), frontier.Limits{Width: 1 << 40, Work: 100}), "the work")
	require.Equal(t, frontier.TooWide, check(wide(129), frontier.Usual), "more open than there are slots")
	require.Equal(t, frontier.TooWide, check(wide(30), frontier.Usual))
}

// TestReturnBeforeCall: an operation that returns before it is called can't have acted.
func TestReturnBeforeCall(t *testing.T) {
	t.Parallel()
	s := register.Step{Kind: register.Read, Expect: register.Anything, Sure: true, Call: 5, Ret: 4}
	require.Equal(t, frontier.Unexplained, check([]register.Step{s}, frontier.Usual))
}

// TestAnyModel: the model need not be a register: here it is a counter that says what it has become.
func TestAnyModel(t *testing.T) {
	t.Parallel()
	spans := []frontier.Span{{Call: 0, Ret: 10}, {Call: 0, Ret: 10}, {Call: 20, Ret: 30}}
	counter := func(says ...uint64) frontier.Model {
		return func(state uint64, op int32) (uint64, bool) { return state + 1, state+1 == says[op] }
	}
	require.Equal(t, frontier.Explained, frontier.Check(spans, counter(2, 1, 3), 0, frontier.Usual))
	require.Equal(t, frontier.Unexplained, frontier.Check(spans, counter(1, 3, 2), 0, frontier.Usual))
}
