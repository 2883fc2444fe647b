package checker

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/checker/register"
	"ordeal/checker/register/registertest"
)

// What must be found of the errors that are planted, in percent.
const (
	staleFoundMin  = 90
	absentFoundMin = 75
)

// TestPower: with unique values, conditional deletes and 5 % of the writes of unknown outcome the checker finds most of
// the reads that are made stale, or absent though the key was not, and never anything in the history as it was.
func TestPower(t *testing.T) {
	t.Parallel()
	const rounds = 400
	r := rand.New(rand.NewPCG(5, 95))
	shape := registertest.Shape{Ops: 1000, Clients: 5, Span: 1000, Unknown: 0.05, Busy: true, Mix: []int{10, 5, 0, 4, 1}}
	j := judge{engine: Auto}
	stale, absences := 0, 0
	for range rounds {
		h := registertest.Random(r, shape)
		require.Equal(t, explained, j.key(h.Steps, h.Values), "as it was")
		i, v := staleRead(r, h)
		stale += found(t, &j, h, i, v)
		i, v = falseAbsent(r, h)
		absences += found(t, &j, h, i, v)
	}
	t.Logf("found %d stale reads and %d false absents of %d each", stale, absences, rounds)
	require.GreaterOrEqual(t, 100*stale, staleFoundMin*rounds, "stale reads found of %d: %d", rounds, stale)
	require.GreaterOrEqual(t, 100*absences, absentFoundMin*rounds, "false absents found of %d: %d", rounds, absences)
}

// found judges with one read changed, and changes it back.
func found(t *testing.T, j *judge, h registertest.Steps, i int, v register.Value) int {
	was := h.Steps[i].Value
	h.Steps[i].Value = v
	answer := j.key(h.Steps, h.Values)
	h.Steps[i].Value = was
	require.Contains(t, []judgement{explained, unexplained}, answer)
	if answer == unexplained {
		return 1
	}
	return 0
}

// staleRead picks a read and the value that somebody saw or wrote some operations ago, at least one of which was over.
func staleRead(r *rand.Rand, h registertest.Steps) (int, register.Value) {
	for {
		i := 100 + r.IntN(len(h.Steps)-100)
		s := &h.Steps[i]
		old := &h.Steps[i-20-r.IntN(40)]
		if s.Kind == register.Read && s.Expect == anything && s.Value != absent && old.Sure && old.Ret < s.Call &&
			old.Value != absent && old.Value != s.Value {
			return i, old.Value
		}
	}
}

// falseAbsent picks a read that found something, and makes it find nothing.
func falseAbsent(r *rand.Rand, h registertest.Steps) (int, register.Value) {
	for {
		i := 100 + r.IntN(len(h.Steps)-100)
		if s := &h.Steps[i]; s.Kind == register.Read && s.Expect == anything && s.Value != absent {
			return i, absent
		}
	}
}
