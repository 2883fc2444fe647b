package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/world"
	"ordeal/world/sim"
)

// TestChangeThatNobodyWaitsFor: whoever asked for a change of members has given up, but it is in the leader's log and may yet take
// effect. Until it has, or can't any more, the region does not count as well.
func TestChangeThatNobodyWaitsFor(t *testing.T) {
	t.Parallel()
	w := sim.New(sim.Config{Seed: 1, Net: sim.DefaultNet(), CheckPayloads: true})
	defer w.Close()
	cfg := DefaultConfig()
	cfg.Clients, cfg.Stores, cfg.Replicas, cfg.SplitKeys = 1, 5, 3, nil
	c, err := NewSim(w, cfg)
	require.NoError(t, err)
	require.NoError(t, c.Start())
	ready := func() bool {
		rs := c.Regions()
		return len(rs) == 1 && len(rs[0].Peers) == cfg.Replicas && c.Ails(rs[0].ID) == ""
	}
	require.True(t, w.RunWhile(func() bool { return !ready() }, w.Now().Add(20*time.Second)))
	r := c.Regions()[0]
	for _, s := range c.Stores() {
		if s != r.Leader {
			c.Cut(r.Leader, s)
		}
	}
	asked := false
	w.Go(FirstClient, "c0", func(p world.Proc) {
		for _, m := range r.Peers {
			if m.Store != r.Leader {
				require.Error(t, c.RemovePeer(p, r.ID, m.Store))
				break
			}
		}
		asked = true
	})
	require.True(t, w.RunWhile(func() bool { return !asked }, w.Now().Add(10*time.Second)))
	require.Equal(t, "its replicas are about to change", c.Ails(r.ID))
	c.HealNetwork()
	require.True(t, w.RunWhile(func() bool { return c.Ails(r.ID) != "" }, w.Now().Add(20*time.Second)))
}
