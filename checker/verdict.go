package checker

import (
	"fmt"
	"time"
)

// Verdict is what a check came to.
type Verdict string

// The verdicts, from best to worst.
const (
	// OK: judged, and nothing wrong.
	OK Verdict = "OK"
	// INCONCLUSIVE: nothing wrong, but the run did not try what it should have tried.
	INCONCLUSIVE Verdict = "INCONCLUSIVE"
	// UNKNOWN: it could not be judged.
	UNKNOWN Verdict = "UNKNOWN"
	// FAIL: a violation was found.
	FAIL Verdict = "FAIL"
)

func (v Verdict) rank() int {
	for i, known := range [...]Verdict{OK, INCONCLUSIVE, UNKNOWN, FAIL} {
		if v == known {
			return i
		}
	}
	panic(fmt.Sprintf("no verdict: %q", v))
}

// Worst returns the worse of two verdicts.
func Worst(a, b Verdict) Verdict {
	if a.rank() >= b.rank() {
		return a
	}
	return b
}

// Violation is a broken promise with its evidence.
type Violation struct {
	// Check names the promise: "linearizability", "one leader per term".
	Check string `json:"check"`
	// Key is the key concerned, empty for an invariant of the store.
	Key string `json:"key,omitempty"`
	// Message says in plain words what happened.
	Message string `json:"message"`
	// Ops is a set of operations, as small as could be made, that no order explains. Those of an invariant are empty.
	Ops []Op `json:"ops,omitempty"`
	// Notes says of each of Ops which part of it matters, where that is not all of it.
	Notes []string `json:"notes,omitempty"`
	// Picture is porcupine's drawing of Ops: a whole HTML page, or nil.
	Picture []byte `json:"-"`
}

// Options configures Check.
type Options struct {
	// Engine judges the keys; "" is Auto.
	Engine Engine
	// KeyTimeout bounds each of porcupine's searches for an order of one key's operations, in wall-clock time. 0 is
	// DefaultKeyTimeout. A key that takes longer makes the verdict UNKNOWN. Other engines have bounds of their own.
	KeyTimeout time.Duration
	// Repeats says that values may be written more than once to a key, as in histories from elsewhere. What else counts on
	// unique values is left out then: engine Auto or Frontier or Porcupine searches for an order. Without it, a key with such a
	// value is UNKNOWN unless it fails, since a workload of ours that repeats itself is broken.
	Repeats bool
	// Only are the keys to judge, if it is not nil. Of the others the history need not be whole.
	Only []string
	// Spread does n pieces of work, in any order and several at a time if it likes. Every goroutine that takes part calls
	// worker once and does its pieces with what that returns. nil does one piece after the other.
	Spread func(n int, worker func() (do func(i int)))
}

// Work does n pieces of work as Spread says.
func (o *Options) Work(n int, worker func() (do func(i int))) {
	if o.Spread != nil {
		o.Spread(n, worker)
		return
	}
	do := worker()
	for i := range n {
		do(i)
	}
}

// DefaultKeyTimeout is the default of Options.KeyTimeout.
const DefaultKeyTimeout = 10 * time.Second

// Result is what a check found.
type Result struct {
	Verdict Verdict
	// Reasons says in plain words why the verdict is not OK.
	Reasons []string
	// Violations is sorted, the smallest evidence first, and holds at most violationsMax.
	Violations []Violation
	// KeysChecked is the number of keys that were judged.
	KeysChecked int
	// OpsChecked is the number of operations that had a say: those that were ok, and writes of unknown outcome.
	OpsChecked int
}

// Lower makes the verdict v, if that is worse, and adds a reason for it.
func (r *Result) Lower(v Verdict, format string, args ...any) {
	r.Verdict = Worst(r.Verdict, v)
	r.Reasons = append(r.Reasons, fmt.Sprintf(format, args...))
}
