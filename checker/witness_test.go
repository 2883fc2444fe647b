package checker

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

// TestWitnessOrder: which places in the log an answer may name after another one.
func TestWitnessOrder(t *testing.T) {
	t.Parallel()
	op := func(kind OpKind, invoke, ret world.Time, region, index uint64) Op {
		return Op{Kind: kind, Key: "k", Invoke: invoke, Return: ret, Outcome: Ok, Region: region, ApplyIndex: index}
	}
	failed := op(Get, 3, 4, 1, 6)
	failed.Outcome = Failed
	for _, c := range []struct {
		what string
		ops  []Op
		bad  int
	}{
		{"a read after a write, at its place", []Op{op(Put, 1, 2, 1, 7), op(Get, 3, 4, 1, 7)}, 0},
		{"a read at an older place", []Op{op(Put, 1, 2, 1, 7), op(Get, 3, 4, 1, 6)}, 1},
		{"of another key, too", []Op{{Kind: Put, Key: "l", Invoke: 1, Return: 2, Outcome: Ok, Region: 1, ApplyIndex: 7}, op(Get, 3, 4, 1, 6)}, 1},
		{"a write at the place of a read", []Op{op(Get, 1, 2, 1, 7), op(CAS, 3, 4, 1, 7)}, 1},
		{"a write behind", []Op{op(Put, 1, 2, 1, 7), op(CAS, 3, 4, 1, 8)}, 0},
		{"another region", []Op{op(Put, 1, 2, 1, 7), op(Get, 3, 4, 2, 6)}, 0},
		{"no place", []Op{op(Put, 1, 2, 1, 7), op(Get, 3, 4, 0, 0)}, 0},
		{"both at one time", []Op{op(Put, 1, 3, 1, 7), op(Get, 3, 4, 1, 6)}, 0},
		{"two writes of one entry", []Op{op(Put, 1, 3, 1, 7), op(Put, 2, 3, 1, 7)}, 0},
		{"no answer", []Op{op(Put, 1, 2, 1, 7), failed}, 0},
		{"a long one does not hide a short one", []Op{op(Get, 1, 9, 1, 5), op(Put, 2, 3, 1, 7), op(Get, 4, 5, 1, 5), op(Get, 6, 7, 1, 5)}, 2},
		{"the highest of those before counts", []Op{op(Put, 1, 2, 1, 7), op(Get, 2, 4, 1, 6), op(Get, 5, 6, 1, 6)}, 1},
	} {
		r := CheckWitnesses(&History{Ops: c.ops})
		require.Len(t, r.Violations, c.bad, c.what)
		require.Equal(t, c.bad > 0, r.Verdict == FAIL, c.what)
		for _, v := range r.Violations {
			require.Len(t, v.Ops, 2, c.what)
			require.Equal(t, checkWitness, v.Check)
		}
	}
}

// TestWitnessOrderBounds: what is kept does not grow with the number of violations, or of answers that have returned.
func TestWitnessOrderBounds(t *testing.T) {
	t.Parallel()
	w := NewWitnessOrder()
	w.Feed(&Op{Kind: Put, Invoke: 1, Return: 2, Outcome: Ok, Region: 1, ApplyIndex: 10})
	for at := world.Time(3); at < 3_000; at += 2 {
		w.Feed(&Op{Kind: Get, Invoke: at, Return: at + 1, Outcome: Ok, Region: 1, ApplyIndex: 9})
	}
	require.Len(t, w.Result().Violations, violationsMax)
	require.Len(t, w.open, 1)
	require.True(t, w.Violated())
}
