package checker

import (
	"cmp"
	"fmt"
	"slices"

	"ordeal/checker/register"
	"ordeal/world"
)

// windowMax is how many of the newest operations a Stream keeps, to show those of a key that fails.
const windowMax = 4096

// Stream judges a history while it is made, as Check judges one that is whole, and in memory that does not grow with its
// length: it keeps, of each key, the states that it can be in and the operations that may still act (see streamKey), and
// the newest operations of all. What does grow is some 600 bytes for each key that was ever used, and 100 bytes beside
// the value for each write of unknown outcome that nobody ever sees.
//
// It counts on it that no value is written twice to a key, and notices one that is only while the first is still possible.
// What the frontier of a key is too small for is UNKNOWN.
type Stream struct {
	pool  searches
	byKey map[string]*streamKey
	// keys is sorted by name.
	keys []*streamKey
	// returns are the steps that are open, the one that returns next first.
	returns pending
	now     world.Time
	window  []Op
	counts  Counts
	judged  int
	// failed are the keys that no order explains, in the order in which that was found.
	failed []string
	// linear are the violations of the first of them, totals how many operations their keys had.
	linear []Violation
	totals []int
	scans  []Violation
	// malformed says what is wrong with the form of the history, or is nil.
	malformed error
}

// NewStream returns a Stream that knows of nothing.
func NewStream() *Stream { return &Stream{byKey: map[string]*streamKey{}} }

// Feed takes the next operation, with its outcome. Operations come in the order of their invocations, which is what
// tells the Stream how far the past is settled: whatever returned before this one was invoked overlaps nothing that is
// still to come. One of unknown outcome may act for ever after. The Stream keeps what o points to, not o.
func (s *Stream) Feed(o *Op) {
	if s.malformed != nil {
		return
	}
	if err := o.register(); err != nil {
		s.malformed = err
		return
	}
	if o.Invoke < s.now {
		s.malformed = fmt.Errorf("operation %d: invoked at %s, but fed after one invoked at %s", o.ID, o.Invoke, s.now)
		return
	}
	s.counts.Add(o.Outcome)
	s.now = o.Invoke
	s.settle(o.Invoke)
	if len(s.window) < windowMax {
		s.window = append(s.window, *o)
	} else {
		s.window[(s.counts.Total()-1)%windowMax] = *o
	}
	for _, kv := range o.Pairs {
		s.know(kv.Key)
	}
	var k *streamKey
	if o.Kind != Scan {
		k = s.know(o.Key)
	}
	if o.Outcome == Failed || o.Outcome == Unknown && !o.Kind.writes() {
		return // no effect and no answer: it has no say
	}
	s.judged++
	if o.Kind == Scan {
		s.scan(o)
		return
	}
	if k.judged != explained {
		k.total++
		return
	}
	if st, ok := pointStep(o, 0, k.values.number); ok {
		s.call(k, st)
	}
}

func (s *Stream) know(key string) *streamKey {
	k := s.byKey[key]
	if k == nil {
		k = newStreamKey(key, &s.pool)
		s.byKey[key] = k
		at, _ := slices.BinarySearchFunc(s.keys, key, byStreamName)
		s.keys = slices.Insert(s.keys, at, k)
	}
	return k
}

func byStreamName(k *streamKey, key string) int { return cmp.Compare(k.name, key) }

// settle takes all returns before a time.
func (s *Stream) settle(before world.Time) {
	for len(s.returns) > 0 && s.returns[0].at < before {
		d := s.returns.pop()
		was := d.key.judged
		d.key.ret(d.i)
		s.note(d.key, was)
	}
}

func (s *Stream) call(k *streamKey, st step) {
	was := k.judged
	if i := k.call(st); i != none {
		s.returns.push(due{st.Ret, k, i})
	}
	s.note(k, was)
}

// note takes down a key that has just failed, with those of its operations that are still known.
func (s *Stream) note(k *streamKey, was judgement) {
	if k.judged != unexplained || was == unexplained {
		return
	}
	s.failed = append(s.failed, k.name)
	if len(s.linear) >= violationsMax {
		return
	}
	v := Violation{Check: checkLinear, Key: k.name}
	newest := s.counts.Total() % windowMax
	if len(s.window) < windowMax {
		newest = 0
	}
	for i := range s.window {
		if o := &s.window[(newest+i)%len(s.window)]; speaksOf(o, k.name) {
			v.Ops = append(v.Ops, *o)
		}
	}
	v.Message = fmt.Sprintf("no order of its %d operations explains what clients saw of %s until %s", k.total, name(k.name), s.now)
	s.linear, s.totals = append(s.linear, v), append(s.totals, k.total)
}

// speaksOf says whether an operation may say something about a key.
func speaksOf(o *Op, key string) bool {
	if o.Outcome == Failed || o.Outcome == Unknown && !o.Kind.writes() {
		return false
	}
	return o.Kind != Scan && o.Key == key || o.Kind == Scan && key >= o.Start && (o.End == "" || key < o.End)
}

// scan is one read for each key in the range that was ever used. One that is used later was absent when the scan began.
func (s *Stream) scan(o *Op) {
	if complaint := scanForm(o); complaint != "" {
		if len(s.scans) < violationsMax {
			s.scans = append(s.scans, scanViolation(o, complaint))
		}
		return
	}
	from, to := rangeOf(s.keys, o, byStreamName)
	pairs := o.Pairs
	for _, k := range s.keys[from:to] {
		st := step{Call: o.Invoke, Ret: o.Return, Expect: anything, Kind: register.Read, Sure: true}
		found := len(pairs) > 0 && pairs[0].Key == k.name
		if k.judged == explained {
			if found {
				st.Value = k.values.number(pairs[0].Value)
			}
			s.call(k, st)
		}
		if found {
			pairs = pairs[1:]
		}
	}
}

// Failed names the keys that no order explains, in the order in which that was found. It can be asked at any time.
func (s *Stream) Failed() []string { return s.failed }

// Violated says whether a violation has been found so far.
func (s *Stream) Violated() bool { return len(s.failed) > 0 || len(s.scans) > 0 }

// Counts is how many operations were fed, by outcome.
func (s *Stream) Counts() Counts { return s.counts }

// Finish says what the Stream has found, after the last operation. The operations of a violation are the newest of its
// key, of which no more than a window is kept; see Confirm.
func (s *Stream) Finish() Result {
	s.settle(Never)
	linear := slices.Clone(s.linear)
	for i := range linear {
		if v := &linear[i]; len(v.Ops) < s.totals[i] {
			v.Message += fmt.Sprintf("; only the latest %d of them were kept, and they need not show why", len(v.Ops))
		}
	}
	return s.result(linear)
}

// result is what was found, with these violations of keys.
func (s *Stream) result(linear []Violation) Result {
	r := Result{Verdict: OK, KeysChecked: len(s.keys), OpsChecked: s.judged}
	if s.malformed != nil {
		r.Lower(UNKNOWN, "the history is malformed: %v", s.malformed)
		return r
	}
	if s.counts.Ok == 0 {
		r.Lower(INCONCLUSIVE, "no operation succeeded: there is nothing to judge")
	}
	r.Violations = append(slices.Clone(s.scans), linear...)
	r.Rank()
	var wide, twice []string
	for _, k := range s.keys {
		switch k.judged {
		case tooWide:
			wide = append(wide, k.name)
		case ambiguous:
			twice = append(twice, k.name)
		}
	}
	if len(wide) > 0 {
		r.Lower(UNKNOWN, "%s: more than %d ways to order overlapping operations; let fewer clients meet on a key", keyNames(wide), streamLimits.Width)
	}
	if len(twice) > 0 {
		r.Lower(UNKNOWN, "%s: the workload broke the unique-value rule: it wrote a value twice", keyNames(twice))
	}
	return r
}
