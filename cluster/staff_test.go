package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/proto/ordealpb"
	"ordeal/world"
	"ordeal/world/sim"
)

// do runs f as a proc and waits for it.
func do(t *testing.T, c *Sim, f func(world.Proc)) {
	done := false
	c.World.Go(SetupNode, "test", func(p world.Proc) { f(p); done = true })
	require.True(t, c.World.RunWhile(func() bool { return !done }, c.World.Now().Add(time.Minute)))
}

// TestStaff: what a driver of three members is told to go by outlives a power loss of all of them, a store that is told to leave
// leaves, and orders are carried out.
func TestStaff(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.Stores, cfg.PDs = 4, 3
	w := sim.New(sim.Config{Seed: 1})
	c, err := NewSim(w, cfg)
	require.NoError(t, err)
	require.NoError(t, c.Start())
	do(t, c, func(p world.Proc) {
		_, err := c.Client(p).Policy(&ordealpb.PolicyRequest{Change: &ordealpb.PolicyRequest_Add{Add: "evict-leader-2"}})
		require.NoError(t, err)
		require.NoError(t, c.Leave(p, 1))
		_, err = c.Join(p)
		require.NoError(t, err)
	})
	for _, n := range c.PDs() {
		_, err := c.Crash(n)
		require.NoError(t, err)
		require.NoError(t, c.Restart(n))
	}
	end := w.Now().Add(time.Minute)
	gone := func() bool { return c.PDLeader() != 0 && len(c.Leaving()) == 1 && c.Lingering() == "" }
	for !gone() && w.Now() < end {
		w.Run(w.Now().Add(time.Second))
	}
	require.Empty(t, c.Lingering())
	require.Equal(t, []world.NodeID{1}, c.Leaving())
	require.Empty(t, c.Settle(time.Minute))
	r := c.Regions()[0]
	do(t, c, func(p world.Proc) {
		policy, err := c.Client(p).Policy(&ordealpb.PolicyRequest{})
		require.NoError(t, err)
		require.Contains(t, policy.GetSchedulers(), "evict-leader-2")
		for _, m := range r.Peers {
			if m.Store != r.Leader && m.Store != 2 {
				_, err = c.Client(p).Order(&ordealpb.OperatorRequest{RegionId: r.ID, What: &ordealpb.OperatorRequest_LeadFrom{LeadFrom: uint64(m.Store)}})
				require.NoError(t, err)
				return
			}
		}
		t.Errorf("nobody can lead instead: %+v", r)
	})
	w.Run(w.Now().Add(3 * time.Second))
	require.NotEqual(t, r.Leader, c.Regions()[0].Leader)
	require.NoError(t, w.Close())
}

// TestMachinesOfStoresThatLeft: of stores that have left, the machines of the latest few stay, others take their places, and ids go
// on where those of the driver's members would be.
func TestMachinesOfStoresThatLeft(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.Stores = 4
	w := sim.New(sim.Config{Seed: 1})
	c, err := NewSim(w, cfg)
	require.NoError(t, err)
	require.NoError(t, c.Start())
	c.born = StoresMax - 2
	for i := range 6 {
		leaves := c.Stores()[len(c.Stores())-4]
		w.Run(w.Now().Add(5 * time.Second)) // the driver has heard of all
		do(t, c, func(p world.Proc) {
			_, err := c.Join(p)
			require.NoError(t, err)
			require.NoError(t, c.Leave(p, leaves))
		})
		require.Equal(t, i+1, c.Joined())
		for end := w.Now().Add(time.Minute); c.Lingering() != "" && w.Now() < end; {
			w.Run(w.Now().Add(time.Second))
		}
		require.Empty(t, c.Lingering())
		c.MakeRoom()
	}
	require.Equal(t, []world.NodeID{1, 2, 3, 4, 98, 99}, c.Leaving())
	require.Equal(t, []world.NodeID{4, 98, 99, 10001, 10002, 10003, 10004}, c.Stores())
	require.False(t, c.World.Up(1))
	require.Nil(t, c.store(1))
	require.Equal(t, StoresMax-7, c.MakeRoom())
	require.Equal(t, world.NodeID(98), c.Heir(1))
	require.Zero(t, c.Heir(10001))
	require.Empty(t, c.Lingering(), "the driver remembers all of them")
	require.Empty(t, c.Settle(time.Minute))
	require.NoError(t, w.Close())
}
