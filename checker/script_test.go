package checker

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

// A script is a file of small histories. Each begins with "accept" or "reject" and a title, and has one operation a
// line, in milliseconds:
//
//	c1 put x=7 10-20           c1 put x=7 10-? (unknown)      c1 put x=7 10-20 failed
//	c2 get x=7 10-20           c2 get x 10-20 (absent)
//	c1 delete x 10-20
//	c1 cas x 7>8 10-20         c1 cas x >8 10-20 (expects absent)      c1 cas x 7>8 saw 9 10-20      c1 cas x 7>8 saw 10-20
//	c1 cad x 7 10-20           c1 cad x 7 saw 9 10-20
//	c1 scan a-c a=1 b=2 10-20  c1 scan a-c limit 1 a=1 10-20
//
// A line "words …" says what the first violation's message must contain, a line "ops N" how many operations it may
// have.
type script struct {
	title  string
	reject bool
	words  []string
	opsMax int
	h      *History
}

func readScripts(t *testing.T, path string) []script {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var all []script
	for n, line := range strings.Split(string(data), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		switch words[0] {
		case "accept", "reject":
			all = append(all, script{title: strings.Join(words[1:], " "), reject: words[0] == "reject", h: &History{}})
			continue
		}
		s := &all[len(all)-1]
		switch words[0] {
		case "words":
			s.words = append(s.words, strings.Join(words[1:], " "))
		case "ops":
			s.opsMax, err = strconv.Atoi(words[1])
		default:
			var op Op
			op, err = parseOp(words)
			op.ID = len(s.h.Ops) + 1
			s.h.Ops = append(s.h.Ops, op)
		}
		require.NoErrorf(t, err, "%s:%d: %s", path, n+1, line)
	}
	return all
}

func parseOp(words []string) (op Op, err error) {
	op.Outcome = Ok
	if words[len(words)-1] == "failed" {
		op.Outcome = Failed
		words = words[:len(words)-1]
	}
	from, to, _ := strings.Cut(words[len(words)-1], "-")
	op.Invoke, err = parseMillis(from)
	if err != nil {
		return op, err
	}
	if to == "?" {
		op.Return, op.Outcome = Never, Unknown
	} else if op.Return, err = parseMillis(to); err != nil {
		return op, err
	}
	op.Kind = OpKind(words[1])
	op.Client, err = strconv.Atoi(words[0][1:])
	if err != nil {
		return op, err
	}
	return op, parseArgs(&op, words[2:len(words)-1])
}

func parseArgs(op *Op, args []string) error {
	key, val, has := strings.Cut(args[0], "=")
	op.Key = key
	switch op.Kind {
	case Put:
		op.Value = val
	case Get:
		op.Found, op.Read = has, val
	case Delete:
	case CAS:
		expect, written, _ := strings.Cut(args[1], ">")
		op.Value = written
		if expect != "" {
			op.Expect = &expect
		}
		parseSaw(op, args[2:])
	case CAD:
		op.Expect = &args[1]
		parseSaw(op, args[2:])
	case Scan:
		op.Key = ""
		op.Start, op.End, _ = strings.Cut(args[0], "-")
		args = args[1:]
		if len(args) > 0 && args[0] == "limit" {
			op.Limit, _ = strconv.Atoi(args[1])
			args = args[2:]
		}
		for _, a := range args {
			k, v, _ := strings.Cut(a, "=")
			op.Pairs = append(op.Pairs, KV{k, v})
		}
	default:
		return fmt.Errorf("kind %q", op.Kind)
	}
	return nil
}

func parseSaw(op *Op, args []string) {
	op.Swapped = len(args) == 0 && op.Outcome == Ok
	if len(args) > 1 {
		op.Found, op.Read = true, args[1]
	}
}

func parseMillis(s string) (world.Time, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	return world.Time(n * 1e6), err
}

// goldenMin is how many histories there must be to accept, and how many to reject.
const goldenMin = 60

// golden are the histories of all files.
func golden(t *testing.T) []script {
	var all []script
	for _, file := range []string{"histories.txt", "accept.txt", "reject.txt"} {
		all = append(all, readScripts(t, "testdata/"+file)...)
	}
	return all
}

// TestEnoughScripts: there are enough histories of both kinds, and their titles, which say what they show, differ.
func TestEnoughScripts(t *testing.T) {
	t.Parallel()
	titles, kinds := map[string]bool{}, map[bool]int{}
	for _, s := range golden(t) {
		require.False(t, titles[s.title], "%q twice", s.title)
		titles[s.title] = true
		kinds[s.reject]++
	}
	require.GreaterOrEqual(t, kinds[false], goldenMin, "to accept")
	require.GreaterOrEqual(t, kinds[true], goldenMin, "to reject")
}

// TestScripts: every engine judges every history as its file says, and so does porcupine by itself.
func TestScripts(t *testing.T) {
	t.Parallel()
	for _, s := range golden(t) {
		t.Run(s.title, func(t *testing.T) {
			for _, engine := range []Engine{Frontier, Porcupine} {
				require.Equal(t, !s.reject, engineVerdict(engine, s.h), "engine %s", engine)
			}
			if fast := Check(s.h, Options{Engine: Fast}); fast.Verdict != UNKNOWN { // it may decline
				require.Equal(t, s.reject, fast.Verdict == FAIL, "engine %s: %q", Fast, fast.Reasons)
			}
			r := Check(s.h, Options{})
			want := OK
			if s.reject {
				want = FAIL
			}
			require.Equal(t, want, r.Verdict, "reasons: %q", r.Reasons)
			require.Equal(t, !s.reject, plainVerdict(s.h), "porcupine by itself must agree")
			for _, w := range s.words {
				require.Contains(t, r.Violations[0].Message, w)
			}
			if s.opsMax > 0 {
				require.LessOrEqual(t, len(r.Violations[0].Ops), s.opsMax, "%v", r.Violations[0].Ops)
			}
			if s.reject && r.Violations[0].Check == checkLinear {
				require.Contains(t, string(r.Violations[0].Picture), "const data = ")
				require.Len(t, r.Violations[0].Notes, len(r.Violations[0].Ops))
			}
		})
	}
}
