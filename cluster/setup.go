package cluster

import (
	"fmt"
	"time"

	"ordeal/system/client"
	"ordeal/world"
)

// startMax bounds how long a new cluster may take until it is split, and then until it is ready; splitMax how much longer it may
// take for each split, one of which comes after the other, through a network that loses some of what it takes.
const (
	startMax = 120 * time.Second
	splitMax = 2 * time.Second
)

// splitLimit is how long all splits together may take.
func (c *Config) splitLimit() time.Duration {
	return startMax + time.Duration(len(c.SplitKeys))*splitMax
}

// Start brings a new cluster up: bootstrapped, split at the configured borders, every region with all its replicas.
func (c *Sim) Start() error {
	if len(c.cfg.SplitKeys) >= manyRegions {
		return c.startMany()
	}
	var failed error
	done := false
	c.World.Go(SetupNode, "setup", func(p world.Proc) {
		failed = split(p, c.cfg)
		done = true
	})
	limit := c.World.Now().Add(c.cfg.splitLimit())
	if !c.World.RunWhile(func() bool { return !done }, limit) {
		return fmt.Errorf("cluster: not split into %d regions after %v", len(c.cfg.SplitKeys)+1, c.cfg.splitLimit())
	}
	if failed != nil {
		return failed
	}
	if why := c.Settle(startMax); why != "" {
		return fmt.Errorf("cluster: not ready after %v: %s", startMax, why)
	}
	return nil
}

// split makes the regions that a cluster starts with, within startMax.
func split(p world.Proc, cfg Config) error {
	end := p.Now().Add(cfg.splitLimit())
	cl := newClient(p, cfg.drivers(), client.Options{OpTimeout: startMax})
	for _, key := range cfg.SplitKeys {
		for {
			r, _, err := cl.LocateRegion(key)
			if err != nil {
				return fmt.Errorf("cluster: split at %q: %w", key, err)
			}
			if string(r.GetStartKey()) == string(key) {
				break
			}
			// Whatever became of it shows in the next look.
			_, err = cl.Split(key)
			if p.Now() >= end {
				return fmt.Errorf("cluster: not split at %q after %v, the last error: %v", key, cfg.splitLimit(), err)
			}
			p.Sleep(splitPause)
		}
	}
	return nil
}

// splitPause is how long a split may take to reach the placement driver.
const splitPause = 20 * time.Millisecond

// settleStep is how often a cluster is looked at while it comes to rest.
const settleStep = 50 * time.Millisecond

// Settle lets time pass until the cluster is at rest; after limit it returns what still keeps it from that.
func (c *Sim) Settle(limit time.Duration) string {
	end := c.World.Now().Add(limit)
	for {
		why := c.Settled()
		if why == "" || c.World.Now() >= end {
			return why
		}
		c.World.Run(min(end, c.World.Now().Add(settleStep)))
	}
}
