package checker

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
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
func Check(h *History, opts Options) Result {
	if opts.KeyTimeout <= 0 {
		opts.KeyTimeout = DefaultKeyTimeout
	}
	r := Result{Verdict: OK}
	for i := range h.Ops {
		if err := h.Ops[i].Validate(); err != nil {
			r.lower(UNKNOWN, "the history is malformed: %v", err)
			return r
		}
	}
	s := split(h)
	r.OpsChecked = countJudged(h)
	if h.Count().Ok == 0 {
		r.lower(INCONCLUSIVE, "no operation succeeded: there is nothing to judge")
	}
	c := checking{h: h, opts: opts, j: &judge{}, by: map[judgement][]*keyHistory{}}
	for _, k := range s.keys {
		answer := c.j.key(k.steps, len(k.values), opts.KeyTimeout)
		c.by[answer] = append(c.by[answer], k)
		r.KeysChecked++
	}
	r.Violations = s.scans
	c.violations(&r)
	c.doubts(&r)
	return r
}

// checking is one call of Check.
type checking struct {
	h    *History
	opts Options
	j    *judge
	by   map[judgement][]*keyHistory
}

func countJudged(h *History) int {
	n := 0
	for i := range h.Ops {
		if o := &h.Ops[i]; o.Outcome == Ok || o.Outcome == Unknown && o.Kind.writes() {
			n++
		}
	}
	return n
}

// violations explains the keys that failed and lowers the verdict.
func (c *checking) violations(r *Result) {
	for n, k := range c.by[unexplained] {
		if n >= shrinkKeysMax {
			r.Violations = append(r.Violations, Violation{Check: checkLinear, Key: k.key,
				Message: fmt.Sprintf("no order of its %d operations explains what clients saw of %s", len(k.steps), name(k.key))})
			continue
		}
		v, disputed := c.explain(k)
		if disputed {
			r.lower(UNKNOWN, "the checker disagrees with porcupine about key %s, which is a bug of the checker: %s", name(k.key), v.Message)
			continue
		}
		r.Violations = append(r.Violations, v)
	}
	if len(r.Violations) == 0 {
		return
	}
	slices.SortStableFunc(r.Violations, func(a, b Violation) int { return evidenceSize(a) - evidenceSize(b) })
	r.lower(FAIL, "%s", r.Violations[0].Message)
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
			r.lower(UNKNOWN, "%s: %s", keyNames(keys), fmt.Sprintf(format, args...))
		}
	}
	doubt(gaveUp, "the search for an order took longer than %s", c.opts.KeyTimeout)
	doubt(tooLarge, "more than %d operations overlap; let workloads change keys more often", segmentStepsMax)
	doubt(ambiguous, "the workload broke the unique-value rule: it wrote a value twice")
}

func keyNames(keys []*keyHistory) string {
	var names []string
	for _, k := range keys[:min(len(keys), namesMax)] {
		names = append(names, name(k.key))
	}
	s := "key " + strings.Join(names, ", ")
	if n := len(keys) - len(names); n > 0 {
		s += fmt.Sprintf(" and %d more", n)
	}
	return s
}

// explain makes the violation of a key that failed: shrunk, told in words, drawn. It is disputed if porcupine, given
// what is left as it was recorded, finds an order for it.
func (c *checking) explain(k *keyHistory) (v Violation, disputed bool) {
	sh := shrinker{j: c.j, values: len(k.values), timeout: min(c.opts.KeyTimeout, shrinkTimeout)}
	core := sh.shrink(k.steps, c.opts.KeyTimeout)
	v = Violation{Check: checkLinear, Key: k.key, Message: c.narrate(k, core)}
	for i := range core {
		v.Ops = append(v.Ops, c.h.Ops[core[i].Op])
		v.Notes = append(v.Notes, k.note(&core[i], &c.h.Ops[core[i].Op]))
	}
	answer, picture := draw(c.h, k, core, pictureTimeout)
	v.Picture = picture
	return v, answer == porcupine.Ok
}

// pictureTimeout bounds porcupine's confirmation of what is left after shrinking.
const pictureTimeout = 10 * time.Second
