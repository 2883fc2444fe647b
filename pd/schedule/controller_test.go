package schedule

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLimitsCountEveryStoreAnOperatorTouches(t *testing.T) {
	t.Parallel()
	c := NewController(Limits{OperatorsMax: 3, OperatorsPerStoreMax: 2})
	plan := func(region uint64, steps ...Step) *Operator {
		return &Operator{Region: region, Steps: steps, Timeout: time.Second}
	}
	move := plan(1, AddPeer{Store: 4, PeerID: 10}, TransferLeader{From: 1, To: 2}, RemovePeer{Store: 1, PeerID: 11})
	require.Empty(t, c.Add(move))
	require.Equal(t, "r1 has an operator", c.Add(plan(1, AddPeer{Store: 5, PeerID: 12})))
	require.Empty(t, c.Add(plan(2, TransferLeader{From: 1, To: 3})))
	require.Equal(t, "s1 has 2 operators", c.Add(plan(3, TransferLeader{From: 2, To: 1})))
	require.Empty(t, c.Add(plan(3, TransferLeader{From: 3, To: 2})))
	require.Equal(t, "there are 3 operators", c.Add(plan(4, AddPeer{Store: 9, PeerID: 13})))

	c.end(move, OutcomeFinished, "", 0)
	require.Equal(t, "s3 has 2 operators", c.Add(plan(4, AddPeer{Store: 3, PeerID: 14})))
	require.Empty(t, c.Add(plan(4, AddPeer{Store: 1, PeerID: 14})), "s1 is free again")
	for _, o := range c.Operators() {
		c.end(o, OutcomeFinished, "", 0)
	}
	require.Empty(t, c.perStore)
}
