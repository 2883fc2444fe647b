package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/world"
	"ordeal/world/sim"
)

// TestOrphansOnADeafStore: a store whose disk is too far behind does not notice that a leader is gone, and need not until it hears
// again.
func TestOrphansOnADeafStore(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.Stores, cfg.SplitKeys = 3, [][]byte{[]byte("m")}
	cfg.Store.HibernateTicks, cfg.Store.BarriersMax = 2, 1
	w := sim.New(sim.Config{Seed: 1, Net: sim.NetConfig{LatencyMin: time.Millisecond, LatencyMax: time.Millisecond}})
	c, err := NewSim(w, cfg)
	require.NoError(t, err)
	require.NoError(t, c.Start())
	w.Run(w.Now().Add(10 * time.Second))
	asleep, all := c.Sleepers()
	require.Equal(t, all, asleep)

	leader := c.Regions()[0].Leader
	deaf := leader%3 + 1
	if c.Regions()[1].Leader == deaf {
		deaf = deaf%3 + 1
	}
	require.NoError(t, w.HurtDisk(deaf, sim.DiskTrouble{Stalled: true}))
	do(t, c, func(p world.Proc) {
		_, err := c.Client(p).Put([]byte("z"), []byte("z"))
		require.NoError(t, err)
	})
	_, err = c.Crash(leader)
	require.NoError(t, err)
	w.Run(w.Now().Add(5 * time.Second))
	orphan := Orphan{Store: deaf, Leader: leader, Region: c.Regions()[0].ID}
	require.Contains(t, c.Orphans(), orphan)

	w.HealDisk(deaf)
	w.Run(w.Now().Add(500 * time.Millisecond))
	i := 0
	orphans := c.Orphans()
	for ; i < len(orphans) && orphans[i].Store != deaf; i++ {
	}
	require.Less(t, i, len(orphans))
	require.InDelta(t, 500, orphans[i].Down.Milliseconds(), 10, "since it hears")
	w.Run(w.Now().Add(2 * time.Second))
	require.Empty(t, c.Orphans())
	require.NoError(t, w.Close())
}
