package models

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/world"
)

// TestUnknownIsNotPassed: what is too wide is UNKNOWN, what nobody did INCONCLUSIVE, and what the model does not have an error.
func TestUnknownIsNotPassed(t *testing.T) {
	t.Parallel()
	var h checker.History
	for i := range 200 {
		h.Ops = append(h.Ops, checker.Op{Kind: checker.Increment, Value: fmt.Sprint(1 << (i % 60)), Return: 10, Outcome: checker.Ok})
	}
	h.Ops = append(h.Ops, checker.Op{Kind: checker.Get, Invoke: 20, Return: 21, Outcome: checker.Ok})
	r, err := ByName("counter").Check(&h, checker.Options{})
	require.NoError(t, err)
	require.Equal(t, checker.UNKNOWN, r.Verdict)
	require.Contains(t, r.Reasons[0], "too many ways")

	r, err = ByName("set").Check(&checker.History{Ops: []checker.Op{{Kind: checker.Add, Outcome: checker.Unknown}}}, checker.Options{})
	require.NoError(t, err)
	require.Equal(t, checker.INCONCLUSIVE, r.Verdict)

	require.Nil(t, ByName("queue"))
	for _, c := range []struct {
		model, complaint string
		op               checker.Op
	}{
		{"set", "operation 7 is a append: want one of add, remove, get for model set", checker.Op{ID: 7, Kind: checker.Append, Outcome: checker.Ok}},
		{"append", "is a put: want one of append, get for model append", checker.Op{Kind: checker.Put, Outcome: checker.Ok}},
		{"counter", `increments by "1.5": want a whole number`, checker.Op{Kind: checker.Increment, Value: "1.5", Outcome: checker.Ok}},
		{"set", "before it was invoked", checker.Op{Kind: checker.Add, Invoke: 3, Return: 1, Outcome: checker.Ok}},
		{"set", `unknown outcome "maybe"`, checker.Op{Kind: checker.Add, Outcome: "maybe"}},
	} {
		_, err = ByName(c.model).Check(&checker.History{Ops: []checker.Op{c.op}}, checker.Options{})
		require.ErrorContains(t, err, c.complaint)
	}
}

// TestRegistersAreNotObjects: the checker of registers does not take what it does not know for well.
func TestRegistersAreNotObjects(t *testing.T) {
	t.Parallel()
	for _, o := range []checker.Op{
		{Kind: checker.Append, Key: "x", Value: "a", Return: 1, Outcome: checker.Ok},
		{Kind: checker.Get, Key: "x", Items: []string{"a"}, Return: 1, Outcome: checker.Ok},
	} {
		h := &checker.History{Ops: []checker.Op{o}}
		require.Equal(t, checker.UNKNOWN, checker.Check(h, checker.Options{}).Verdict)
		s := checker.NewStream()
		s.Feed(&h.Ops[0])
		require.Equal(t, checker.UNKNOWN, s.Finish().Verdict)
	}
}

// refState is porcupine's: the elements, and the count.
type refState struct {
	list string
	n    int64
}

// referee is the three models once more, for porcupine.
func referee(model string) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return refState{} },
		Step: func(before, input, _ any) (bool, any) {
			s, o := before.(refState), input.(checker.Op)
			has := strings.Fields(s.list)
			switch {
			case o.Kind == checker.Get && model == "counter":
				return o.Read == fmt.Sprint(s.n) || !o.Found && s.n == 0, s
			case o.Kind == checker.Get:
				saw := slices.Clone(o.Items)
				if model == "set" {
					slices.Sort(saw)
				}
				return slices.Equal(saw, has), s
			case o.Kind == checker.Increment:
				var n int64
				_, err := fmt.Sscan(o.Value, &n)
				return err == nil, refState{n: s.n + n}
			case o.Kind == checker.Append:
				return true, refState{list: s.list + " " + o.Value}
			}
			has = slices.DeleteFunc(has, func(v string) bool { return v == o.Value })
			if o.Kind == checker.Add {
				has = append(has, o.Value)
			}
			slices.Sort(has)
			return true, refState{list: strings.Join(has, " ")}
		},
	}
}

// TestAgreesWithPorcupine: random operations whose reads return what some state would be, many of them wrong. An unknown
// outcome is a write that porcupine may put at the end. What is left of a violation must be one for porcupine, too.
func TestAgreesWithPorcupine(t *testing.T) {
	t.Parallel()
	for i := range All {
		m := &All[i]
		for _, unique := range []bool{true, false} {
			r, legal := rand.New(rand.NewPCG(3, uint64(i))), 0
			const n = 6000
			for range n {
				h := random(r, m.Name, unique)
				want := porcupine.CheckOperations(referee(m.Name), events(h.Ops))
				got, err := m.Check(h, checker.Options{})
				require.NoError(t, err)
				require.Equal(t, want, got.Verdict == checker.OK || got.Verdict == checker.INCONCLUSIVE, "%s: %q\n%v", m.Name, got.Reasons, listed(h))
				require.Equal(t, !want, got.Verdict == checker.FAIL, "%s: %q\n%v", m.Name, got.Reasons, listed(h))
				if want {
					legal++
				}
			}
			t.Logf("%s: %d of %d legal", m.Name, legal, n)
			require.Greater(t, legal, n/20)
			require.Greater(t, n-legal, n/20)
		}
	}
}

func listed(h *checker.History) string {
	var b strings.Builder
	for i := range h.Ops {
		fmt.Fprintln(&b, h.Ops[i].String())
	}
	return b.String()
}

func events(ops []checker.Op) []porcupine.Operation {
	var all []porcupine.Operation
	for _, o := range ops {
		ret := int64(o.Return)
		if o.Outcome == checker.Unknown {
			ret = 1 << 40
		}
		if o.Outcome == checker.Ok || o.Outcome == checker.Unknown && o.Kind != checker.Get {
			all = append(all, porcupine.Operation{Input: o, Call: int64(o.Invoke), Return: ret})
		}
	}
	return all
}

// random plays operations on an object, of which each acts somewhere between its call and its return. Unique elements are
// written once and never removed.
func random(r *rand.Rand, model string, unique bool) *checker.History {
	step, s := referee(model).Step, any(refState{})
	past := []refState{{}}
	h := &checker.History{}
	gap := []int{3, 12}[r.IntN(2)]
	for i := range 2 + r.IntN(9) {
		at := int64(20 + gap*i)
		o := checker.Op{ID: i + 1, Client: i, Key: "x", Outcome: checker.Ok,
			Invoke: world.Time(at - r.Int64N(9)), Return: world.Time(at + r.Int64N(9))}
		write(r, &o, model, i, unique)
		if r.IntN(3) == 0 {
			o.Kind, o.Value, o.Found = checker.Get, "", true
			saw := s.(refState)
			if r.IntN(2) == 0 {
				saw = past[r.IntN(len(past))]
			}
			o.Items = strings.Fields(saw.list)
			if len(o.Items) > 0 && r.IntN(6) == 0 {
				mutate(r, &o)
			}
			if model == "counter" {
				o.Items, o.Read = nil, fmt.Sprint(saw.n)
			}
		}
		acts := true
		switch {
		case o.Kind != checker.Get && r.IntN(4) == 0:
			o.Outcome, acts = checker.Unknown, r.IntN(2) == 0
		case r.IntN(12) == 0:
			o.Outcome, acts = checker.Failed, r.IntN(9) == 0
		}
		if acts {
			_, s = step(s, o, nil)
			past = append(past, s.(refState))
		}
		h.Ops = append(h.Ops, o)
	}
	return h
}

// mutate changes what a read saw.
func mutate(r *rand.Rand, o *checker.Op) {
	switch i := r.IntN(len(o.Items)); r.IntN(3) {
	case 0:
		o.Items = append(o.Items, "v9")
	case 1:
		o.Items = slices.Delete(o.Items, i, i+1)
	default:
		o.Items[0], o.Items[i] = o.Items[i], o.Items[0]
	}
}

// write makes the i-th write.
func write(r *rand.Rand, o *checker.Op, model string, i int, unique bool) {
	element := fmt.Sprint("v", i)
	if !unique {
		element = fmt.Sprint("v", r.IntN(3))
	}
	switch model {
	case "append":
		o.Kind, o.Value = checker.Append, element
	case "set":
		o.Kind, o.Value = checker.Add, element
		if !unique && r.IntN(2) == 0 {
			o.Kind = checker.Remove
		}
	default:
		o.Kind, o.Value = checker.Increment, "1"
		if !unique {
			o.Value = fmt.Sprint(r.IntN(4) - 1)
		}
	}
}
