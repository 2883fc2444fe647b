package checker

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// wholeOf is a history of operations that may be packed.
func wholeOf(ops Operations) *History {
	h := &History{}
	for i := range ops.Len() {
		h.Ops = append(h.Ops, *ops.At(i, nil))
	}
	return h
}

func packed(h *History) *Packed {
	k := newPacker()
	for i := range h.Ops {
		k.add(&h.Ops[i])
	}
	return k.done()
}

// TestPackedIsJudgedAlike: a packed history holds the same operations, with and without room for them, and all that is said
// of it is the same.
func TestPackedIsJudgedAlike(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(17, 4))
	verdicts := map[Verdict]int{}
	for n := range 400 {
		h := randomHistory(r, shape{ops: 1 + r.IntN(3*blockOps), clients: 1 + r.IntN(5), keys: 1 + r.IntN(3), span: 12, unknown: 0.1, scans: n%2 == 0})
		for range n % 3 {
			mutate(r, h)
		}
		p := packed(h)
		require.Equal(t, h, wholeOf(p))
		var room Room
		for i := range h.Ops {
			require.Equal(t, h.Ops[i], *p.At(i, &room))
		}
		want := Check(h, Options{KeyTimeout: time.Minute})
		require.Equal(t, want, Check(p, Options{KeyTimeout: time.Minute}))
		verdicts[want.Verdict]++
	}
	require.Greater(t, verdicts[OK], 50)
	require.Greater(t, verdicts[FAIL], 50)
}

// TestPackedIsSmall: what an operation takes does not grow with the history.
func TestPackedIsSmall(t *testing.T) {
	t.Parallel()
	for _, ops := range []int{20_000, 100_000} {
		h := largeHistory(ops, 10, 10)
		sortHistory(h)
		require.Less(t, packed(h).bytes(), 40*ops)
	}
}

// TestPackedRoom: without room an operation is good for ever, and none gets what another has in room.
func TestPackedRoom(t *testing.T) {
	t.Parallel()
	one, two := "1", "2"
	p := packed(&History{Ops: []Op{
		{ID: 1, Kind: CAS, Key: "x", Expect: &one, Value: "a", Outcome: Ok, Swapped: true, Err: "e", Term: 3},
		{ID: 7, Client: -1, Kind: CAS, Key: "y", Expect: &two, Value: "b", Outcome: Unknown, Return: Never, Invoke: -5},
		{ID: 3, Kind: "odd", Outcome: "odder", Invoke: 3, Return: 1},
		{ID: 4, Kind: Delete, Key: "x", Outcome: Failed},
	}})
	kept, room := p.At(0, nil), new(Room)
	require.Equal(t, "1", *p.At(0, room).Expect)
	require.Equal(t, Op{ID: 7, Client: -1, Kind: CAS, Key: "y", Expect: &two, Value: "b", Outcome: Unknown, Return: Never, Invoke: -5}, *p.At(1, room))
	require.Equal(t, "1", *kept.Expect)
	require.Equal(t, Op{ID: 3, Kind: "odd", Outcome: "odder", Invoke: 3, Return: 1}, *p.At(2, room))
	require.Equal(t, Op{ID: 4, Kind: Delete, Key: "x", Outcome: Failed}, *p.At(3, room))
}
