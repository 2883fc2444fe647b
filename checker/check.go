package checker

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"ordeal/checker/frontier"
)

// Names of the promises that Check looks after.
const (
	checkLinear = "linearizability"
	checkScan   = "well-formed scans"
)

// Bounds on what is reported.
const (
	// violationsMax bounds Result.Violations. The reasons say how many there were.
	violationsMax = 20
	// shrinkKeysMax is how many keys' violations are shrunk; those of further keys come without operations.
	shrinkKeysMax = 5
	// namesMax is how many keys a reason lists.
	namesMax = 5
)

// Check judges a history: whether every key behaved like one register, all of its operations atomic.
func Check(h Operations, opts Options) Result {
	if opts.KeyTimeout <= 0 {
		opts.KeyTimeout = DefaultKeyTimeout
	}
	if opts.Engine == "" {
		opts.Engine = Auto
	}
	r := Result{Verdict: OK}
	c := checking{h: h, opts: opts, by: map[judgement][]*keyHistory{}}
	s := split(h, c.opts.Work)
	if s.malformed != nil {
		r.Lower(UNKNOWN, "the history is malformed: %v", s.malformed)
		return r
	}
	if opts.Only != nil {
		s.keys = slices.DeleteFunc(s.keys, func(k *keyHistory) bool { return !slices.Contains(opts.Only, k.key) })
	}
	r.OpsChecked = s.judged
	if s.outcomes.Ok == 0 {
		r.Lower(INCONCLUSIVE, "no operation succeeded: there is nothing to judge")
	}
	c.judge(s.keys)
	r.KeysChecked = len(s.keys)
	r.Violations = s.scans
	c.violations(&r)
	c.doubts(&r)
	return r
}

// judge judges all keys.
func (c *checking) judge(keys []*keyHistory) {
	answers, bugs := make([]judgement, len(keys)), make([][]error, len(keys))
	c.opts.Work(len(keys), func() func(int) {
		j, l := c.newJudge(c.opts.KeyTimeout), loader{h: c.h}
		return func(i int) {
			j.bugs = nil
			steps, values := l.load(keys[i])
			answers[i] = j.key(steps, len(values))
			bugs[i] = j.bugs
		}
	})
	for i, k := range keys {
		c.by[answers[i]] = append(c.by[answers[i]], k)
		for _, err := range bugs[i] {
			c.disputes = append(c.disputes, fmt.Sprintf("key %s: %v", name(k.key), err))
		}
	}
}

func (c *checking) newJudge(timeout time.Duration) *judge {
	return &judge{engine: c.opts.Engine, timeout: timeout, repeats: c.opts.Repeats}
}

// checking is one call of Check.
type checking struct {
	h    Operations
	opts Options
	by   map[judgement][]*keyHistory
	// disputes says where engines contradict each other, or one its own certificate.
	disputes []string
}

// violations explains the keys that failed and lowers the verdict. What porcupine has not confirmed is no violation.
func (c *checking) violations(r *Result) {
	failed := c.by[unexplained]
	unconfirmed := failed[min(len(failed), shrinkKeysMax):]
	for _, k := range failed[:min(len(failed), shrinkKeysMax)] {
		switch v, answer := c.explain(k); answer {
		case porcupine.Illegal:
			r.Violations = append(r.Violations, v)
		case porcupine.Ok:
			c.disputes = append(c.disputes, fmt.Sprintf("key %s: porcupine has an order for what is left of a violation: %s", name(k.key), v.Message))
		default:
			r.Lower(UNKNOWN, "key %s: porcupine could not confirm within %s that %s", name(k.key), pictureTimeout, v.Message)
		}
	}
	if len(r.Violations) == 0 && len(unconfirmed) > 0 {
		r.Lower(UNKNOWN, "%s: no order was found, but porcupine was not asked to confirm that", keyNames(namesOf(unconfirmed)))
		return
	}
	if len(r.Violations) == 0 {
		return
	}
	for _, k := range unconfirmed {
		r.Violations = append(r.Violations, Violation{Check: checkLinear, Key: k.key,
			Message: fmt.Sprintf("no order of its %d operations explains what clients saw of %s", len(k.ops)+len(k.scans), name(k.key))})
	}
	r.Rank()
}

// Rank sorts the violations, if there are any, keeps the first of them and lowers the verdict.
func (r *Result) Rank() {
	if len(r.Violations) == 0 {
		return
	}
	slices.SortStableFunc(r.Violations, func(a, b Violation) int { return evidenceSize(a) - evidenceSize(b) })
	r.Lower(FAIL, "%s", r.Violations[0].Message)
	if n := len(r.Violations); n > 1 {
		r.Reasons = append(r.Reasons, fmt.Sprintf("%d violations in all", n))
	}
	r.Violations = r.Violations[:min(len(r.Violations), violationsMax)]
}

// evidenceSize sorts violations: fewest operations first, and those without any last.
func evidenceSize(v Violation) int {
	if len(v.Ops) == 0 {
		return 1 << 30
	}
	return len(v.Ops)
}

// doubts lowers the verdict for the keys that could not be judged.
func (c *checking) doubts(r *Result) {
	doubt := func(answer judgement, format string, args ...any) {
		if keys := c.by[answer]; len(keys) > 0 {
			r.Lower(UNKNOWN, "%s: %s", keyNames(namesOf(keys)), fmt.Sprintf(format, args...))
		}
	}
	for _, d := range c.disputes {
		r.Lower(UNKNOWN, "THE CHECKERS DISAGREE, which is a bug in one of them: %s", d)
	}
	doubt(gaveUp, "the search for an order took longer than %s", c.opts.KeyTimeout)
	doubt(tooLarge, "more than %d operations overlap; let workloads change keys more often", segmentStepsMax)
	doubt(tooWide, "more than %d ways to order overlapping operations; let fewer clients meet on a key", frontier.Usual.Width)
	doubt(undecided, "the fast checker alone cannot decide it; use -checker=%s", Auto)
	doubt(ambiguous, "the workload broke the unique-value rule: it wrote a value twice")
}

func namesOf(keys []*keyHistory) []string {
	var names []string
	for _, k := range keys {
		names = append(names, k.key)
	}
	return names
}

// keyNames lists keys, as many as a reason has room for.
func keyNames(keys []string) string {
	var names []string
	for _, k := range keys[:min(len(keys), namesMax)] {
		names = append(names, name(k))
	}
	s := "key " + strings.Join(names, ", ")
	if n := len(keys) - len(names); n > 0 {
		s += fmt.Sprintf(" and %d more", n)
	}
	return s
}

// explain makes the violation of a key that failed: shrunk, told in words, drawn; and says what porcupine thinks of what
// is left, as it was recorded.
func (c *checking) explain(k *keyHistory) (v Violation, answer porcupine.CheckResult) {
	k.look(c.h)
	sh := shrinker{j: c.newJudge(min(c.opts.KeyTimeout, shrinkTimeout)), values: len(k.values)}
	core := sh.shrink(k.steps)
	v = Violation{Check: checkLinear, Key: k.key, Message: c.narrate(k, core)}
	for i := range core {
		o := c.op(&core[i])
		v.Ops = append(v.Ops, *o)
		v.Notes = append(v.Notes, k.note(&core[i], o))
	}
	answer, v.Picture = draw(c.h, k, core, pictureTimeout)
	return v, answer
}

// pictureTimeout bounds porcupine's confirmation of what is left after shrinking.
const pictureTimeout = 10 * time.Second
