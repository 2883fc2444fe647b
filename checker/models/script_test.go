package models

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/anishathalye/porcupine"
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

// scriptFiles are the histories made by hand, and those of generate_test.go.
var scriptFiles = []string{"testdata/accept.txt", "testdata/reject.txt", "testdata/generated_accept.txt", "testdata/generated_reject.txt"}

func allScripts(t *testing.T) []script {
	var all []script
	for _, file := range scriptFiles {
		all = append(all, readScripts(t, file)...)
	}
	return all
}

// refereed says whether porcupine has an order for operations. Those of unknown outcome may never have acted, so an order without them
// will do; to look for it first spares porcupine, which has no such notion, all orders of appends that nobody saw.
func refereed(model string, ops []checker.Op) bool {
	known := slices.DeleteFunc(slices.Clone(ops), func(o checker.Op) bool { return o.Outcome == checker.Unknown })
	return porcupine.CheckOperations(referee(model), events(known)) || porcupine.CheckOperations(referee(model), events(ops))
}

// TestScripts: what each history must come to, from the usual way, from the search alone, which decides about any model, and
// from porcupine with models of its own.
func TestScripts(t *testing.T) {
	t.Parallel()
	byChain := map[string]int{}
	for _, s := range allScripts(t) {
		name := fmt.Sprintf("%s %s", s.model, s.title)
		m := ByName(s.model)
		require.NotNil(t, m, name)
		require.Equal(t, !s.reject, refereed(s.model, s.h.Ops), name)
		r, err := m.Check(&s.h, checker.Options{})
		require.NoError(t, err, name)
		keys, err := m.split(&s.h)
		require.NoError(t, err, name)
		bySearch := keys[0].search(checker.DefaultKeyTimeout)
		require.Empty(t, bySearch.doubt, name)
		require.Equal(t, s.reject, bySearch.violation != nil, name)
		if newChain(keys[0]) != nil {
			byChain[fmt.Sprint(s.model, " ", s.reject)]++
		}
		if !s.reject {
			require.Equal(t, checker.OK, r.Verdict, "%s: %q", name, r.Reasons)
			continue
		}
		require.Equal(t, checker.FAIL, r.Verdict, "%s: %q", name, r.Reasons)
		require.Len(t, r.Violations, 1, name)
		v := r.Violations[0]
		for _, w := range s.words {
			require.Contains(t, v.Message, w, name)
		}
		if s.ops > 0 {
			require.Len(t, v.Ops, s.ops, "%s: %s", name, v.Message)
		}
	}
	t.Logf("decided by chain: %v", byChain)
	for _, which := range []string{"append false", "append true", "set false", "set true"} {
		require.Greater(t, byChain[which], 25, "by chain, %s to reject", which)
	}
}

// scriptsMin is how many histories every model has at least to accept, and to reject: by hand and generated.
const scriptsMin = 60

// TestScriptsAreEnough: there are as many of each as were promised, no two are alike, and none goes by the name of another.
func TestScriptsAreEnough(t *testing.T) {
	t.Parallel()
	count, names, histories := map[string]int{}, map[string]bool{}, map[string]string{}
	for _, s := range allScripts(t) {
		which := s.model + " to accept"
		if s.reject {
			which = s.model + " to reject"
		}
		count[which]++
		name := which + ": " + s.title
		require.NotEmpty(t, s.title)
		require.False(t, names[name], "%s: twice", name)
		names[name] = true
		lines := strings.Split(asScript(s.h.Ops), "\n")
		slices.Sort(lines)
		history := s.model + strings.Join(lines, "\n")
		require.Empty(t, histories[history], "%s is the same history", name)
		histories[history] = name
	}
	t.Logf("%v", count)
	for _, m := range All {
		require.GreaterOrEqual(t, count[m.Name+" to accept"], scriptsMin, m.Name)
		require.GreaterOrEqual(t, count[m.Name+" to reject"], scriptsMin, m.Name)
	}
}
