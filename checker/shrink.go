package checker

import (
	"cmp"
	"slices"
	"time"

	"ordeal/checker/register"
	"ordeal/world"
)

// Bounds on the effort of shrinking.
const (
	// shrinkChecksMax bounds how many candidates are judged for one key.
	shrinkChecksMax = 4000
	// shrinkTimeout bounds porcupine's judging of one candidate. One that takes longer counts as explained.
	shrinkTimeout = 500 * time.Millisecond
	// shrinkSlowMax is how many candidates may exceed the bounds of a search before shrinking stops with what it has.
	shrinkSlowMax = 4
)

// shrinker makes a set of steps that no order explains smaller while that stays so. It uses only steps that keep an
// explainable history explainable: hence what is left is evidence against the cluster, never an artefact of leaving
// something out.
type shrinker struct {
	j      *judge
	values int
	checks int
	slow   int
	// repeated says that a value is written twice: the neighbourhoods of contradictions, and whether a delete can go, are
	// not known then.
	repeated bool
	// seen counts how many of the current steps see a value.
	seen []int
}

// shrink returns what is left, sorted by call. Where the history has a flaw that can be named, that is the steps it
// rests on. Otherwise it takes many looks to find a small set, so the first are to lead to the neighbourhood of the
// contradiction.
func (s *shrinker) shrink(steps []step) []step {
	if core := s.named(steps); core != nil && s.fails(core) {
		return core
	}
	s.repeated = new(tightener).x.build(steps, s.values) != none
	cur := steps
	if !s.repeated {
		cur = s.near(cur)
	}
	cur = s.prefix(cur)
	cur = s.drop(cur)
	weak := s.drop(s.weaken(cur))
	if len(weak) < len(cur) {
		cur = weak
	}
	register.Sort(cur)
	return cur
}

// named returns the evidence of a flaw, or nil if there is none.
func (s *shrinker) named(steps []step) []step {
	var t tightener
	settled := slices.Clone(steps)
	if t.x.build(settled, s.values) != none {
		return nil
	}
	t.settle(settled)
	f := t.x.findFlaw(settled)
	if f.flaw == noFlaw {
		return nil
	}
	return t.x.evidence(steps, settled, f)
}

func (s *shrinker) spent() bool { return s.checks >= shrinkChecksMax || s.slow >= shrinkSlowMax }

// fails judges a candidate. Out of effort it says no.
func (s *shrinker) fails(steps []step) bool {
	if s.spent() {
		return false
	}
	s.checks++
	answer := s.j.key(steps, s.values)
	if answer == gaveUp || answer == tooWide {
		s.slow++
	}
	return answer == unexplained
}

// prefix cuts the history behind the first return at which it has become unexplainable. If a prefix is, so is every
// longer one, which is why halving finds it.
func (s *shrinker) prefix(steps []step) []step {
	var ends []world.Time
	for i := range steps {
		if steps[i].Ret != Never {
			ends = append(ends, steps[i].Ret)
		}
	}
	slices.Sort(ends)
	ends = slices.Compact(ends)
	first, _ := slices.BinarySearchFunc(ends, true, func(end world.Time, _ bool) int {
		s.checks++
		if s.j.key(cutAt(steps, end), s.values) == unexplained {
			return 1
		}
		return -1
	})
	if first == len(ends) {
		return slices.Clone(steps)
	}
	return cutAt(steps, ends[first])
}

// cutAt is the history as it was known at end: what was invoked later is not in it, what returned later is open.
func cutAt(steps []step, end world.Time) []step {
	var cut []step
	for _, st := range steps {
		switch {
		case st.Call > end:
			continue
		case st.Ret > end && st.Kind == register.Read:
			continue
		case st.Ret > end && st.Sure:
			st.Sure, st.Ret, st.Open = false, Never, true
		}
		cut = append(cut, st)
	}
	return cut
}

// drop leaves out as many steps as it can, in ever smaller chunks.
func (s *shrinker) drop(cur []step) []step {
	// Reads first, then writes from the last to the first: a step can go once nobody who saw its effect is left.
	slices.SortStableFunc(cur, func(a, b step) int {
		return cmp.Or(cmp.Compare(order(&a), order(&b)), cmp.Compare(b.Call, a.Call))
	})
	for size := (len(cur) + 1) / 2; size >= 1; size /= 2 {
		for again := true; again && !s.spent(); {
			again = false
			for from := 0; from < len(cur); {
				smaller := s.without(cur, from, min(from+size, len(cur)))
				if len(smaller) < len(cur) && s.fails(smaller) {
					cur, again = smaller, size == 1
					continue
				}
				from += size
			}
		}
	}
	return cur
}

func order(s *step) int {
	if s.Kind == register.Read {
		return 0
	}
	return 1
}

// without leaves out those of the steps in [from, to) that can go, one after the other.
func (s *shrinker) without(cur []step, from, to int) []step {
	rest := slices.Clone(cur)
	s.count(rest)
	for i, tried := from, from; tried < to; tried++ {
		if !s.mayGo(rest, i) {
			i++
			continue
		}
		if v := rest[i].Saw(); v != absent {
			s.seen[v]--
		}
		rest = slices.Delete(rest, i, i+1)
	}
	return rest
}

func (s *shrinker) count(steps []step) {
	s.seen = append(s.seen[:0], make([]int, s.values)...)
	for i := range steps {
		if v := steps[i].Saw(); v != absent {
			s.seen[v]++
		}
	}
}

// mayGo says whether leaving out step i keeps every order of the others that there was.
func (s *shrinker) mayGo(steps []step, i int) bool {
	st := &steps[i]
	switch {
	case st.Kind == register.Read:
		return true
	case st.Value != absent:
		// Nobody saw the value: without it the key keeps the one before for a while that nobody looks into.
		return s.seen[st.Value] == 0
	default:
		return !s.repeated && deleteMayGo(steps, i)
	}
}

// deleteMayGo says whether a delete can go: everybody who found the key absent had returned before it was invoked, or
// began after somebody had found the key present who began after it returned. A blind delete of unknown outcome can
// also go if it is the last of more of them than there are steps that found the key absent.
func deleteMayGo(steps []step, i int) bool {
	d := &steps[i]
	blind := func(s *step) bool { return s.Kind == register.Write && s.Value == absent && !s.Sure }
	ret, present, finds, blinds, last := latest(steps, d), Never, 0, 0, true
	for k := range steps {
		st := &steps[k]
		if st.Sure && (st.Saw() != absent || st.Kind != register.Read && st.Value != absent) && st.Call > ret {
			present = min(present, st.Ret)
		}
		if st.SawNothing() {
			finds++
		}
		if blind(st) {
			blinds++
			last = last && (st.Call < d.Call || st.Call == d.Call && k >= i)
		}
	}
	if ret < 0 || blind(d) && last && blinds > finds {
		return true
	}
	for k := range steps {
		st := &steps[k]
		if k != i && st.SawNothing() && st.Ret >= d.Call && (present == Never || st.Call <= present) {
			return false
		}
	}
	return true
}

// latest is by when a delete must have acted, if it did: that is its return, and for a conditional one of unknown outcome
// the return of any write that can only have come after the one of the value it expects. It is before all times if nobody
// writes that.
func latest(steps []step, d *step) world.Time {
	if d.Sure || d.Kind != register.Swap {
		return d.Ret
	}
	written, ret := world.Time(-1), Never
	for i := range steps {
		if st := &steps[i]; st.Kind != register.Read && st.Value == d.Expect {
			written = st.Ret
		}
	}
	if written < 0 {
		return -1
	}
	for i := range steps {
		if st := &steps[i]; st.Kind != register.Read && st.Sure && st.Call > written {
			ret = min(ret, st.Ret)
		}
	}
	return ret
}

// weaken forgets of conditional steps what they expected, wherever the others are unexplainable without it: what led to
// the expected value can go then.
func (s *shrinker) weaken(cur []step) []step {
	cur = slices.Clone(cur)
	for i := range cur {
		if cur[i].Kind != register.Swap {
			continue
		}
		strong := cur[i]
		cur[i].Forget()
		if !s.fails(cur) {
			cur[i] = strong
		}
	}
	return cur
}
