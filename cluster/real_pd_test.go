package cluster_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/cluster"
	"ordeal/nemesis"
	"ordeal/world"
)

// A driver of three members goes on when one is lost, and remembers all when all were.
func TestRealDriverOfThree(t *testing.T) {
	t.Parallel()
	cfg := cluster.DefaultRealConfig()
	cfg.PDs = 3
	dir := t.TempDir()
	c := newReal(t, cfg, dir)
	require.Len(t, c.PDs(), 3)
	allocate := func() (id uint64) {
		require.NoError(t, c.Do(cluster.FirstClient, "caller", func(p world.Proc) (err error) {
			id, err = c.Client(p).AllocID()
			return err
		}))
		return id
	}
	last := allocate()

	schedule, err := nemesis.ParseSchedule("+0.1s for 1s kill pd leader\n+1.500s pd-leader-transfer to(0)\n+2s for 1s pd-partition leader members\n")
	require.NoError(t, err)
	hurt := make(chan []nemesis.Record, 1)
	c.World.Go(cluster.NemesisNode, "nemesis", func(p world.Proc) { hurt <- nemesis.Run(p, c, schedule, time.Minute, nil) })
	for done := false; !done; {
		select {
		case records := <-hurt:
			for _, r := range records {
				t.Log(r)
			}
			require.True(t, records[0].Bit)
			done = true
		default:
		}
		id := allocate()
		require.Greater(t, id, last)
		last = id
	}
	require.Empty(t, c.Settle(settleMax))
	require.NotZero(t, c.PDLeader())
	require.NoError(t, c.Close())

	c = newReal(t, cfg, dir)
	require.Greater(t, allocate(), last)
}
