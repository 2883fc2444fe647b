package checker

import (
	"cmp"
	"slices"

	"ordeal/checker/register"
	"ordeal/world"
)

// flaw is something that no order of a key's operations could explain, found without searching for one.
type flaw uint8

const (
	noFlaw flaw = iota
	// flawNoWriter: a value was seen that nobody wrote.
	flawNoWriter
	// flawEarly: a value was seen before its write was invoked.
	flawEarly
	// flawTwice: a value was replaced twice by operations that expected it.
	flawTwice
	// flawRefused: a conditional operation did not swap, though it saw what it expected.
	flawRefused
	// flawInside: while the key must have held one value, an operation saw or wrote another.
	flawInside
	// flawOverlap: the key must have held two values at once.
	flawOverlap
)

// finding is a flaw and the two steps it is about; cause is none where there is only one.
//
//	flawNoWriter  witness saw the value
//	flawEarly     cause wrote the value, witness saw it
//	flawTwice     cause and witness replaced the value
//	flawRefused   witness did not swap
//	flawInside    cause acted inside the zone of the value that witness, which was invoked last, saw
//	flawOverlap   cause and witness were invoked last of those that saw the two values
type finding struct {
	flaw           flaw
	cause, witness int
}

// none is no place in a list of steps.
const none = -1

// index says who wrote, saw and replaced each value of a key. A value is a place in each of its slices.
type index struct {
	// writer is the step that wrote a value, or none.
	writer []int32
	// seenRet is the least return of those that saw a value for sure, Never if nobody did.
	seenRet []world.Time
	// seenBy is the step that returned at seenRet, or none.
	seenBy []int32
	// consumer is a sure step that replaced a value it expected, or none.
	consumer []int32
	// last is the sure step invoked last of those that saw a value, or none.
	last  []int32
	zones []zone
}

// zone is a stretch of time throughout which the key must have held a value: from the first return of those that wrote
// or saw it to the last invocation of those that saw it. Values are unique, so the key held it without a break.
type zone struct {
	from, to world.Time
	v        value
}

func (x *index) reset(values int) {
	grow := func(s []int32) []int32 {
		s = append(s[:0], make([]int32, values)...)
		for i := range s {
			s[i] = none
		}
		return s
	}
	x.writer, x.seenBy = grow(x.writer), grow(x.seenBy)
	x.consumer, x.last = grow(x.consumer), grow(x.last)
	x.seenRet = append(x.seenRet[:0], make([]world.Time, values)...)
	for i := range x.seenRet {
		x.seenRet[i] = Never
	}
}

// saw records that step i, which returned at ret, saw v.
func (x *index) saw(v value, i int32, ret world.Time) {
	if x.seenBy[v] == none || ret < x.seenRet[v] {
		x.seenBy[v], x.seenRet[v] = i, ret
	}
}

// build fills the index from steps. It returns the second step that writes the same value, or none.
func (x *index) build(steps []step, values int) (duplicate int) {
	x.reset(values)
	for i := range steps {
		if st := &steps[i]; st.Kind != register.Read && st.Value != absent {
			if x.writer[st.Value] != none {
				return i
			}
			x.writer[st.Value] = int32(i)
		}
	}
	for i := range steps {
		if st := &steps[i]; st.Sure {
			if v := st.Saw(); v != absent {
				x.saw(v, int32(i), st.Ret)
			}
		}
	}
	return none
}

// findFlaw looks for what no order could explain, after settle has said which steps are sure.
func (x *index) findFlaw(steps []step) finding {
	for i := range steps {
		st := &steps[i]
		if !st.Sure {
			continue
		}
		if st.Kind == register.Read && st.Value == st.Expect {
			return finding{flawRefused, none, i}
		}
		v := st.Saw()
		if v == absent {
			continue
		}
		w := int(x.writer[v])
		if w == none {
			return finding{flawNoWriter, none, i}
		}
		if st.Ret < steps[w].Call {
			return finding{flawEarly, w, i}
		}
		if st.Kind == register.Swap {
			if first := x.consumer[v]; first != none {
				return finding{flawTwice, int(first), i}
			}
			x.consumer[v] = int32(i)
		}
		if l := x.last[v]; l == none || steps[l].Call < st.Call {
			x.last[v] = int32(i)
		}
	}
	return x.findZoneFlaw(steps)
}

// findZoneFlaw looks for two zones that overlap, and for a step that lies within the zone of a value other than the
// one that it leaves the key with. Most of what clusters do wrong shows here, long before a search would have tried all orders.
func (x *index) findZoneFlaw(steps []step) finding {
	x.zones = x.zones[:0]
	for v, w := range x.writer {
		if l := x.last[v]; l != none && steps[w].Ret < steps[l].Call {
			x.zones = append(x.zones, zone{steps[w].Ret, steps[l].Call, value(v)})
		}
	}
	slices.SortFunc(x.zones, func(a, b zone) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.v, b.v)) })
	for i := range steps {
		st := &steps[i]
		if !st.Sure {
			continue
		}
		// The zones that begin before the step: if they do not overlap, only the last of them can hold it.
		n, _ := slices.BinarySearchFunc(x.zones, st.Call, func(z zone, t world.Time) int { return cmp.Compare(z.from, t) })
		if n == 0 {
			continue
		}
		z := x.zones[n-1]
		if st.Ret < z.to && z.v != st.Value {
			return finding{flawInside, i, int(x.last[z.v])}
		}
	}
	for i := 1; i < len(x.zones); i++ {
		if a, b := x.zones[i-1], x.zones[i]; b.from < a.to && a.from < b.to {
			return finding{flawOverlap, int(x.last[a.v]), int(x.last[b.v])}
		}
	}
	return finding{flaw: noFlaw}
}

// firstSight is the step whose return begins the zone of a value: the write, or one that saw it earlier.
func (x *index) firstSight(steps []step, v value) int {
	if by := x.seenBy[v]; by != none && x.seenRet[v] <= steps[x.writer[v]].Ret {
		return int(by)
	}
	return int(x.writer[v])
}

// evidence picks the steps that a finding rests on, from the steps as they were recorded; settled are the same ones
// after settle. Of a swap that is there for what it wrote it keeps only that: what it expected was explained by steps
// that are left out. The finding holds for these steps whatever the others were, since values are unique.
func (x *index) evidence(recorded, settled []step, f finding) []step {
	var picked, strong []int
	var pick func(i int, sighting bool)
	pick = func(i int, sighting bool) {
		if (sighting || settled[i].Kind == register.Read) && !slices.Contains(strong, i) {
			strong = append(strong, i)
			if w := x.writer[settled[i].Saw()]; w != none { // absent has no writer
				pick(int(w), false)
			}
		}
		if slices.Contains(picked, i) {
			return
		}
		picked = append(picked, i)
		if !recorded[i].Sure { // that it acted is known from those who saw what it wrote
			pick(int(x.seenBy[recorded[i].Value]), true)
		}
	}
	first := func(of int) {
		v := settled[of].Saw()
		i := x.firstSight(settled, v)
		pick(i, i != int(x.writer[v]))
	}
	pick(f.witness, true)
	switch f.flaw {
	case flawTwice:
		pick(f.cause, true)
	case flawInside:
		first(f.witness)
		pick(f.cause, false)
	case flawOverlap:
		pick(f.cause, true)
		first(f.witness)
		first(f.cause)
	}
	var core []step
	for _, i := range picked {
		st := recorded[i]
		if st.Kind == register.Swap && !slices.Contains(strong, i) {
			st.Forget()
		}
		core = append(core, st)
	}
	register.Sort(core)
	return core
}
