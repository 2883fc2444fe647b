package checker

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"ordeal/world"
)

// shape says what random histories look like.
type shape struct {
	ops, clients, keys int
	// span is the time they take; small ones make ties.
	span int
	// unknown is the share of writes whose outcome is unknown.
	unknown float64
	scans   bool
	// live is how many of the keys are in use at a time, from the first to the last; 0 is all of them.
	live int
}

// randomHistory plays operations on real registers: each acts at one instant between its invocation and its return, or
// late, or never if its outcome is unknown. So the history is linearizable by construction.
func randomHistory(r *rand.Rand, s shape) *History {
	type event struct {
		at world.Time
		op *Op
	}
	var events []event
	h := &History{Ops: make([]Op, s.ops)}
	free := make([]int, s.clients)
	for i := range h.Ops {
		o := &h.Ops[i]
		o.Client = r.IntN(s.clients)
		o.Invoke = world.Time(free[o.Client] + r.IntN(s.span))
		o.Return = o.Invoke + world.Time(r.IntN(s.span))
		free[o.Client] = int(o.Return) + 1
		o.Kind, o.Outcome = randomKind(r, s), Ok
		o.Key = key(r.IntN(s.keys))
		if s.live > 0 && s.live < s.keys {
			o.Key = key(i*(s.keys-s.live)/s.ops + r.IntN(s.live))
		}
		o.Value = fmt.Sprint("v", i+1)
		act := o.Invoke + world.Time(r.Int64N(int64(o.Return-o.Invoke)+1))
		if o.Kind.writes() && r.Float64() < s.unknown {
			o.Outcome = Unknown
			switch r.IntN(3) {
			case 0:
				act = Never
			case 1:
				act = o.Invoke + world.Time(r.IntN(3*s.span))
			}
		}
		if act != Never {
			events = append(events, event{act, o})
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	state, past := map[string]string{}, []string{}
	for _, e := range events {
		play(r, e.op, state, &past, s.keys)
	}
	sortHistory(h)
	return h
}

func key(n int) string { return fmt.Sprintf("k%03d", n) }

func sortHistory(h *History) {
	slices.SortStableFunc(h.Ops, func(a, b Op) int { return cmp.Compare(a.Invoke, b.Invoke) })
	for i := range h.Ops {
		h.Ops[i].ID = i + 1
	}
}

func randomKind(r *rand.Rand, s shape) OpKind {
	kinds := []OpKind{Get, Get, Get, Put, Put, Delete, CAS, CAS, CAD}
	if s.scans {
		kinds = append(kinds, Scan, Scan)
	}
	return kinds[r.IntN(len(kinds))]
}

// play lets an operation act on the registers and fills in what it answers.
func play(r *rand.Rand, o *Op, state map[string]string, past *[]string, keys int) {
	cur, found := state[o.Key]
	if o.Kind == CAS || o.Kind == CAD {
		switch {
		case found && r.IntN(3) > 0:
			o.Expect = &cur
		case len(*past) > 0 && r.IntN(2) == 0:
			o.Expect = &(*past)[r.IntN(len(*past))]
		}
		match := found == (o.Expect != nil) && (!found || cur == *o.Expect)
		if !match {
			o.Found, o.Read = found, cur
			return
		}
		o.Swapped = o.Outcome == Ok
	}
	switch o.Kind {
	case Get:
		o.Found, o.Read = found, cur
	case Scan:
		o.Start, o.End = "k", "l"
		o.Limit = r.IntN(3)
		for k := range keys {
			if v, ok := state[key(k)]; ok && (o.Limit == 0 || len(o.Pairs) < o.Limit) {
				o.Pairs = append(o.Pairs, KV{key(k), v})
			}
		}
		o.Key = ""
	case Put, CAS:
		state[o.Key] = o.Value
		*past = append(*past, o.Value)
	case Delete, CAD:
		delete(state, o.Key)
	}
}

// mutate changes an operation at random. Written values stay unique.
func mutate(r *rand.Rand, h *History) {
	o := &h.Ops[r.IntN(len(h.Ops))]
	other := fmt.Sprint("v", r.IntN(len(h.Ops))+1)
	switch r.IntN(7) {
	case 0, 1:
		o.Found, o.Read = r.IntN(4) > 0, other
		if len(o.Pairs) > 0 {
			o.Pairs = slices.Clone(o.Pairs)
			o.Pairs[0].Value = other
		}
	case 2:
		o.Swapped = !o.Swapped && o.Outcome == Ok
	case 3:
		o.Return = o.Invoke + (o.Return-o.Invoke)/2
	case 4:
		length := o.Return - o.Invoke
		o.Invoke = max(0, o.Invoke-world.Time(r.IntN(20)))
		o.Return = o.Invoke + length
	case 5:
		o.Outcome = []Outcome{Ok, Ok, Failed, Unknown}[r.IntN(4)]
	case 6:
		if o.Kind == CAS || o.Kind == CAD {
			o.Expect = &other
			if r.IntN(3) == 0 {
				o.Expect = nil
			}
		}
	}
	sortHistory(h)
}

// told prints a history for failures.
func told(h *History) string {
	s := ""
	for i := range h.Ops {
		s += "\n" + h.Ops[i].String()
	}
	return s
}
