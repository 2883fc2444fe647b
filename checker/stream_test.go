package checker

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/checker/register/registertest"
)

func streamed(h *History) *Stream {
	s := NewStream()
	for i := range h.Ops {
		s.Feed(&h.Ops[i])
	}
	return s
}

// inOrder sorts the operations of a script by invocation, as runs record them.
func inOrder(h *History) *History {
	sorted := &History{Ops: append([]Op(nil), h.Ops...)}
	sortHistory(sorted)
	return sorted
}

func TestStreamJudgesScripts(t *testing.T) {
	t.Parallel()
	for _, s := range golden(t) {
		t.Run(s.title, func(t *testing.T) {
			r := streamed(inOrder(s.h)).Finish()
			want := OK
			if s.reject {
				want = FAIL
				require.NotEmpty(t, r.Violations[0].Ops)
			}
			require.Equal(t, want, r.Verdict, "%q", r.Reasons)
			whole := Check(inOrder(s.h), Options{})
			require.Equal(t, whole.KeysChecked, r.KeysChecked)
			require.Equal(t, whole.OpsChecked, r.OpsChecked)
		})
	}
}

// TestStreamAgrees: on random histories of several keys with scans, mutated or not, the stream answers what porcupine does.
func TestStreamAgrees(t *testing.T) {
	t.Parallel()
	judged, illegal := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		s, r := drawShape(rt)
		for n := range historiesPerDraw {
			h := randomHistory(r, s)
			for range n % 3 {
				mutate(r, h)
			}
			plain, got := plainVerdict(h), streamed(h).Finish()
			require.Equal(rt, !plain, got.Verdict == FAIL, "porcupine says %v, the stream %v %q%s", plain, got.Verdict, got.Reasons, told(h))
			require.NotEqual(rt, UNKNOWN, got.Verdict, "%q%s", got.Reasons, told(h))
			judged++
			if !plain {
				illegal++
			}
		}
	})
	require.Greater(t, illegal, judged/20, "too few illegal histories to mean anything")
}

// streamedSteps lets a stream judge the steps of one key.
func streamedSteps(h registertest.Steps) *streamKey {
	s := NewStream()
	k := s.know("k")
	for _, st := range h.Steps {
		s.settle(st.Call)
		if k.judged == explained {
			// Values may have been forgotten since.
			for _, v := range []*value{&st.Value, &st.Expect} {
				if *v != absent && *v != anything {
					*v = k.intern(fmt.Sprint("v", *v))
				}
			}
			s.call(k, st)
		}
	}
	s.settle(Never)
	return k
}

// TestStreamAgreesOnSteps: on as many histories of one key, and as strange ones, as the engines are compared on.
func TestStreamAgreesOnSteps(t *testing.T) {
	t.Parallel()
	for shard := range agreeShards {
		t.Run(fmt.Sprint(shard), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(*historiesSeed, uint64(100+shard)))
			wide := 0
			for n := range *histories / agreeShards {
				h := registertest.Random(r, registertest.Small(r, 20))
				for range n % 3 {
					h.Mutate(r)
				}
				legal, _ := registertest.Referee(h.Steps, 0)
				want := unexplained
				if legal {
					want = explained
				}
				got := streamedSteps(h).judged
				if got == tooWide {
					wide++
					continue
				}
				require.Equal(t, want, got, "history %d: porcupine %s\n%s", n, explains(legal), h)
			}
			require.Less(t, wide, *histories/agreeShards/1000+1)
		})
	}
}
