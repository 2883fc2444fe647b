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
