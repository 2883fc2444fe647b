package schedule

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

// TestDepartures: what has left a store for balance, and only that, is known for a while.
func TestDepartures(t *testing.T) {
	t.Parallel()
	var h history
	at := world.Time(0).Add(time.Hour)
	for i, kind := range []Kind{KindBalanceRegion, KindReplica, KindBalanceRegion} {
		outcome := OutcomeFinished
		if i == 2 {
			outcome = OutcomeCancelled
		}
		h.add(End{At: at, Outcome: outcome, Operator: &Operator{Region: uint64(i + 1), Kind: kind, Steps: []Step{RemovePeer{Store: 7, PeerID: 70}}}})
	}
	require.True(t, h.left(1, 7, at))
	require.False(t, h.left(1, 7, at.Add(time.Second)), "that is too long ago")
	require.False(t, h.left(1, 8, at), "another store")
	require.False(t, h.left(2, 7, at), "not for balance")
	require.False(t, h.left(3, 7, at), "it was cancelled")
}

// TestPatience: who was too slow gets twice the time, up to a bound, and who was not the usual time.
func TestPatience(t *testing.T) {
	t.Parallel()
	const usual = 10 * time.Second
	var h history
	require.Equal(t, usual, (*history)(nil).patience(1, KindReplica, usual))
	require.Equal(t, usual, h.patience(1, KindReplica, usual))
	end := func(kind Kind, outcome Outcome) {
		h.add(End{Outcome: outcome, Operator: &Operator{Region: 1, Kind: kind, Timeout: h.patience(1, kind, usual)}})
	}
	for _, want := range []time.Duration{2, 4, 8, 16, 16} {
		end(KindIsolation, OutcomeExpired)
		end(KindReplica, OutcomeFinished) // what the other one has begun is undone
		require.Equal(t, want*usual, h.patience(1, KindIsolation, usual))
		require.Equal(t, usual, h.patience(1, KindReplica, usual), "another kind")
		require.Equal(t, usual, h.patience(2, KindIsolation, usual), "another region")
	}
	for range historyMax - 1 {
		h.add(End{Outcome: OutcomeFinished, Operator: &Operator{Region: 2}})
	}
	require.Equal(t, usual, h.patience(1, KindIsolation, usual), "so long ago that it is forgotten")
	end(KindIsolation, OutcomeExpired)
	require.Equal(t, 2*usual, h.patience(1, KindIsolation, usual))
	end(KindIsolation, OutcomeFinished)
	require.Equal(t, usual, h.patience(1, KindIsolation, usual))
}
