package schedule

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLimitsCountEveryStoreAnOperatorTouches(t *testing.T) {
	t.Parallel()
	c := NewController(Limits{OperatorsMax: 2, OperatorsPerStoreMax: 1, HandoversMax: 3, HandoversPerStoreMax: 2})
	plan := func(region uint64, steps ...Step) *Operator {
		return &Operator{Region: region, Steps: steps, Timeout: time.Second}
	}
	move := plan(1, AddPeer{Store: 4, PeerID: 10}, TransferLeader{From: 1, To: 2}, RemovePeer{Store: 1, PeerID: 11})
	require.Empty(t, c.Add(move))
	require.Equal(t, "r1 has an operator", c.Add(plan(1, AddPeer{Store: 5, PeerID: 12})))
	require.Equal(t, "s2 has 1 operators", c.Add(plan(2, AddPeer{Store: 2, PeerID: 12})), "it is to lead")
	require.Empty(t, c.Add(plan(2, AddPeer{Store: 5, PeerID: 12})))
	require.Equal(t, "there are 2 operators", c.Add(plan(3, AddPeer{Store: 9, PeerID: 13})))

	// What only hands over is counted apart.
	require.Empty(t, c.Add(plan(3, TransferLeader{From: 1, To: 3})))
	require.Empty(t, c.Add(plan(4, TransferLeader{From: 1, To: 2})))
	require.Equal(t, "s1 has 2 handovers", c.Add(plan(5, TransferLeader{From: 3, To: 1})))
	require.Empty(t, c.Add(plan(5, TransferLeader{From: 3, To: 2})))
	require.Equal(t, "there are 3 handovers", c.Add(plan(6, TransferLeader{From: 8, To: 9})))

	c.end(move, OutcomeFinished, "", 0)
	require.Equal(t, "s5 has 1 operators", c.Add(plan(6, AddPeer{Store: 5, PeerID: 14})))
	require.Empty(t, c.Add(plan(6, AddPeer{Store: 1, PeerID: 14})), "s1 is free again")
	for _, o := range c.Operators() {
		c.end(o, OutcomeFinished, "", 0)
	}
	for _, of := range c.perLane {
		require.Zero(t, of.all)
		require.Empty(t, of.perStore)
	}
}
