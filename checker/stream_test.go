package checker

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/checker/register/registertest"
	"ordeal/world"
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
					*v = k.values.number(fmt.Sprint("v", *v))
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

// kept counts what a stream remembers of keys, beside the keys themselves.
func kept(s *Stream) (n int) {
	n = len(s.returns)
	for _, k := range s.keys {
		n += k.values.len() + len(k.steps) + len(k.cads)
		if k.search != nil {
			n += k.search.Width()
		}
	}
	return n
}

// TestStreamForgets: what a stream keeps does not grow with the history, where keys are in use for as long as they are;
// only with keys that have writes of unknown outcome, by those.
func TestStreamForgets(t *testing.T) {
	t.Parallel()
	most := func(ops int, unknown float64) (most int) {
		r := rand.New(rand.NewPCG(7, uint64(ops)))
		h := randomHistory(r, shape{ops: ops, clients: 6, keys: 4, span: 20, unknown: unknown, scans: true})
		s := NewStream()
		for i := range h.Ops {
			s.Feed(&h.Ops[i])
			most = max(most, kept(s))
			require.LessOrEqual(t, len(s.window), windowMax)
		}
		r2 := s.Finish()
		require.Equal(t, OK, r2.Verdict, "%q", r2.Reasons)
		return most
	}
	require.Less(t, most(3000, 0), 200)
	require.Less(t, most(60_000, 0), 200, "twenty times as many operations")
	unknown := most(20_000, 0.01)
	require.Less(t, unknown, 200+20_000/100*2, "a write of unknown outcome is kept with its value")
}

// TestStreamTellsOfItsWindow: a violation that comes long after the other operations of its key says that they are not
// all there, and Confirm finds them in the file.
func TestStreamTellsOfItsWindow(t *testing.T) {
	t.Parallel()
	h := &History{}
	op := func(o Op) {
		at := world.Time(10 * (len(h.Ops) + 1))
		o.ID, o.Invoke, o.Return, o.Outcome = len(h.Ops)+1, at, at+5, Ok
		h.Ops = append(h.Ops, o)
	}
	op(Op{Kind: Put, Key: "x", Value: "1"})
	op(Op{Kind: Put, Key: "x", Value: "2"})
	for range 2 * windowMax {
		op(Op{Kind: Get, Key: "y"})
	}
	op(Op{Kind: Get, Key: "x", Found: true, Read: "1"})
	s := streamed(h)
	r := s.Finish()
	require.Equal(t, FAIL, r.Verdict)
	require.Equal(t, []string{"x"}, s.Failed())
	require.Len(t, r.Violations[0].Ops, 1)
	require.Contains(t, r.Violations[0].Message, "only the latest 1 of them were kept")

	var file bytes.Buffer
	require.NoError(t, WriteJSONL(&file, h))
	r, err := s.Confirm(&file, Options{})
	require.NoError(t, err)
	require.Equal(t, FAIL, r.Verdict)
	require.Len(t, r.Violations, 1)
	require.Len(t, r.Violations[0].Ops, 3)
	require.Contains(t, r.Violations[0].Message, `although c0's put of "2" had been acknowledged`)

	// A file in which the key is fine contradicts the stream.
	h.Ops[len(h.Ops)-1].Read = "2"
	file.Reset()
	require.NoError(t, WriteJSONL(&file, h))
	r, err = s.Confirm(&file, Options{})
	require.NoError(t, err)
	require.Equal(t, UNKNOWN, r.Verdict)
	require.Contains(t, r.Reasons[0], "DISAGREE")
}

// TestConfirmedViolationsComeFirst: of many keys that fail, those that were explained come before the others.
func TestConfirmedViolationsComeFirst(t *testing.T) {
	t.Parallel()
	h := &History{}
	for i := range 2 * shrinkKeysMax {
		at := world.Time(100 * i)
		h.Ops = append(h.Ops,
			Op{ID: 3*i + 1, Kind: Put, Key: key(i), Value: "1", Invoke: at, Return: at + 5, Outcome: Ok},
			Op{ID: 3*i + 2, Kind: Put, Key: key(i), Value: "2", Invoke: at + 10, Return: at + 15, Outcome: Ok},
			Op{ID: 3*i + 3, Kind: Get, Key: key(i), Found: true, Read: "1", Invoke: at + 20, Return: at + 25, Outcome: Ok})
	}
	var file bytes.Buffer
	require.NoError(t, WriteJSONL(&file, h))
	r, err := streamed(h).Confirm(&file, Options{})
	require.NoError(t, err)
	require.Equal(t, FAIL, r.Verdict)
	require.Len(t, r.Violations, 2*shrinkKeysMax)
	for i, v := range r.Violations {
		require.Equal(t, i < shrinkKeysMax, len(v.Ops) == 3 && v.Picture != nil, "%d: %s", i, v.Message)
	}
	require.Contains(t, r.Reasons[0], "had been acknowledged")
}

func TestStreamIsNeverOKOnWhatItCannotJudge(t *testing.T) {
	t.Parallel()
	require.Equal(t, INCONCLUSIVE, NewStream().Finish().Verdict)
	twice := &History{Ops: []Op{
		{Kind: Put, Key: "x", Value: "1", Invoke: 1, Return: Never, Outcome: Unknown},
		{Kind: Put, Key: "x", Value: "1", Invoke: 1, Return: 3, Outcome: Ok},
	}}
	require.Equal(t, UNKNOWN, streamed(twice).Finish().Verdict, "a value twice")
	disorder := &History{Ops: []Op{
		{Kind: Get, Key: "x", Invoke: 2, Return: 3, Outcome: Ok}, {Kind: Get, Key: "x", Invoke: 1, Return: 3, Outcome: Ok},
	}}
	require.Equal(t, UNKNOWN, streamed(disorder).Finish().Verdict, "out of order")
	wide := &History{}
	for i := range 40 {
		wide.Ops = append(wide.Ops, Op{Kind: Put, Key: "x", Value: fmt.Sprint(i), Invoke: 1, Return: 9, Outcome: Ok})
	}
	wide.Ops = append(wide.Ops, Op{Kind: Get, Key: "x", Found: true, Read: "1", Invoke: 10, Return: 11, Outcome: Ok})
	r := streamed(wide).Finish()
	require.Equal(t, UNKNOWN, r.Verdict, "too wide")
	require.Contains(t, r.Reasons[0], "more than 50000 ways")
}

// TestTailIsMerge: however often it is asked in between, a tail gives out what Merge makes of the whole, no operation
// before its time, and recorders keep no more than what is open or follows it.
func TestTailIsMerge(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s, r := drawShape(rt)
		s.ops = 1000
		h := randomHistory(r, s)
		recs, whole := make([]*Recorder, s.clients), make([]*Recorder, s.clients)
		for c := range recs {
			recs[c], whole[c] = NewRecorder(c), NewRecorder(c)
		}
		tail, got := NewTail(recs...), &History{}
		take := func(o *Op) { got.Ops = append(got.Ops, *o) }
		var open []func(now world.Time)
		for i := range h.Ops {
			o := h.Ops[i]
			var still []func(now world.Time)
			for _, end := range open {
				if r.IntN(3) == 0 {
					end(o.Invoke)
				} else {
					still = append(still, end)
				}
			}
			open = still
			if r.IntN(10) == 0 {
				tail.Pull(o.Invoke, take)
			}
			a, b := recs[o.Client].Begin(o, o.Invoke), whole[o.Client].Begin(o, o.Invoke)
			open = append(open, func(now world.Time) {
				recs[o.Client].End(a, o.Outcome, now)
				whole[o.Client].End(b, o.Outcome, now)
			})
		}
		tail.Pull(h.Ops[len(h.Ops)-1].Invoke, take)
		tail.Close(take)
		require.Equal(rt, Merge(whole...), got)
		for c := range recs {
			require.Equal(rt, whole[c].Len(), recs[c].Len())
			require.Empty(rt, recs[c].chunks)
		}
	})
}
