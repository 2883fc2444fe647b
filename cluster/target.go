package cluster

import (
	"fmt"

	"ordeal/nemesis"
	"ordeal/system/client"
	"ordeal/world"
)

var _ nemesis.Target = (*Sim)(nil)

// Stores implements nemesis.Target.
func (c *Sim) Stores() (all []world.NodeID) {
	for _, s := range c.stores {
		if !s.lost {
			all = append(all, s.id)
		}
	}
	return all
}

// Procs implements nemesis.Target.
func (c *Sim) Procs() []world.NodeID { return c.cfg.clientNodes() }

// PDs implements nemesis.Target.
func (c *Sim) PDs() []world.NodeID { return c.cfg.pdNodes() }

// Up implements nemesis.Target.
func (c *Sim) Up(n world.NodeID) bool { return c.World.Up(n) }

// Cut implements nemesis.Target.
func (c *Sim) Cut(from, to world.NodeID) { c.World.Cut(from, to) }

// HealNetwork implements nemesis.Target.
func (c *Sim) HealNetwork() { c.World.HealNetwork() }

// MessagesCut implements nemesis.Target.
func (c *Sim) MessagesCut() uint64 { return c.World.MessagesCut() }

// Crash implements nemesis.Target.
func (c *Sim) Crash(n world.NodeID) (uint64, error) {
	c.remember(n)
	return c.World.CrashNode(n)
}

// remember keeps what a store knows before it goes down.
func (c *Sim) remember(n world.NodeID) {
	if s := c.store(n); s != nil && c.World.Up(n) {
		s.last, s.downSince = s.store.Peers(), c.World.Now()
	}
}

// Restart implements nemesis.Target.
func (c *Sim) Restart(n world.NodeID) error {
	if s := c.store(n); s != nil && s.lost {
		return fmt.Errorf("store %d has lost its disk", n)
	}
	return c.World.Restart(n)
}

// Client returns a client of the cluster.
func (c *Sim) Client(p world.Proc) *client.Client { return c.ClientReading(p, c.cfg.Client.ReadFrom) }

// ClientReading returns a client that reads from such peers.
func (c *Sim) ClientReading(p world.Proc, from client.ReadFrom) *client.Client {
	opts := c.cfg.Client
	opts.ReadFrom = from
	return newClient(p, c.cfg.drivers(), opts)
}
