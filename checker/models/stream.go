package models

import (
	"container/heap"
	"fmt"
	"io"
	"slices"

	"ordeal/checker"
	"ordeal/world"
)

// Stream judges a history while it is made, as Check judges one that is whole, and in memory that does not grow with its
// length: of each key it keeps what is still in motion (growing, counting), and of the rest a sum. What does grow is some 500
// bytes for each key and each write of unknown outcome that nobody ever sees.
//
// It takes sets that are only added to, and counts on it that no element is written twice. It says which keys failed; why, a Check
// of their operations says (Confirm).
type Stream struct {
	model *Model
	byKey map[string]*streamKey
	// returns are the operations that are open, the one that returns next first.
	returns pending
	now     world.Time
	counts  checker.Counts
	judged  int
	// failed, wide and twice are the keys that no order explains, that have too many, and to which an element was written twice.
	failed, wide, twice []string
	// until is when the first keys failed, as far as they are told of.
	until []world.Time
	// malformed says what is wrong with the form of the history, or is nil.
	malformed error
}

// NewStream returns a Stream that knows of nothing.
func (m *Model) NewStream() *Stream { return &Stream{model: m, byKey: map[string]*streamKey{}} }

// streamKey is an object.
type streamKey struct {
	name string
	is   inMotion
	// over says that it is not judged any further.
	over bool
}

// inMotion is what a stream knows of an object.
type inMotion interface {
	// call says that an operation was invoked, which has a say. Those of unknown outcome never return.
	call(o *checker.Op) state
	// ret says that one has returned. All that was invoked up to then is known.
	ret(o *checker.Op) state
}

// state is what is known of a key.
type state uint8

const (
	fine state = iota
	inexplicable
	tooWide
	writtenTwice
)

// due is an open operation.
type due struct {
	op  *checker.Op
	key *streamKey
}

// pending is a heap of open operations.
type pending []due

func (p pending) Len() int           { return len(p) }
func (p pending) Less(a, b int) bool { return p[a].op.Return < p[b].op.Return }
func (p pending) Swap(a, b int)      { p[a], p[b] = p[b], p[a] }
func (p *pending) Push(x any)        { *p = append(*p, x.(due)) }
func (p *pending) Pop() any {
	last := (*p)[len(*p)-1]
	*p = slices.Delete(*p, len(*p)-1, len(*p))
	return last
}

// Feed takes the next operation, with its outcome. Operations come in the order of their invocations, so that whatever returned
// before this one was invoked overlaps nothing that is still to come. The Stream keeps what o points to, not o.
func (s *Stream) Feed(o *checker.Op) {
	if s.malformed != nil {
		return
	}
	if s.malformed = s.wrong(o); s.malformed != nil {
		return
	}
	s.counts.Add(o.Outcome)
	s.now = o.Invoke
	s.settle(o.Invoke)
	k := s.byKey[o.Key]
	if k == nil {
		k = &streamKey{name: o.Key, is: s.model.inMotion()}
		s.byKey[o.Key] = k
	}
	if o.Outcome == checker.Failed || o.Outcome == checker.Unknown && o.Kind == checker.Get {
		return
	}
	s.judged++
	if k.over {
		return
	}
	own := *o
	s.note(k, k.is.call(&own))
	if o.Outcome == checker.Ok && !k.over {
		heap.Push(&s.returns, due{&own, k})
	}
}

func (s *Stream) wrong(o *checker.Op) error {
	switch err := s.model.validate(o); {
	case err != nil:
		return err
	case o.Kind == checker.Remove:
		return fmt.Errorf("operation %d is a %s, which is judged only when the history is whole", o.ID, o.Kind)
	case o.Invoke < s.now:
		return fmt.Errorf("operation %d: invoked at %s, but fed after one invoked at %s", o.ID, o.Invoke, s.now)
	}
	return nil
}

// settle takes all returns before a time.
func (s *Stream) settle(before world.Time) {
	for len(s.returns) > 0 && s.returns[0].op.Return < before {
		d := heap.Pop(&s.returns).(due)
		if !d.key.over {
			s.note(d.key, d.key.is.ret(d.op))
		}
	}
}

// note takes down what has become of a key.
func (s *Stream) note(k *streamKey, is state) {
	k.over = is != fine
	switch is {
	case inexplicable:
		s.failed = append(s.failed, k.name)
		s.until = append(s.until, s.now)
	case tooWide:
		s.wide = append(s.wide, k.name)
	case writtenTwice:
		s.twice = append(s.twice, k.name)
	}
	if k.over {
		k.is = nil // it is not asked again
	}
}

// Violated says whether a violation has been found so far.
func (s *Stream) Violated() bool { return len(s.failed) > 0 }

// Counts is how many operations were fed, by outcome.
func (s *Stream) Counts() checker.Counts { return s.counts }

// Finish says what the Stream has found, after the last operation.
func (s *Stream) Finish() checker.Result {
	s.settle(checker.Never)
	var all []checker.Violation
	for i, key := range s.failed {
		all = append(all, checker.Violation{Check: linearizability, Key: key, Message: fmt.Sprintf(
			"no order of the operations on key %q explains what clients saw until %s", key, checker.Clock(s.until[i]))})
	}
	return s.result(all)
}

// result is what was found, with these violations.
func (s *Stream) result(violations []checker.Violation) checker.Result {
	r := checker.Result{Verdict: checker.OK, KeysChecked: len(s.byKey), OpsChecked: s.judged}
	if s.malformed != nil {
		r.Lower(checker.UNKNOWN, "the history is malformed: %v", s.malformed)
		return r
	}
	if s.counts.Ok == 0 {
		r.Lower(checker.INCONCLUSIVE, "no operation succeeded: there is nothing to judge")
	}
	r.Violations = violations
	r.Rank()
	if len(s.wide) > 0 {
		r.Lower(checker.UNKNOWN, "keys %q: more ways to order overlapping operations than can be tried", s.wide)
	}
	if len(s.twice) > 0 {
		r.Lower(checker.UNKNOWN, "keys %q: an element was written twice, which is judged only when the history is whole", s.twice)
	}
	return r
}

// confirmKeysMax and confirmOpsMax bound what Confirm reads back.
const confirmKeysMax, confirmOpsMax = 5, 500_000

// Confirm is Finish for who has kept the history, in a file that checker.EachJSONL reads: it judges the first keys that failed
// again by Check, which explains each and asks porcupine. If that finds an order, the verdict is UNKNOWN.
func (s *Stream) Confirm(history io.Reader, opts checker.Options) (checker.Result, error) {
	quick := s.Finish()
	keys := s.failed[:min(len(s.failed), confirmKeysMax)]
	if len(keys) == 0 || s.malformed != nil {
		return quick, nil
	}
	h := &checker.History{}
	err := checker.EachJSONL(history, func(o checker.Op) {
		if slices.Contains(keys, o.Key) && len(h.Ops) <= confirmOpsMax {
			h.Ops = append(h.Ops, o)
		}
	})
	if err != nil {
		return checker.Result{}, err
	}
	if len(h.Ops) > confirmOpsMax {
		quick.Reasons = append(quick.Reasons, fmt.Sprintf("the keys that failed have more than %d operations, too many to look at again", confirmOpsMax))
		return quick, nil
	}
	again, err := s.model.Check(h, opts)
	if err != nil {
		return checker.Result{}, err
	}
	all := again.Violations
	if len(all) > 0 {
		// Those that are explained come first.
		all = append(all, slices.DeleteFunc(quick.Violations, func(v checker.Violation) bool { return slices.Contains(keys, v.Key) })...)
	}
	r := s.result(all)
	for _, key := range keys {
		if !slices.ContainsFunc(again.Violations, func(v checker.Violation) bool { return v.Key == key }) {
			r.Lower(checker.UNKNOWN, "THE CHECKERS DISAGREE, which is a bug in one of them: the stream found no order for key %q, and the checker of whole histories says: %s %q",
				key, again.Verdict, again.Reasons)
		}
	}
	return r, nil
}
