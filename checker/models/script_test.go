package models

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/world"
)

// A script is a file of small histories of key x. Each begins with "accept" or "reject", the model and a title, and has one
// operation a line, in milliseconds:
//
//	c1 append a 10-20          c1 append a 10-? (unknown)      c1 append a 10-20 failed
//	c1 add a 10-20             c1 remove a 10-20               c1 increment -2 10-20
//	c2 get a b 10-20           c2 get 10-20 (absent)
//
// A line "words …" says what the violation's message must contain, a line "ops N" how many operations it has.
type script struct {
	model, title string
	reject       bool
	words        []string
	ops          int
	h            checker.History
}

func readScripts(t *testing.T, path string) []script {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var all []script
	for n, line := range strings.Split(string(data), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		if words[0] == "accept" || words[0] == "reject" {
			all = append(all, script{model: words[1], title: strings.Join(words[2:], " "), reject: words[0] == "reject"})
			continue
		}
		s := &all[len(all)-1]
		switch words[0] {
		case "words":
			s.words = append(s.words, strings.Join(words[1:], " "))
		case "ops":
			s.ops, err = strconv.Atoi(words[1])
		default:
			var o checker.Op
			o, err = parseOp(s.model, words)
			o.ID = len(s.h.Ops) + 1
			s.h.Ops = append(s.h.Ops, o)
		}
		require.NoErrorf(t, err, "%s:%d: %s", path, n+1, line)
	}
	return all
}

func parseOp(model string, words []string) (checker.Op, error) {
	o := checker.Op{Key: "x", Outcome: checker.Ok, Kind: checker.OpKind(words[1])}
	if words[len(words)-1] == "failed" {
		o.Outcome, words = checker.Failed, words[:len(words)-1]
	}
	if _, err := fmt.Sscanf(words[0], "c%d", &o.Client); err != nil {
		return o, err
	}
	args := words[2 : len(words)-1]
	switch {
	case o.Kind != checker.Get:
		o.Value = args[0]
	case model == "counter":
		if o.Found = len(args) > 0; o.Found {
			o.Read = args[0]
		}
	default:
		if o.Found = len(args) > 0; o.Found {
			o.Items = args
		}
	}
	from, to, _ := strings.Cut(words[len(words)-1], "-")
	at, err := strconv.Atoi(from)
	if err != nil {
		return o, err
	}
	o.Invoke = world.Time(at) * 1_000_000
	if to == "?" {
		o.Outcome, o.Return = checker.Unknown, checker.Never
		return o, nil
	}
	at, err = strconv.Atoi(to)
	o.Return = world.Time(at) * 1_000_000
	return o, err
}

// TestScripts: what each history must come to, from the usual way and from the search alone, which decides about any model.
func TestScripts(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"testdata/accept.txt", "testdata/reject.txt"} {
		for _, s := range readScripts(t, file) {
			m := ByName(s.model)
			require.NotNil(t, m, s.title)
			r, err := m.Check(&s.h, checker.Options{})
			require.NoError(t, err, s.title)
			keys, err := m.split(&s.h)
			require.NoError(t, err, s.title)
			bySearch := keys[0].search(checker.DefaultKeyTimeout)
			require.Empty(t, bySearch.doubt, s.title)
			require.Equal(t, s.reject, bySearch.violation != nil, s.title)
			if !s.reject {
				require.Equal(t, checker.OK, r.Verdict, "%s %s: %q", s.model, s.title, r.Reasons)
				continue
			}
			require.Equal(t, checker.FAIL, r.Verdict, "%s %s: %q", s.model, s.title, r.Reasons)
			require.Len(t, r.Violations, 1, s.title)
			v := r.Violations[0]
			for _, w := range s.words {
				require.Contains(t, v.Message, w, s.title)
			}
			if s.ops > 0 {
				require.Len(t, v.Ops, s.ops, "%s %s: %s", s.model, s.title, v.Message)
			}
		}
	}
}
