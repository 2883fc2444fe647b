// Package register is what one key is to the checkers: a register that holds a value or nothing, and what operations
// did to it. It has the sequential specification (Step.Act), and decides whether an order of operations is an
// explanation of them (Verify), which everybody who claims to have found one has to pass.
package register

import (
	"cmp"
	"slices"

	"ordeal/world"
)

// A Value is a number here: an interned value of one key.
type Value = uint32

const (
	// Absent is the state of a key that holds nothing, as every key does at the start.
	Absent Value = 0
	// Anything, as what a read must differ from, excludes nothing.
	Anything Value = ^Value(0)
)

// Never is the return of a step that is still open.
const Never = world.Time(1<<63 - 1)

// Kind says what a step does.
type Kind uint8

// The kinds of steps.
const (
	// Read saw Value. A conditional operation that did not swap is one as well; it expected something else.
	Read Kind = iota + 1
	// Write set the key to Value; a delete is a write of Absent.
	Write
	// Swap set the key to Value if it held Expect. A conditional delete sets it to Absent.
	Swap
)

// Step is what one operation did to one key.
type Step struct {
	// Call and Ret bound the instant at which it acted; both ends belong to it.
	Call, Ret world.Time
	// Op is the operation's place in the history.
	Op            int32
	Value, Expect Value
	Kind          Kind
	// Sure says that it certainly acted. A step that is not sure has Ret Never: an order puts it last to say that it
	// never did, or acted where nobody saw it.
	Sure bool
	// Open and Weak mark what shrinking did to it, for the notes in the report.
	Open, Weak bool
}

// Act is the sequential specification: what the step makes of state, or false if it cannot have acted on it.
func (s *Step) Act(state Value) (ok bool, next Value) {
	switch s.Kind {
	case Read:
		return s.Value == state && s.Expect != state, state
	case Write:
		return true, s.Value
	default:
		if s.Expect == state {
			return true, s.Value
		}
		return !s.Sure, state
	}
}

// Saw is the value that the step, if it acted, saw: Absent for one that sees nothing, or sees that nothing is there.
func (s *Step) Saw() Value {
	switch s.Kind {
	case Read:
		return s.Value
	case Swap:
		return s.Expect
	default:
		return Absent
	}
}

// SawNothing says whether the step, if it acted, found the key absent.
func (s *Step) SawNothing() bool {
	return s.Kind == Read && s.Value == Absent || s.Kind == Swap && s.Expect == Absent
}

// Forget makes a conditional write of a step an unconditional one.
func (s *Step) Forget() {
	s.Kind, s.Expect, s.Weak = Write, Anything, true
}

// Sorted says whether steps are sorted by call.
func Sorted(steps []Step) bool {
	for i := 1; i < len(steps); i++ {
		if steps[i].Call < steps[i-1].Call {
			return false
		}
	}
	return true
}

// Sort sorts steps by call, then by return.
func Sort(steps []Step) {
	byCall := func(a, b Step) int {
		return cmp.Or(cmp.Compare(a.Call, b.Call), cmp.Compare(a.Ret, b.Ret), cmp.Compare(a.Op, b.Op))
	}
	if !slices.IsSortedFunc(steps, byCall) {
		slices.SortFunc(steps, byCall)
	}
}
