package cluster

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"ordeal/system/client"
	"ordeal/system/engine"
	"ordeal/world"
	"ordeal/world/real"
)

const (
	// realTick is the default tick of stores, and of the placement driver's members, in the real world: elections take 0.2 s to 0.4 s.
	realTick = 20 * time.Millisecond
	// realSchedule is how often the placement driver looks for work there.
	realSchedule = 100 * time.Millisecond
	// realSplitBytes keeps a region, which is sent as one message when a replica is made of it, well below
	// real.FrameBytesMaxDefault.
	realSplitBytes = 16 << 20
	// realAdminTimeout bounds one admin call, and each question of a look, to a cluster in the real world.
	realAdminTimeout = 2 * time.Second
)

// Real is a cluster in the real world, all of it in this process: its nodes talk over loopback sockets and keep their
// data in folders. Nobody can look into its stores while they run; what is known of them is what they and the placement
// driver answer.
//
// Its methods may be called from any goroutine, and from procs unless they say otherwise.
type Real struct {
	admin
	World *real.World
	cfg   Config

	closing   chan struct{}
	closeOnce sync.Once

	// seen is what the last look saw.
	mu   sync.Mutex
	seen []knowledge
}

// errClosed is what a cluster answers that was closed.
var errClosed = errors.New("the cluster is closed")

// DefaultRealConfig is three replicas on three stores, with ticks short enough for tests on a busy machine.
func DefaultRealConfig() Config {
	c := DefaultConfig()
	c.Stores = 3
	c.Store.TickInterval = realTick
	c.Store.RegionSplitBytes = realSplitBytes
	c.PD.ScheduleEvery = realSchedule
	c.PD.Tick = realTick
	return c
}

// NewReal boots a cluster with its disks in folders of dir: "pd" (and "pd2", "pd3"), "s1", "s2" and so on, which are made if need be. What
// an earlier cluster left there goes on. The listener of cfg.Store is called on the goroutines of all stores; election
// jitter is the Raft library's own unless cfg.Store sets it.
func NewReal(cfg Config, dir string) (*Real, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	c := &Real{World: real.New(real.Config{}), cfg: cfg, closing: make(chan struct{})}
	c.admin = admin{find: c.region, drivers: cfg.drivers, timeout: realAdminTimeout}
	var nodes []world.Node
	for _, id := range cfg.pdNodes() {
		nodes = append(nodes, cfg.pdNode(id, engine.NewDirDisk(filepath.Join(dir, pdName(id))), pdHooks{}))
	}
	for _, id := range cfg.storeNodes() {
		nodes = append(nodes, cfg.storeNode(id, engine.NewDirDisk(filepath.Join(dir, storeName(id))), storeHooks{}))
	}
	for _, n := range nodes {
		if err := c.World.AddNode(n); err != nil {
			return nil, errors.Join(fmt.Errorf("cluster: %w", err), c.Close())
		}
	}
	return c, nil
}

// Start waits until the cluster is up: bootstrapped, split at the configured borders, every region with all its
// replicas. It must not be called from a proc.
func (c *Real) Start() error {
	err := c.Do(SetupNode, "setup", func(p world.Proc) error { return split(p, c.cfg) })
	if err != nil {
		return err
	}
	if why := c.Settle(startMax); why != "" {
		return fmt.Errorf("cluster: not ready after %v: %s", startMax, why)
	}
	return nil
}

// Do runs f as a proc and waits for it. It fails with f's error, and if the cluster is closed before f returns; f may
// then be running up to its next call.
func (c *Real) Do(node world.NodeID, name string, f func(world.Proc) error) error {
	ended := make(chan error, 1)
	c.World.Go(node, name, func(p world.Proc) {
		err := fmt.Errorf("proc %s on node %d ended before it returned", name, node)
		defer func() { ended <- err }()
		err = f(p)
	})
	select {
	case err := <-ended:
		return err
	case <-c.closing:
		return errClosed
	}
}

// Client returns a client of the cluster.
func (c *Real) Client(p world.Proc) *client.Client {
	return newClient(p, c.cfg.drivers(), c.cfg.Client)
}

// Settle waits until the cluster is at rest; after limit it returns what still keeps it from that. A cluster at rest has
// no gap in its key space, and every region has a leader and as many replicas as it should, which answer, agree on the
// region and have applied alike.
func (c *Real) Settle(limit time.Duration) string {
	why := ""
	err := c.Do(ProbeNode, "settle", func(p world.Proc) error {
		end := p.Now().Add(limit)
		for {
			all, err := c.look(p)
			switch {
			case err != nil:
				why = err.Error()
			default:
				why = c.restless(all)
			}
			if why == "" || p.Now() >= end {
				return nil
			}
			p.Sleep(settleStep)
		}
	})
	if err != nil {
		return err.Error()
	}
	return why
}

// Close stops every node and proc, waits until they have stopped and closes the disks, which keep everything. It must
// not be called from a proc. Calling it again does nothing.
func (c *Real) Close() error {
	c.closeOnce.Do(func() { close(c.closing) })
	return c.World.Shutdown()
}
