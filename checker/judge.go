package checker

import (
	"errors"
	"math"
	"time"

	"github.com/anishathalye/porcupine"

	"ordeal/checker/frontier"
	"ordeal/checker/linear"
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
	// tooWide: the frontier exceeded its limits.
	tooWide
	// undecided: package linear could not say, and nothing else was to be asked.
	undecided
	// ambiguous: a value was written twice, and no violation was found without trusting that it names its writer.
	ambiguous
)

// judge decides for one key at a time. It keeps scratch memory, so that many keys cost no more allocations than one.
type judge struct {
	engine Engine
	// timeout bounds each search of porcupine.
	timeout time.Duration
	// repeats says that a value written twice is no mistake.
	repeats bool

	linear linear.Checker
	t      tightener
	work   []step
	spans  []frontier.Span
	ops    []porcupine.Operation
	boxes  []any
	model  porcupine.Model
	// searches counts the keys for which it took a search.
	searches int
	// bugs are what shows that a checker is wrong.
	bugs []error
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

// key judges the steps of one key, which it leaves as they are.
func (j *judge) key(steps []step, values int) judgement {
	if j.engine == Porcupine || j.engine == Frontier {
		return j.rewritten(steps, values)
	}
	sorted := steps
	if !register.Sorted(steps) {
		j.work = append(j.work[:0], steps...)
		register.Sort(j.work)
		sorted = j.work
	}
	answer, err := j.linear.Check(sorted, values)
	switch {
	case answer == linear.Explained:
		return explained
	case answer == linear.Unexplained:
		return unexplained
	case !errors.Is(err, linear.ErrValueTwice) && !errors.Is(err, linear.ErrLooseDelete):
		j.bugs = append(j.bugs, err)
	}
	if j.engine == Fast {
		return undecided
	}
	return j.rewritten(steps, values)
}

// rewritten judges steps by a search, after it has left out of a copy what says nothing.
func (j *judge) rewritten(steps []step, values int) judgement {
	j.searches++
	j.work = append(j.work[:0], steps...)
	register.Sort(j.work)
	search := j.frontier
	if j.engine == Porcupine {
		j.box(values)
		search = j.segments
	}
	if dup := j.t.x.build(j.work, values); dup != none {
		answer := search(j.work, false)
		if answer == tooWide && j.repeats && j.engine == Auto {
			// Writes of unknown outcome can't be settled here, and porcupine, which goes for one order only, may have luck.
			j.box(values)
			answer = j.segments(j.work, false)
		}
		if answer == unexplained || j.repeats {
			return answer
		}
		return ambiguous
	}
	j.t.settle(j.work)
	if j.t.x.findFlaw(j.work).flaw != noFlaw {
		return unexplained
	}
	return search(j.t.reduce(j.work), true)
}

// frontier judges steps of which each value is written once, if unique.
func (j *judge) frontier(steps []step, unique bool) judgement {
	j.spans = j.spans[:0]
	for i := range steps {
		st := &steps[i]
		span := frontier.Span{Call: st.Call, Ret: st.Ret}
		switch {
		case st.Kind == register.Read:
			span.Mode = frontier.Reader
		case st.Sure:
		case st.Kind == register.Write && st.Value == absent:
			span.Mode = frontier.Alike
		case st.Kind == register.Swap && st.Value == absent && unique:
			span.Mode = frontier.Once // what it expects is not written again
		default:
			span.Mode = frontier.Optional
		}
		j.spans = append(j.spans, span)
	}
	model := func(state uint64, op int32) (uint64, bool) {
		ok, next := steps[op].Act(value(state))
		return uint64(next), ok
	}
	switch frontier.Check(j.spans, model, uint64(absent), frontier.Usual) {
	case frontier.Explained:
		return explained
	case frontier.Unexplained:
		return unexplained
	default:
		return tooWide
	}
}

// segments judges steps sorted by call. A step that ran alone, in that every other step had returned before it was
// invoked or was invoked after it returned, fixes the state of the key at that time, whatever happened before. So what
// follows is judged by itself, from that state on; and a step that follows such a step and runs alone is judged by one
// look, which is all there is to a key whose operations never overlap.
func (j *judge) segments(steps []step, _ bool) judgement {
	state, from, busyUntil := absent, 0, world.Time(math.MinInt64)
	for i := range steps {
		st := &steps[i]
		alone := busyUntil < st.Call && (i+1 == len(steps) || st.Ret < steps[i+1].Call)
		busyUntil = max(busyUntil, st.Ret)
		if !alone && i+1 < len(steps) {
			continue
		}
		if answer := j.segment(state, steps[from:i+1]); answer != explained {
			return answer
		}
		state, from = st.Value, i+1
	}
	return explained
}

// segment judges steps that begin with the key in a known state.
func (j *judge) segment(state value, steps []step) judgement {
	if len(steps) == 1 {
		if ok, _ := steps[0].Act(state); ok {
			return explained
		}
		return unexplained
	}
	if len(steps) > segmentStepsMax {
		return tooLarge
	}
	j.ops = j.ops[:0]
	for i := range steps {
		j.ops = append(j.ops, porcupine.Operation{Input: &steps[i], Call: int64(steps[i].Call), Return: int64(steps[i].Ret)})
	}
	model := j.model
	model.Init = func() any { return j.boxes[state] }
	switch porcupine.CheckOperationsTimeout(model, j.ops, j.timeout) {
	case porcupine.Ok:
		return explained
	case porcupine.Illegal:
		return unexplained
	default:
		j.work, j.ops = nil, nil // the search given up may still look at them
		return gaveUp
	}
}
