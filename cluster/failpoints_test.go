package cluster

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/world"
	"ordeal/world/sim"
)

// TestCrashInTheFirstStart: a failpoint may take down a store that has just joined before it is there.
func TestCrashInTheFirstStart(t *testing.T) {
	t.Parallel()
	w := sim.New(sim.Config{Seed: 1})
	c, err := NewSim(w, DefaultConfig())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	s := &simStore{id: c.nextStore()}
	c.stores = append(c.stores, s)
	require.NotPanics(t, func() { c.onCrash(s.id, &world.Crash{Node: s.id, Point: "crashAfterCommit"}) })
	require.Empty(t, c.views(s))
}
