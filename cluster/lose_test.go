package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/nemesis"
	"ordeal/system/engine"
	"ordeal/world"
	"ordeal/world/sim"
)

// losing is a cluster with some data, at rest.
func losing(t *testing.T) *Sim {
	t.Helper()
	w := sim.New(sim.Config{Seed: 1, Net: sim.DefaultNet(), CheckPayloads: true})
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	cfg := DefaultConfig()
	cfg.Store.CapacityBytes = 1 << 40
	cfg.Stores, cfg.Clients, cfg.SplitKeys = 3, 1, [][]byte{[]byte("k5")}
	c, err := NewSim(w, cfg)
	require.NoError(t, err)
	require.NoError(t, c.Start())
	do(t, c, func(p world.Proc) {
		for i := range 20 {
			_, err := c.Client(p).Put([]byte(fmt.Sprintf("k%d", i)), []byte("v"))
			require.NoError(t, err)
		}
	})
	require.Empty(t, c.Settle(time.Minute))
	require.Empty(t, c.AilsOn(3))
	return c
}

// replace lets a new store join for one that is lost, and waits until nothing is left of that one.
func replace(t *testing.T, c *Sim, n world.NodeID) {
	t.Helper()
	require.Equal(t, []world.NodeID{n}, c.Lost())
	require.NotContains(t, c.Stores(), n)
	require.ErrorContains(t, c.Restart(n), "has lost its disk")
	require.ErrorContains(t, c.Lose(n), "there is no store")
	d := c.Damages()
	require.Len(t, d, 1)
	require.True(t, d[0].Lost)
	require.False(t, d[0].Repaired)
	do(t, c, func(p world.Proc) {
		joined, err := c.Join(p)
		require.NoError(t, err)
		require.Equal(t, world.NodeID(4), joined)
		p.Sleep(time.Second)
		require.NoError(t, c.Leave(p, n))
	})
	require.Contains(t, c.Lingering(), "which is lost, is offline")
	end := c.World.Now().Add(2 * time.Minute)
	for c.Lingering() != "" && c.World.Now() < end {
		c.World.Run(c.World.Now().Add(time.Second))
	}
	require.Empty(t, c.Lingering())
	require.Empty(t, c.Settle(time.Minute))
	require.True(t, c.Damages()[0].Repaired)
	require.Len(t, c.Stores(), 3)
	do(t, c, func(p world.Proc) {
		kvs, _, err := c.Client(p).Scan([]byte("k"), nil, 1000)
		require.NoError(t, err)
		require.Len(t, kvs, 20)
	})
}

// TestLostStoreIsReplaced: another store, with a new id, takes the place of one that lost its disk.
func TestLostStoreIsReplaced(t *testing.T) {
	t.Parallel()
	c := losing(t)
	require.NoError(t, c.Lose(3))
	require.NotEmpty(t, c.AilsOn(1))
	replace(t, c, 3)
}

// TestEmptyDiskUnderAnOldID: the store is refused, and nobody gets a vote out of it.
func TestEmptyDiskUnderAnOldID(t *testing.T) {
	t.Parallel()
	c := losing(t)
	require.NoError(t, c.Blank(2))
	require.Equal(t, []nemesis.Blank{{Store: 2}}, c.Blanks())
	c.World.Run(c.World.Now().Add(20 * time.Second))
	require.True(t, c.Up(2))
	require.Contains(t, c.Blanks()[0].Refused, "store 2 is known with disk")
	require.Contains(t, c.Blanks()[0].Refused, "it needs a new id")
	require.Empty(t, c.store(2).store.Peers(), "its regions have talked to it all the time")
	require.NotEmpty(t, c.AilsOn(1))

	// A crash does not help it.
	_, err := c.Crash(2)
	require.NoError(t, err)
	require.NoError(t, c.Restart(2))
	c.World.Run(c.World.Now().Add(5 * time.Second))
	require.Empty(t, c.store(2).store.Peers())
	require.NoError(t, c.Lose(2))
	require.Empty(t, c.Blanks())
	replace(t, c, 2)
}

// TestDamagedLogLosesTheStore: it refuses to start, and is replaced like any other that is lost.
func TestDamagedLogLosesTheStore(t *testing.T) {
	t.Parallel()
	c := losing(t)
	what, refused, err := c.RotLog(3, 77_777)
	require.NoError(t, err)
	require.Contains(t, what, "damaged record")
	require.Contains(t, refused, "store 3: open simulated disk")
	require.Contains(t, refused, "what was acknowledged is lost")
	replace(t, c, 3)
}

// TestDiskFailures: a store whose disk is full, or can't be read, goes down and says why; with room it starts and has everything.
func TestDiskFailures(t *testing.T) {
	t.Parallel()
	for trouble, point := range map[nemesis.DiskTrouble]string{
		{Full: true}:       engine.DiskFull,
		{Unreadable: true}: engine.DiskUnreadable,
	} {
		c := losing(t)
		var points []string
		c.World.OnCrash(func(n world.NodeID, crash *world.Crash) {
			require.Equal(t, world.NodeID(1), n)
			points = append(points, crash.Point)
		})
		_, err := c.Crash(1)
		require.NoError(t, err)
		require.NoError(t, c.Restart(1))
		require.NoError(t, c.HurtDisk(1, trouble))
		do(t, c, func(p world.Proc) {
			for i := range 200 {
				_, _ = c.Client(p).Put([]byte(fmt.Sprintf("k%d", i%20)), []byte("w"))
				_, _, _ = c.Client(p).Scan([]byte("k"), nil, 100)
			}
		})
		if trouble.Full {
			require.Equal(t, []string{point}, points)
			require.ErrorContains(t, c.Restart(1), "no space left on device")
			require.False(t, c.Sound())
		}
		touched := c.HealDisks()
		if !c.Up(1) {
			require.NoError(t, c.Restart(1))
			require.Positive(t, touched)
			require.Equal(t, point, points[0])
		}
		require.Empty(t, c.Settle(time.Minute))
	}
	require.ErrorContains(t, losing(t).HurtDisk(77, nemesis.DiskTrouble{Full: true}), "has no disk")
}

// TestDiskNearlyFull: a store without room refuses writes, tells the driver, and does everything else.
func TestDiskNearlyFull(t *testing.T) {
	t.Parallel()
	c := losing(t)
	for _, n := range c.Stores() {
		require.NoError(t, c.HurtDisk(n, nemesis.DiskTrouble{Low: true}))
	}
	c.World.Run(c.World.Now().Add(3 * time.Second))
	for _, s := range c.PD().Stores() {
		require.True(t, s.LowSpace(), "%v", s.String())
	}
	do(t, c, func(p world.Proc) {
		cl := c.Client(p)
		_, err := cl.Put([]byte("k1"), []byte("w"))
		require.ErrorContains(t, err, "its disk is nearly full")
		v, ok, _, err := cl.Get([]byte("k1"))
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, "v", string(v))
		_, err = cl.Delete([]byte("k1"))
		require.NoError(t, err)
	})
	require.Positive(t, c.HealDisks())
	c.World.Run(c.World.Now().Add(3 * time.Second))
	do(t, c, func(p world.Proc) {
		_, err := c.Client(p).Put([]byte("k1"), []byte("w"))
		require.NoError(t, err)
	})
}

// TestNewcomerIsNotLost: a store that the driver has not registered yet can't be given up, so its disk stays.
func TestNewcomerIsNotLost(t *testing.T) {
	t.Parallel()
	c := losing(t)
	n, err := c.Extend()
	require.NoError(t, err)
	require.Contains(t, c.AilsOn(n), "the placement driver does not know s4 yet")
	c.World.Run(c.World.Now().Add(5 * time.Second))
	require.Empty(t, c.AilsOn(n))
}

// TestLookAtAnUnreadableDisk: whoever asks from outside whether a store is empty gets an answer while its disk refuses to be read.
func TestLookAtAnUnreadableDisk(t *testing.T) {
	t.Parallel()
	c := losing(t)
	do(t, c, func(p world.Proc) {
		for i := range 40 { // more than the blocks that a start reads
			_, err := c.Client(p).Put([]byte(fmt.Sprintf("k%d", i)), make([]byte, 8<<10))
			require.NoError(t, err)
		}
	})
	for range 2 { // what was in the log is in a table after the first start
		_, err := c.Crash(1)
		require.NoError(t, err)
		require.NoError(t, c.Restart(1))
	}
	require.NoError(t, c.HurtDisk(1, nemesis.DiskTrouble{Unreadable: true}))
	require.Contains(t, c.lingers(1, nil), "which is to leave, has 2 peers")
}
