package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	gofail "go.etcd.io/gofail/runtime"

	"ordeal/nemesis"
	"ordeal/system/client"
	"ordeal/world"
	"ordeal/world/sim"
)

var _ nemesis.Target = (*Sim)(nil)

// Stores implements nemesis.Target.
func (c *Sim) Stores() []world.NodeID { return nodesFrom(1, len(c.stores)) }

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
func (c *Sim) Restart(n world.NodeID) error { return c.World.Restart(n) }

// Client returns a client of the cluster.
func (c *Sim) Client(p world.Proc) *client.Client { return c.ClientReading(p, c.cfg.Client.ReadFrom) }

// ClientReading returns a client that reads from such peers.
func (c *Sim) ClientReading(p world.Proc, from client.ReadFrom) *client.Client {
	opts := c.cfg.Client
	opts.ReadFrom = from
	return newClient(p, c.cfg.drivers(), opts)
}

// crashPrefix begins the names of failpoints that crash a store.
const crashPrefix = "crash"

// Failpoints implements nemesis.Target.
func (c *Sim) Failpoints() []string {
	var names []string
	for _, n := range gofail.List() {
		if strings.HasPrefix(n, crashPrefix) {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

// ArmCrash implements nemesis.Target. A point is armed for one node at a time; failpoints are the process's, so one
// simulation at a time can use them.
func (c *Sim) ArmCrash(point string, n world.NodeID) error {
	if err := gofail.Enable(point, fmt.Sprintf("return(%d)", n)); err != nil {
		return fmt.Errorf("arm %s: %w", point, err)
	}
	c.armed[point] = n
	return nil
}

// DisarmCrashes implements nemesis.Target.
func (c *Sim) DisarmCrashes() []string {
	for _, point := range slices.Sorted(maps.Keys(c.armed)) {
		_ = gofail.Disable(point)
		delete(c.armed, point)
	}
	hit := c.hit
	c.hit = nil
	return hit
}

// onCrash is told that a node went down; point is nil unless a failpoint did it.
func (c *Sim) onCrash(n world.NodeID, crash *world.Crash) {
	if crash == nil {
		return
	}
	if crash.Point != sim.FsyncFailed {
		c.hit = append(c.hit, crash.Point)
	}
	if s := c.store(n); s != nil {
		s.last, s.downSince = s.store.Peers(), c.World.Now()
	}
	if _, ok := c.armed[crash.Point]; ok {
		_ = gofail.Disable(crash.Point)
		delete(c.armed, crash.Point)
	}
}
