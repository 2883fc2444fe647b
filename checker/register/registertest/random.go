// Package registertest makes random histories of one key for the tests of those who judge them, and lets porcupine judge
// them as they are. A history is played on a real register, so that an order explains it, and may then be mutated, which
// mostly breaks it. Referee says whether it has, with nothing rewritten, by a model of its own.
package registertest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"ordeal/checker/register"
	"ordeal/world"
)

// Shape says what random histories look like.
type Shape struct {
	Ops, Clients int
	// Span bounds how long a step and the pause before it take; small ones make ties.
	Span int
	// Unknown is the share of writes whose outcome is unknown.
	Unknown float64
	// Busy clients make no pauses, so that all of them have a step open at any time.
	Busy bool
	// Mix weighs gets, puts, deletes, swaps and conditional deletes; nil is all of them.
	Mix []int
}

// usual is the mix of a Shape that says none.
var usual = []int{3, 2, 1, 2, 1}

// Steps is a history of one key, sorted by call.
type Steps struct {
	Steps []register.Step
	// Values is one more than the largest value.
	Values int
}

// Small draws a shape of histories that porcupine judges in no time, of at most so many steps.
func Small(r *rand.Rand, opsMax int) Shape {
	s := Shape{
		Ops: 1 + r.IntN(opsMax), Clients: 1 + r.IntN(7), Span: []int{2, 3, 5, 12, 40}[r.IntN(5)],
		Unknown: []float64{0, 0.1, 0.3, 0.6}[r.IntN(4)],
	}
	if r.IntN(3) == 0 { // every other kind has its turn to be rare or common
		s.Mix = make([]int, len(usual))
		for k := range s.Mix {
			s.Mix[k] = r.IntN(4)
		}
		s.Mix[1]++
	}
	return s
}

// act is when a step acts.
type act struct {
	at world.Time
	i  int32
}

// Random plays operations on a real register: each acts at one instant between its call and its return, or late, or
// never if its outcome is unknown. So an order explains the history.
func Random(r *rand.Rand, s Shape) Steps {
	mix, sum := s.Mix, 0
	if mix == nil {
		mix = usual
	}
	for _, w := range mix {
		sum += w
	}
	kinds := make([]int, s.Ops)
	steps := make([]register.Step, s.Ops)
	free := make([]world.Time, s.Clients)
	var acts []act
	for i := range steps {
		st := &steps[i]
		c := r.IntN(s.Clients)
		st.Op, st.Sure = int32(i), true
		st.Call = free[c]
		if !s.Busy {
			st.Call += world.Time(r.IntN(s.Span))
		}
		st.Ret = st.Call + world.Time(r.IntN(s.Span))
		free[c] = st.Ret + 1
		for n := r.IntN(sum); n >= mix[kinds[i]]; kinds[i]++ {
			n -= mix[kinds[i]]
		}
		at := st.Call + world.Time(r.Int64N(int64(st.Ret-st.Call)+1))
		if kinds[i] > 0 && r.Float64() < s.Unknown {
			st.Sure, st.Ret = false, register.Never
			switch r.IntN(4) {
			case 0, 1:
				at = st.Call + world.Time(r.IntN(3*s.Span))
			case 2:
				at = register.Never
			}
		}
		acts = append(acts, act{at, int32(i)})
	}
	slices.SortStableFunc(acts, func(a, b act) int { return int(min(1, max(-1, a.at-b.at))) })
	state, last := register.Absent, register.Absent
	for _, a := range acts {
		play(r, &steps[a.i], kinds[a.i], a, &state, &last)
	}
	// Conditional deletes of absent that got no answer say nothing.
	steps = slices.DeleteFunc(steps, func(s register.Step) bool { return s.Kind == 0 })
	register.Sort(steps)
	return Steps{steps, s.Ops + 1}
}

// play fills in what a step did to the register.
func play(r *rand.Rand, st *register.Step, kind int, a act, state, last *register.Value) {
	acts := a.at != register.Never
	expect := *state
	if r.IntN(3) == 0 {
		expect = register.Value(r.IntN(int(*last) + 1))
	}
	st.Kind, st.Expect, st.Value = register.Write, register.Anything, register.Value(a.i+1)
	switch {
	case kind == 0:
		st.Kind, st.Value = register.Read, *state
		return
	case kind == 2:
		st.Value = register.Absent
	case kind == 4 && expect == register.Absent && !st.Sure:
		st.Kind = 0
		return
	case kind == 4 && expect == register.Absent && *state == register.Absent:
		st.Kind, st.Value = register.Read, register.Absent
		return
	case kind >= 3 && expect != *state && st.Sure:
		st.Kind, st.Value, st.Expect = register.Read, *state, expect
		return
	case kind >= 3:
		st.Kind, st.Expect = register.Swap, expect
		acts = acts && expect == *state
		if kind == 4 {
			st.Value = register.Absent
		}
	}
	if acts {
		*state, *last = st.Value, max(*last, st.Value)
	}
}

// Mutate changes a step at random, mostly to something that a broken register would do. Written values stay unique.
func (h Steps) Mutate(r *rand.Rand) {
	if len(h.Steps) == 0 {
		return
	}
	s := &h.Steps[r.IntN(len(h.Steps))]
	seen := func() register.Value {
		if r.IntN(4) == 0 {
			return register.Absent
		}
		return register.Value(r.IntN(h.Values))
	}
	switch n := r.IntN(7); {
	case s.Kind == register.Read && n < 4:
		s.Value = seen()
	case s.Kind == register.Read && n == 4:
		s.Expect = seen()
	case s.Kind == register.Swap && n < 3:
		if s.Expect = seen(); s.Expect == register.Absent && s.Value == register.Absent {
			s.Kind, s.Expect = register.Write, register.Anything
		}
	case s.Kind != register.Read && n == 3:
		s.Sure, s.Ret = !s.Sure, register.Never
		if s.Sure {
			s.Ret = s.Call + world.Time(r.IntN(20))
		}
	case s.Ret != register.Never && n == 5:
		s.Ret = s.Call + (s.Ret-s.Call)/2
	default:
		moved := min(s.Call, world.Time(r.IntN(20)))
		s.Call -= moved
		if s.Sure {
			s.Ret -= moved
		}
	}
	register.Sort(h.Steps)
}

// WriteTwice makes two steps write the same value, if there are two that write one.
func (h Steps) WriteTwice(r *rand.Rand) bool {
	var writes []*register.Step
	for i := range h.Steps {
		if s := &h.Steps[i]; s.Kind != register.Read && s.Value != register.Absent {
			writes = append(writes, s)
		}
	}
	if len(writes) < 2 {
		return false
	}
	from, to := r.IntN(len(writes)), r.IntN(len(writes)-1)
	if to >= from {
		to++
	}
	writes[to].Value = writes[from].Value
	return true
}

// String prints one step a line, as history scripts do: `put 3 10-20`, `cas 3>4 10-?`.
func (h Steps) String() string {
	var b strings.Builder
	for i := range h.Steps {
		s := &h.Steps[i]
		ret := fmt.Sprint(int64(s.Ret))
		if !s.Sure {
			ret = "?"
		}
		fmt.Fprintf(&b, "%s %d-%s\n", deed(s), int64(s.Call), ret)
	}
	return b.String()
}

func deed(s *register.Step) string {
	name := func(v register.Value) string {
		if v == register.Absent {
			return "absent"
		}
		return fmt.Sprint(v)
	}
	switch {
	case s.Kind == register.Read && s.Expect == register.Anything:
		return "get " + name(s.Value)
	case s.Kind == register.Read:
		return "refused " + name(s.Expect) + " saw " + name(s.Value)
	case s.Kind == register.Write && s.Value == register.Absent:
		return "delete"
	case s.Kind == register.Write:
		return "put " + name(s.Value)
	case s.Value == register.Absent:
		return "cad " + name(s.Expect)
	default:
		return "cas " + name(s.Expect) + ">" + name(s.Value)
	}
}
