package cluster

import (
	"time"

	"ordeal/nemesis"
	"ordeal/world"
)

// A command that changes a region's replicas takes a while to come to the leader. Until then no store knows of it, and a
// fault that damages a disk would believe that the region keeps the replicas it has. So a cluster keeps account of the
// commands of its nemeses that are on their way.

// changeLinger is how long a command that seems to have failed is still taken to be on its way: some message of it may be.
const changeLinger = 2 * time.Second

// changing is what is on its way to one region.
type changing struct {
	// commands counts those that somebody waits for.
	commands int
	// until is when those that failed are forgotten.
	until world.Time
}

// change gives a command that changes a region's replicas.
func (c *Sim) change(p world.Proc, region uint64, command func() error) error {
	x := c.changes[region]
	if x == nil {
		x = &changing{}
		c.changes[region] = x
	}
	x.commands++
	err := command()
	x.commands--
	if err != nil {
		x.until = p.Now().Add(changeLinger)
	}
	return err
}

// isChanging says whether such a command may be on its way.
func (c *Sim) isChanging(region uint64) bool {
	x := c.changes[region]
	return x != nil && (x.commands > 0 || c.World.Now() < x.until)
}

// AddPeer implements nemesis.Target.
func (c *Sim) AddPeer(p world.Proc, region uint64, on world.NodeID) error {
	return c.change(p, region, func() error { return c.admin.AddPeer(p, region, on) })
}

// RemovePeer implements nemesis.Target.
func (c *Sim) RemovePeer(p world.Proc, region uint64, from world.NodeID) error {
	return c.change(p, region, func() error { return c.admin.RemovePeer(p, region, from) })
}

// ChangePeers implements nemesis.Target.
func (c *Sim) ChangePeers(p world.Proc, region uint64, changes []nemesis.PeerChange, explicitLeave bool) error {
	return c.change(p, region, func() error { return c.admin.ChangePeers(p, region, changes, explicitLeave) })
}
