package checker

import "ordeal/world"

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
)

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
}

func (x *index) reset(values int) {
	grow := func(s []int32) []int32 {
		s = append(s[:0], make([]int32, values)...)
		for i := range s {
			s[i] = none
		}
		return s
	}
	x.writer, x.seenBy, x.consumer = grow(x.writer), grow(x.seenBy), grow(x.consumer)
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
		if st := &steps[i]; st.kind != stepRead && st.value != absent {
			if x.writer[st.value] != none {
				return i
			}
			x.writer[st.value] = int32(i)
		}
	}
	for i := range steps {
		if st := &steps[i]; st.sure {
			if v := st.saw(); v != absent {
				x.saw(v, int32(i), st.ret)
			}
		}
	}
	return none
}

// saw is the value that the step, if it acted, saw: absent for one that sees nothing, or sees that nothing is there.
func (s *step) saw() value {
	switch s.kind {
	case stepRead:
		return s.value
	case stepSwap:
		return s.expect
	default:
		return absent
	}
}

// sawNothing says whether the step, if it acted, found the key absent.
func (s *step) sawNothing() bool {
	return s.kind == stepRead && s.value == absent || s.kind == stepSwap && s.expect == absent
}

// findFlaw looks for what no order could explain, after settle has said which steps are sure. It returns the steps
// that the flaw is about, where there are two the earlier cause first, else none in its place.
func (x *index) findFlaw(steps []step) (f flaw, cause, witness int) {
	for i := range steps {
		st := &steps[i]
		if !st.sure {
			continue
		}
		if st.kind == stepRead && st.value == st.expect {
			return flawRefused, none, i
		}
		v := st.saw()
		if v == absent {
			continue
		}
		w := int(x.writer[v])
		if w == none {
			return flawNoWriter, none, i
		}
		if st.ret < steps[w].call {
			return flawEarly, w, i
		}
		if st.kind == stepSwap {
			if first := x.consumer[v]; first != none {
				return flawTwice, int(first), i
			}
			x.consumer[v] = int32(i)
		}
	}
	return noFlaw, none, none
}
