package workloads

import (
	"regexp"
	"slices"
	"strings"

	"ordeal/checker"
)

// kindMax is the longest kind of failure, in bytes.
const kindMax = 90

// specifics is what differs between two runs that fail in the same way: quoted and bracketed text, and words with digits.
var specifics = regexp.MustCompile(`"[^"]*"|\[[^\]]*\]|\{[^}]*\}|\S*\d\S*`)

// kind names the way in which a run has failed, so that a smaller run can be held to failing in the same way; "" if it has
// not. A promise that was broken comes before what follows from it.
func (r *run) kind() string {
	if r.verdict != checker.FAIL {
		return ""
	}
	if !r.panicked {
		for _, v := range slices.Concat(r.watch.inv.Violations(), r.judged.Violations, r.witnessed.Violations) {
			return v.Check
		}
	}
	return KindOf(r.reasons[0])
}

// KindOf is a reason without what is special about this run.
func KindOf(reason string) string {
	words := strings.Join(strings.Fields(specifics.ReplaceAllString(reason, "#")), " ")
	return words[:min(len(words), kindMax)]
}
