package checker

import (
	"math"
	"time"

	"github.com/anishathalye/porcupine"

	"ordeal/checker/register"
	"ordeal/world"
)

// segmentStepsMax bounds what porcupine is given at once: its memory grows with the square of the steps (10,000 that
// overlap ten at a time take 0.8 GB). A key that exceeds it is UNKNOWN.
const segmentStepsMax = 10_000

// judgement is the answer for one key.
type judgement uint8

const (
	explained judgement = iota + 1
	unexplained
	// gaveUp: the search ran out of time.
	gaveUp
	// tooLarge: a segment exceeds segmentStepsMax.
	tooLarge
	// ambiguous: a value was written twice, and no violation was found without trusting that it names its writer.
	ambiguous
)

// judge decides for one key at a time. It keeps scratch memory, so that many keys cost no more allocations than one.
type judge struct {
	t     tightener
	work  []step
	ops   []porcupine.Operation
	boxes []any
	model porcupine.Model
	// searches counts calls of porcupine.
	searches int
}

// box prepares the model for keys of so many values. porcupine keeps states in interfaces: boxed once, they cost no
// allocation each. The model captures the boxes themselves, since a search that was given up may linger for an instant.
func (j *judge) box(values int) {
	if len(j.boxes) >= values {
		return
	}
	boxes := make([]any, 2*values)
	for i := range boxes {
		boxes[i] = value(i)
	}
	j.boxes = boxes
	j.model = porcupine.Model{
		Step: func(state, input, _ any) (bool, any) {
			ok, next := input.(*step).Act(state.(value))
			if !ok {
				return false, state
			}
			return true, boxes[next]
		},
		Equal: func(a, b any) bool { return a.(value) == b.(value) },
		Hash:  func(state any) uint64 { return (uint64(state.(value)) + 1) * 0x9e3779b97f4a7c15 },
	}
}

// key judges the steps of one key, which it leaves as they are, with timeout for each search.
func (j *judge) key(steps []step, values int, timeout time.Duration) judgement {
	j.box(values)
	j.work = append(j.work[:0], steps...)
	if dup := j.t.x.build(j.work, values); dup != none {
		register.Sort(j.work)
		if j.segments(j.work, timeout) == unexplained {
			return unexplained
		}
		return ambiguous
	}
	j.t.settle(j.work)
	if j.t.x.findFlaw(j.work).flaw != noFlaw {
		return unexplained
	}
	return j.segments(j.t.reduce(j.work), timeout)
}

// segments judges steps sorted by call. A step that ran alone, in that every other step had returned before it was
// invoked or was invoked after it returned, fixes the state of the key at that time, whatever happened before. So what
// follows is judged by itself, from that state on; and a step that follows such a step and runs alone is judged by one
// look, which is all there is to a key whose operations never overlap.
func (j *judge) segments(steps []step, timeout time.Duration) judgement {
	state, from, busyUntil := absent, 0, world.Time(math.MinInt64)
	for i := range steps {
		st := &steps[i]
		alone := busyUntil < st.Call && (i+1 == len(steps) || st.Ret < steps[i+1].Call)
		busyUntil = max(busyUntil, st.Ret)
		if !alone && i+1 < len(steps) {
			continue
		}
		if answer := j.segment(state, steps[from:i+1], timeout); answer != explained {
			return answer
		}
		state, from = st.Value, i+1
	}
	return explained
}

// segment judges steps that begin with the key in a known state.
func (j *judge) segment(state value, steps []step, timeout time.Duration) judgement {
	if len(steps) == 1 {
		if ok, _ := steps[0].Act(state); ok {
			return explained
		}
		return unexplained
	}
	if len(steps) > segmentStepsMax {
		return tooLarge
	}
	j.searches++
	j.ops = j.ops[:0]
	for i := range steps {
		j.ops = append(j.ops, porcupine.Operation{Input: &steps[i], Call: int64(steps[i].Call), Return: int64(steps[i].Ret)})
	}
	model := j.model
	model.Init = func() any { return j.boxes[state] }
	switch porcupine.CheckOperationsTimeout(model, j.ops, timeout) {
	case porcupine.Ok:
		return explained
	case porcupine.Illegal:
		return unexplained
	default:
		j.work, j.ops = nil, nil // the search given up may still look at them
		return gaveUp
	}
}
