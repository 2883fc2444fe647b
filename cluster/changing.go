package cluster

import (
	"slices"
	"time"

	"ordeal/nemesis"
	"ordeal/world"
)

// A command that changes a region's replicas takes a while to come to the leader. Until then no store knows of it, and a
// fault that damages a disk would believe that the region keeps the replicas it has. So a cluster keeps account of the
// commands of its nemeses that are on their way.

// changeLinger is how long a command that seems to have failed is still taken to be on its way: some message of it may be.
const changeLinger = 2 * time.Second

// changing is one such command.
type changing struct {
	region uint64
	// waited says that somebody still waits for its answer; after that it is forgotten at until.
	waited bool
	until  world.Time
}

// change gives a command that changes a region's replicas.
func (c *Sim) change(p world.Proc, region uint64, command func() error) error {
	c.changes = slices.DeleteFunc(c.changes, func(x *changing) bool { return !x.waited && x.until <= p.Now() })
	x := &changing{region: region, waited: true}
	c.changes = append(c.changes, x)
	err := command()
	x.waited, x.until = false, p.Now()
	if err != nil {
		x.until = x.until.Add(changeLinger)
	}
	return err
}

// isChanging says whether such a command may be on its way.
func (c *Sim) isChanging(region uint64) bool {
	return slices.ContainsFunc(c.changes, func(x *changing) bool {
		return x.region == region && (x.waited || c.World.Now() < x.until)
	})
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
