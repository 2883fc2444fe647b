package checker

import (
	"cmp"
	"slices"

	"ordeal/checker/linear"
	"ordeal/checker/register"
	"ordeal/world"
)

// shrinkWholeMax is how many steps are shrunk without looking for the neighbourhood of the contradiction first.
const shrinkWholeMax = 200

// near leaves of a long history, sorted by call, the neighbourhood of a contradiction and what that rests on. It looks
// at ever wider neighbourhoods, which costs no more than some looks at the whole history.
func (s *shrinker) near(steps []step) []step {
	if len(steps) <= shrinkWholeMax {
		return steps
	}
	steps = slices.Clone(steps)
	register.Sort(steps)
	begin, end := steps[0].Call, steps[len(steps)-1].Call
	at := end
	if answer, _ := s.j.linear.Check(steps, s.values); answer == linear.Unexplained {
		at = s.j.linear.Where()
	} else {
		steps = s.prefix(steps)
		at = lastReturn(steps)
	}
	// So wide that some dozen steps begin in it, if they are spread evenly.
	for width := max(1, (end-begin)/world.Time(len(steps))*16); width > 0 && width <= 2*(end-begin); width *= 2 {
		if around := s.around(steps, at-width, at+width); len(around) < len(steps) && s.fails(around) {
			return around
		}
	}
	return steps
}

func lastReturn(steps []step) world.Time {
	var last world.Time
	for i := range steps {
		if steps[i].Sure {
			last = max(last, steps[i].Ret)
		}
	}
	return last
}

// around cuts the history at the end and leaves out, of what was over at the beginning, all that can go by the rules of
// mayGo, but all at once: reads; what conditional steps expected; writes whose value nobody saw who is left; deletes.
// The steps must be sorted by call.
func (s *shrinker) around(steps []step, begin, end world.Time) []step {
	over := func(st *step) bool { return st.Call < begin && (st.Ret < begin || !st.Sure) }
	cut := cutAt(steps, end)
	left := cut[:0]
	for _, st := range cut {
		if over(&st) && st.Kind == register.Read {
			continue
		}
		if over(&st) && st.Kind == register.Swap {
			st.Forget()
		}
		left = append(left, st)
	}
	s.count(left)
	left = slices.DeleteFunc(left, func(st step) bool {
		return over(&st) && st.Value != absent && s.seen[st.Value] == 0
	})
	present, finds := presences(left), absences(left)
	blind := 0
	return slices.DeleteFunc(left, func(st step) bool {
		if st.Kind == register.Read || st.Value != absent || !over(&st) {
			return false
		}
		if !st.Sure { // all over are blind by now, and the earliest come first
			blind++
			return blind > len(finds)
		}
		return !finds.needs(st.Call, present.after(st.Ret))
	})
}

// bound is the best time of those in a list up to here, or from here on.
type bound struct{ call, best world.Time }

type (
	// presence has the calls of steps that certainly left or found a value, with the least return from there on.
	presence []bound
	// absence has the calls of steps that found the key absent, with the greatest return up to there.
	absence []bound
)

// presences leaves conditional deletes aside, since they may go.
func presences(steps []step) presence {
	var p presence
	least := Never
	for i := len(steps) - 1; i >= 0; i-- {
		if st := &steps[i]; st.Sure && st.Value != absent {
			least = min(least, st.Ret)
			p = append(p, bound{st.Call, least})
		}
	}
	slices.Reverse(p)
	return p
}

func absences(steps []step) absence {
	var a absence
	greatest := world.Time(0)
	for i := range steps {
		if st := &steps[i]; st.SawNothing() {
			greatest = max(greatest, st.Ret)
			a = append(a, bound{st.Call, greatest})
		}
	}
	return a
}

// after is the least return of those that were invoked after t, or Never.
func (p presence) after(t world.Time) world.Time {
	n, found := slices.BinarySearchFunc(p, t, byBound)
	for found && n < len(p) && p[n].call == t {
		n++
	}
	if n == len(p) {
		return Never
	}
	return p[n].best
}

// needs says whether somebody who returned at call or later, and was invoked at present or earlier, found the key
// absent.
func (a absence) needs(call, present world.Time) bool {
	n, found := slices.BinarySearchFunc(a, present, byBound)
	for found && n < len(a) && a[n].call == present {
		n++
	}
	return n > 0 && a[n-1].best >= call
}

func byBound(b bound, t world.Time) int { return cmp.Compare(b.call, t) }
