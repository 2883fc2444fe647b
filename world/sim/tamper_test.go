package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tampered sends messages from node 1 to node 2, of which those from the start on are kept, tampers with some of them, and
// returns what arrived.
func tampered(t *testing.T, what Tampering) (got []uint64, done, after Tampered) {
	_, got = burst(t, calm(), 3000, time.Millisecond, func(w *World) {
		w.Keep(2)
		w.After(time.Second, func() { w.Tamper(2, what) })
		w.After(2*time.Second, func() { done = w.EndTamper(2) })
		w.After(3*time.Second, func() { after = w.EndTamper(2) })
	})
	return got, done, after
}

func TestTamperLate(t *testing.T) {
	t.Parallel()
	got, done, after := tampered(t, Tampering{Late: 0.2, Within: 100 * time.Millisecond})
	require.Len(t, got, 3000, "nothing is lost")
	require.InDelta(t, 200, done.Late, 50)
	require.Zero(t, done.Again+done.Old)
	require.Equal(t, Tampered{}, after)
	require.IsIncreasing(t, got[:1000])
	overtaken := 0
	for i := 1; i < len(got); i++ {
		if got[i] < got[i-1] {
			overtaken++
		}
	}
	require.Greater(t, overtaken, 100)
}

func TestTamperAgain(t *testing.T) {
	t.Parallel()
	got, done, _ := tampered(t, Tampering{Again: 0.2, Within: 100 * time.Millisecond})
	require.Len(t, got, 3000+int(done.Again))
	require.InDelta(t, 200, done.Again, 50)
	times := map[uint64]int{}
	for _, n := range got {
		times[n]++
		require.LessOrEqual(t, times[n], 2)
	}
}

// Old messages are as old as the world, not as the tampering.
func TestTamperOld(t *testing.T) {
	t.Parallel()
	got, done, _ := tampered(t, Tampering{Old: 0.2, Within: 100 * time.Millisecond})
	require.Len(t, got, 3000+int(done.Old))
	require.InDelta(t, 200, done.Old, 50)
	oldest, high := uint64(0), uint64(0)
	for _, n := range got {
		if n < high {
			oldest = max(oldest, high-n)
		}
		high = max(high, n)
	}
	require.Greater(t, oldest, uint64(900))
}

// Requests belong to a call, and other nodes are left alone.
func TestTamperLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	_, got := burst(t, calm(), 1000, time.Millisecond, func(w *World) {
		w.Keep(7)
		w.Tamper(7, Tampering{Late: 1, Again: 1, Old: 1, Within: time.Second})
		require.Equal(t, Tampered{}, w.EndTamper(7))
	})
	require.Len(t, got, 1000)
	require.IsIncreasing(t, got)
	require.Nil(t, tamperOf(&event{kind: KindRequest, src: &node{tamper: &tamper{}}, to: &node{}}))
}
