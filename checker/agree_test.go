package checker

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/checker/linear"
	"ordeal/checker/register"
	"ordeal/checker/register/registertest"
)

var (
	histories     = flag.Int("histories", 100_000, "`how many` random histories TestEnginesAgree judges")
	historiesSeed = flag.Uint64("histories.seed", 1, "`seed` of TestEnginesAgree")
)

// agreeShards is into how many parts TestEnginesAgree is cut, which run at the same time.
const agreeShards = 8

// TestEnginesAgree: every engine answers as porcupine does on the history as it is, whatever it rewrites or leaves out,
// and decides what it says it can decide.
func TestEnginesAgree(t *testing.T) {
	t.Parallel()
	for shard := range agreeShards {
		t.Run(fmt.Sprint(shard), func(t *testing.T) {
			t.Parallel()
			a := newAgreement(*historiesSeed, uint64(shard))
			for n := range *histories / agreeShards {
				if complaint := a.next(n); complaint != "" {
					t.Fatalf("history %d: %s", n, complaint)
				}
			}
			t.Logf("%+v", a.count)
			judged := *histories / agreeShards
			require.Greater(t, a.count.illegal, judged/10, "too few illegal histories to mean anything")
			require.Less(t, a.count.loose, judged/200+1, "the fast checker decides too few")
			require.Less(t, a.count.wide, judged/1000+1, "the frontier decides too few")
			require.Len(t, a.kinds, 12, "every kind of step must occur, ok and unknown")
		})
	}
}

// agreement compares engines on random histories.
type agreement struct {
	r     *rand.Rand
	fast  linear.Checker
	front judge
	plain judge
	kinds map[string]bool
	count struct{ judged, illegal, loose, twice, wide, ties int }
}

func newAgreement(seed, shard uint64) *agreement {
	return &agreement{
		r: rand.New(rand.NewPCG(seed, shard)), kinds: map[string]bool{},
		front: judge{engine: Frontier}, plain: judge{engine: Porcupine, timeout: time.Minute},
	}
}

// next makes the n-th history, and says which engine is wrong about it, or "".
func (a *agreement) next(n int) string {
	h := registertest.Random(a.r, registertest.Small(a.r, 20))
	for range n % 3 {
		h.Mutate(a.r)
	}
	twice := n%16 == 15 && h.WriteTwice(a.r)
	legal, _ := registertest.Referee(h.Steps, 0)
	a.tally(h, legal)
	if n%3 == 0 && !twice && !legal {
		return fmt.Sprintf("porcupine refuses what was made to be explicable\n%s", h)
	}
	if complaint := a.asked(h, legal, twice); complaint != "" {
		return fmt.Sprintf("%s, porcupine %s\n%s", complaint, explains(legal), h)
	}
	return ""
}

// asked asks all engines about a history.
func (a *agreement) asked(h registertest.Steps, legal, twice bool) string {
	answer, err := a.fast.Check(h.Steps, h.Values)
	switch {
	case twice != errors.Is(err, linear.ErrValueTwice):
		return fmt.Sprintf("linear says of values that are written twice: %v", err)
	case twice:
		a.count.twice++
	case errors.Is(err, linear.ErrLooseDelete):
		a.count.loose++
	case err != nil:
		return fmt.Sprintf("linear: %v", err)
	case (answer == linear.Explained) != legal:
		return "linear " + explains(!legal)
	}
	for _, j := range []*judge{&a.front, &a.plain} {
		want := unexplained
		switch {
		case legal && twice:
			want = ambiguous
		case legal:
			want = explained
		}
		if got := j.key(h.Steps, h.Values); got != want {
			return fmt.Sprintf("engine %s answers %d instead of %d", j.engine, got, want)
		}
	}
	// And without any rewriting, which must not matter but for the effort.
	a.front.work = append(a.front.work[:0], h.Steps...)
	switch got := a.front.frontier(a.front.work, !twice); {
	case got == tooWide:
		a.count.wide++
	case (got == explained) != legal:
		return "frontier without rewriting " + explains(!legal)
	}
	return ""
}

func explains(yes bool) string {
	if yes {
		return "explains it"
	}
	return "refuses it"
}

func (a *agreement) tally(h registertest.Steps, legal bool) {
	a.count.judged++
	if !legal {
		a.count.illegal++
	}
	for i := range h.Steps {
		s := &h.Steps[i]
		a.kinds[fmt.Sprint(s.Kind, s.Value == absent, s.Kind == register.Read && s.Expect != anything, s.Sure)] = true
		if i > 0 && h.Steps[i-1].Call == s.Call {
			a.count.ties++
		}
	}
}
