package checker

import (
	"fmt"
	"io"
	"slices"
)

// confirmOpsMax bounds how many operations Confirm reads back.
const confirmOpsMax = 500_000

// Confirm is Finish for who has kept the history, in a file that EachJSONL reads: it judges the keys that failed again
// by Check, which explains each and asks porcupine about it, on all of their operations. What Check explains otherwise
// is not a violation, but the verdict is UNKNOWN.
func (s *Stream) Confirm(history io.Reader, opts Options) (Result, error) {
	s.settle(Never)
	keys := s.failed[:min(len(s.failed), shrinkKeysMax)]
	if len(keys) == 0 {
		return s.Finish(), nil
	}
	h, all := &History{}, true
	err := EachJSONL(history, func(o Op) {
		if !slices.ContainsFunc(keys, func(key string) bool { return speaksOf(&o, key) }) {
			return
		}
		if all = all && len(h.Ops) < confirmOpsMax; all {
			h.Ops = append(h.Ops, o)
		}
	})
	if err != nil {
		return Result{}, err
	}
	if !all {
		r := s.Finish()
		r.Reasons = append(r.Reasons, fmt.Sprintf("the keys that failed have more than %d operations, too many to look at again", confirmOpsMax))
		return r, nil
	}
	opts.Only = keys
	again := Check(h, opts)
	var linear []Violation
	sure := map[string]bool{}
	for _, v := range again.Violations {
		if v.Check == checkLinear {
			linear = append(linear, v)
			sure[v.Key] = true
		}
	}
	if len(linear) > 0 {
		for _, v := range s.linear {
			if !slices.Contains(keys, v.Key) {
				v.Ops = nil // those that are explained come first
				linear = append(linear, v)
			}
		}
	}
	r := s.result(linear)
	for _, key := range keys {
		switch {
		case sure[key]:
		case again.Verdict == OK || len(linear) > 0 && again.Verdict == FAIL:
			r.Lower(UNKNOWN, "THE CHECKERS DISAGREE, which is a bug in one of them: the stream found no order for key %s, and the checker of whole histories did", name(key))
		default:
			r.Lower(UNKNOWN, "key %s: no order was found, but that could not be confirmed: %q", name(key), again.Reasons)
		}
	}
	return r, nil
}
