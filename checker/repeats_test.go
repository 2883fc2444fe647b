package checker

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

// TestRepeats: a value that is written twice makes a key of ours UNKNOWN, since the workload is broken; in a history from elsewhere it
// is one like any other.
func TestRepeats(t *testing.T) {
	t.Parallel()
	history := func(read string) *History {
		return &History{Ops: []Op{
			{ID: 1, Client: 1, Kind: Put, Key: "k", Value: "a", Invoke: 1, Return: 2, Outcome: Ok},
			{ID: 2, Client: 1, Kind: Put, Key: "k", Value: "b", Invoke: 3, Return: 4, Outcome: Ok},
			{ID: 3, Client: 1, Kind: Put, Key: "k", Value: "a", Invoke: 5, Return: 6, Outcome: Ok},
			{ID: 4, Client: 2, Kind: Get, Key: "k", Found: true, Read: read, Invoke: 7, Return: 8, Outcome: Ok},
		}}
	}
	for _, e := range []Engine{Auto, Porcupine, Frontier} {
		require.Equal(t, UNKNOWN, Check(history("a"), Options{Engine: e}).Verdict, e)
		require.Equal(t, OK, Check(history("a"), Options{Engine: e, Repeats: true}).Verdict, e)
		r := Check(history("b"), Options{Engine: e, Repeats: true})
		require.Equal(t, FAIL, r.Verdict, e)
		require.NotEmpty(t, r.Violations[0].Ops, e)
	}
	require.Equal(t, UNKNOWN, Check(history("a"), Options{Engine: Fast, Repeats: true}).Verdict)

	// Each read may have seen any write of unknown outcome that was invoked before: too many ways for the frontier, of which porcupine
	// needs one.
	h := history("a")
	for i := range 40 {
		at, value := world.Time(10+3*i), string(rune('a'+i%5))
		h.Ops = append(h.Ops,
			Op{ID: 5 + 3*i, Client: 3 + i, Kind: Put, Key: "k", Value: value, Invoke: at, Return: Never, Outcome: Unknown},
			Op{ID: 6 + 3*i, Client: 99 + i, Kind: Put, Key: "k", Value: value, Invoke: at, Return: Never, Outcome: Unknown},
			Op{ID: 7 + 3*i, Client: 2, Kind: Get, Key: "k", Found: true, Read: value, Invoke: at + 1, Return: at + 2, Outcome: Ok})
	}
	require.Equal(t, UNKNOWN, Check(h, Options{Engine: Frontier, Repeats: true}).Verdict)
	require.Equal(t, OK, Check(h, Options{Repeats: true}).Verdict)
}
