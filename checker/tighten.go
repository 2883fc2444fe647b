package checker

import (
	"cmp"
	"slices"

	"ordeal/checker/register"
	"ordeal/world"
)

// tightener rewrites the steps of one key to fewer and shorter ones without changing whether an order explains them.
// It counts on unique values: a value is written by one step, so that the time during which the key held it is one
// stretch, which begins with that step. Its slices are scratch, kept from key to key.
type tightener struct {
	x      index
	queue  []value
	needed []bool
	keep   []bool
	nils   []int32
	last   []int32
}

// settle decides which writes of unknown outcome certainly acted: those whose value was seen, by a step that certainly
// acted. Such a write acted before the first sighting returned, and so did a write that was seen by nobody in doubt: in
// both cases ret comes down to that time. Where that is before the write was invoked, findFlaw finds the one who saw it.
// The index must be fresh.
func (t *tightener) settle(steps []step) {
	x := &t.x
	t.queue = t.queue[:0]
	for v := range x.writer {
		if x.seenBy[v] != none {
			t.queue = append(t.queue, value(v))
		}
	}
	// A swap that acted saw what it expected, so that sureness and times travel backwards from value to value. Times
	// only fall, and to one of finitely many, which is why this ends even where the swaps form a circle.
	for len(t.queue) > 0 {
		v := t.queue[len(t.queue)-1]
		t.queue = t.queue[:len(t.queue)-1]
		w := x.writer[v]
		if w == none {
			continue
		}
		st := &steps[w]
		if st.Sure && st.Ret <= x.seenRet[v] {
			continue
		}
		st.Sure = true
		st.Ret = min(st.Ret, x.seenRet[v])
		if e := st.Saw(); e != absent {
			x.saw(e, w, st.Ret)
			t.queue = append(t.queue, e)
		}
	}
}

// reduce leaves out steps that change nothing: whatever order explains the others has room for them. It must follow
// settle and findFlaw; the steps are used up. What it returns is sorted by call.
func (t *tightener) reduce(steps []step) []step {
	t.keep = append(t.keep[:0], make([]bool, len(steps))...)
	for i := range t.keep {
		t.keep[i] = true
	}
	t.dropReads(steps)
	t.dropAbsentReads(steps)
	t.dropIdleCADs(steps)
	t.dropUnsureWrites(steps)
	t.dropUnsureDeletes(steps)
	t.dropUnsureWrites(steps)
	n := 0
	for i := range steps {
		if t.keep[i] {
			steps[n] = steps[i]
			n++
		}
	}
	steps = steps[:n]
	register.Sort(steps)
	return steps
}

// dropReads keeps of all reads of one value the one invoked last, and not even that where the value was replaced by
// a step invoked no earlier.
//
// Why that changes nothing: the key holds the value from its write, at w, to the last sighting, at z, without a break.
// A read that was left out was invoked no later than the last sighting was, hence before z, and it returned no earlier
// than settle lets the write end, hence after w. So z lies in its interval, or its return lies between w and z.
func (t *tightener) dropReads(steps []step) {
	t.last = append(t.last[:0], t.x.consumer...)
	for i := range steps {
		st := &steps[i]
		if st.Kind != register.Read || st.Value == absent {
			continue
		}
		other := t.last[st.Value]
		if other != none && steps[other].Call >= st.Call {
			t.keep[i] = false
			continue
		}
		if other != none && steps[other].Kind == register.Read {
			t.keep[other] = false
		}
		t.last[st.Value] = int32(i)
	}
}

// dropAbsentReads leaves out reads of absent that have a place anyway: those invoked before the first write was, when
// the key is as it was at the start, and those during which another one began and ended.
func (t *tightener) dropAbsentReads(steps []step) {
	first := Never
	t.nils = t.nils[:0]
	for i := range steps {
		if st := &steps[i]; st.Kind != register.Read {
			first = min(first, st.Call)
		} else if st.Value == absent {
			t.nils = append(t.nils, int32(i))
		}
	}
	slices.SortFunc(t.nils, func(a, b int32) int {
		return cmp.Or(cmp.Compare(steps[a].Ret, steps[b].Ret), cmp.Compare(steps[b].Call, steps[a].Call))
	})
	latest := int32(none) // of those kept, the one invoked last
	for _, i := range t.nils {
		st := &steps[i]
		if st.Call <= first || latest != none && steps[latest].Call >= st.Call {
			t.keep[i] = false
			continue
		}
		latest = i
	}
}

// dropIdleCADs leaves out conditional deletes of unknown outcome that cannot have acted: nobody wrote what they expect,
// or somebody else replaced it, or one that expects the same was invoked earlier and can stand in for all of them.
func (t *tightener) dropIdleCADs(steps []step) {
	t.last = append(t.last[:0], t.x.consumer...)
	for i := range steps {
		st := &steps[i]
		if st.Sure || st.Kind != register.Swap || st.Value != absent {
			continue
		}
		other := t.last[st.Expect]
		switch {
		case t.x.writer[st.Expect] == none:
			t.keep[i] = false
		case other == none:
			t.last[st.Expect] = int32(i)
		case steps[other].Sure || steps[other].Call <= st.Call:
			t.keep[i] = false
		default:
			t.keep[other] = false
			t.last[st.Expect] = int32(i)
		}
	}
}

// dropUnsureWrites leaves out writes that may or may not have acted and whose value nobody saw: an order can have them
// last. It keeps those whose value a conditional delete of unknown outcome expects, directly or by way of swaps that
// are kept: write and delete together may have made the key absent, and that can be seen.
func (t *tightener) dropUnsureWrites(steps []step) {
	needed := append(t.needed[:0], make([]bool, len(t.x.writer))...)
	t.needed = needed
	t.queue = t.queue[:0]
	for i := range steps {
		if st := &steps[i]; t.keep[i] && !st.Sure && st.Kind == register.Swap && st.Value == absent {
			t.queue = append(t.queue, st.Expect)
		}
	}
	for len(t.queue) > 0 {
		v := t.queue[len(t.queue)-1]
		t.queue = t.queue[:len(t.queue)-1]
		if v == absent || needed[v] {
			continue
		}
		needed[v] = true
		if w := t.x.writer[v]; w != none && !steps[w].Sure {
			t.queue = append(t.queue, steps[w].Saw())
		}
	}
	for i := range steps {
		if st := &steps[i]; !st.Sure && st.Value != absent && !needed[st.Value] {
			t.keep[i] = false
		}
	}
}

// dropUnsureDeletes leaves out deletes of unknown outcome whose effect nobody can have seen: those invoked after the
// last step that found the key absent had returned, and of the blind ones all but the earliest, one for each step that
// found the key absent: none of these needs two.
func (t *tightener) dropUnsureDeletes(steps []step) {
	finds, until := 0, world.Time(0)
	for i := range steps {
		if st := &steps[i]; t.keep[i] && st.SawNothing() {
			finds++
			until = max(until, st.Ret)
		}
	}
	t.nils = t.nils[:0]
	for i := range steps {
		st := &steps[i]
		if !t.keep[i] || st.Sure || st.Value != absent {
			continue
		}
		if finds == 0 || st.Call > until {
			t.keep[i] = false
		} else if st.Kind == register.Write {
			t.nils = append(t.nils, int32(i))
		}
	}
	slices.SortFunc(t.nils, func(a, b int32) int {
		return cmp.Or(cmp.Compare(steps[a].Call, steps[b].Call), cmp.Compare(a, b))
	})
	for _, i := range t.nils[min(finds, len(t.nils)):] {
		t.keep[i] = false
	}
}
