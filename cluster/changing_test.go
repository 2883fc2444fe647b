package cluster

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

// TestChangeOnItsWay: while a command may be about to take a replica away, its region is one that ails, in which no other
// replica may be damaged; and for a while after it failed, since it may come to the leader late.
func TestChangeOnItsWay(t *testing.T) {
	t.Parallel()
	c := losing(t)
	region := c.Regions()[0]
	begun := c.World.Now()
	c.World.Go(SetupNode, "change", func(p world.Proc) {
		require.Error(t, c.RemovePeer(p, region.ID, 9))
		require.Contains(t, c.AilsOn(2), "its replicas are about to change")
		for _, s := range []world.NodeID{1, 2, 3} {
			c.Cut(SetupNode, s)
		}
		require.Error(t, c.RemovePeer(p, region.ID, 3))
	})
	c.World.Run(begun.Add(adminTimeout / 2))
	require.Contains(t, c.AilsOn(1), "its replicas are about to change")
	c.World.Run(begun.Add(adminTimeout + changeLinger/2))
	require.Contains(t, c.AilsOn(1), "its replicas are about to change")
	require.Len(t, c.Regions()[0].Peers, 3)
	c.World.Run(begun.Add(adminTimeout + changeLinger))
	require.Empty(t, c.AilsOn(1))
}
