package cluster

import (
	"fmt"
	"time"

	"ordeal/system/client"
	"ordeal/system/region"
	"ordeal/world"
)

// A cluster that starts with many regions grows in two generations. Splitting is cheap: the parts are born where the
// region was, with all of its replicas, and led from where it was led. Adding a replica is not, nor is moving one. So the
// first region gets its replicas first; it is cut into a few parts, which the placement driver spreads over the stores; and
// when they are spread, all of them are cut at the same time into the many.

const (
	// manyRegions is from how many borders on a cluster grows so. With fewer, regions are cut one by one and get their
	// replicas each for itself, which shows more of the placement driver.
	manyRegions = 256
	// firstParts is about how many parts the first generation has. It must be so few that they are spread soon, and so
	// many that the last generation is even.
	firstParts = region.SplitKeysMax
	// evenWithin is by how many leaders, or replicas, two stores may differ to be called even. It is what the placement
	// driver leaves alone.
	evenWithin = 2
	// spreadMax bounds how long the first generation is given to become even. If it does not, the regions are
	// spread less evenly, and that is all.
	spreadMax = 30 * time.Second
)

// startMany brings a cluster with many regions up; see Start.
func (c *Sim) startMany() error {
	keys := c.cfg.SplitKeys
	if why := c.Settle(startMax); why != "" {
		return fmt.Errorf("cluster: the first region is not ready after %v: %s", startMax, why)
	}
	first, rest := generations(keys, len(c.stores))
	if err := c.cutAll([][][]byte{first}); err != nil {
		return err
	}
	c.awaitEven(spreadMax)
	if err := c.cutAll(rest); err != nil {
		return err
	}
	if why := c.Settle(startMax); why != "" {
		return fmt.Errorf("cluster: not ready after %v: %s", startMax, why)
	}
	return nil
}

// generations divides borders into those that cut the first region into parts, as many for each store, and for each part
// those that cut it further.
func generations(keys [][]byte, stores int) (first [][]byte, rest [][][]byte) {
	parts := max(firstParts/stores*stores, 1)
	regions := len(keys) + 1
	from := 0
	for i := 1; i <= parts; i++ {
		to := i * regions / parts // the region with which the next part begins
		rest = append(rest, keys[from:to-1])
		if i < parts {
			first = append(first, keys[to-1])
		}
		from = to
	}
	return first, rest
}

// cutAll cuts regions at the same time, each list of keys by a proc of its own.
func (c *Sim) cutAll(lists [][][]byte) error {
	var failed error
	cutting := len(lists)
	for _, keys := range lists {
		c.World.Go(SetupNode, "cut", func(p world.Proc) {
			if err := cut(p, c.cfg.drivers(), keys); err != nil {
				failed = err
			}
			cutting--
		})
	}
	if !c.World.RunWhile(func() bool { return cutting > 0 }, c.World.Now().Add(startMax)) {
		return fmt.Errorf("cluster: not split into %d regions after %v", len(c.cfg.SplitKeys)+1, startMax)
	}
	return failed
}

// cut splits one region at keys, as many at once as a split takes, within startMax.
func cut(p world.Proc, drivers []world.Addr, keys [][]byte) error {
	end := p.Now().Add(startMax)
	cl := newClient(p, drivers, client.Options{OpTimeout: startMax})
	for len(keys) > 0 {
		r, _, err := cl.LocateRegion(keys[0])
		if err != nil {
			return fmt.Errorf("cluster: split at %q: %w", keys[0], err)
		}
		some := keys[:min(len(keys), region.SplitKeysMax)]
		if string(r.GetStartKey()) == string(keys[0]) {
			keys = keys[len(some):] // a split is done as a whole
			continue
		}
		// The region goes on as its last part, which the next keys are for. Whatever became of it shows in the next look.
		_, err = cl.BatchSplit(some, true)
		if p.Now() >= end {
			return fmt.Errorf("cluster: not split at %q after %v, the last error: %v", keys[0], startMax, err)
		}
		if err != nil {
			p.Sleep(splitPause)
		}
	}
	return nil
}

// awaitEven lets time pass until every store has as many replicas, and leaders, as the others, for at most limit.
func (c *Sim) awaitEven(limit time.Duration) {
	end := c.World.Now().Add(limit)
	for c.World.Now() < end && !(c.Settled() == "" && even(currentOf(c.knowledge()), len(c.stores))) {
		c.World.Run(min(end, c.World.Now().Add(settleStep)))
	}
}

// even says whether stores have about as many leaders, and as many replicas, as each other.
func even(all []current, stores int) bool {
	leaders, replicas := make([]int, stores), make([]int, stores)
	for _, r := range all {
		if r.leader == 0 {
			return false
		}
		leaders[r.leader-1]++
		for _, m := range r.region.GetPeers() {
			replicas[m.GetStoreId()-1]++
		}
	}
	differ := func(n []int) int {
		least, most := n[0], n[0]
		for _, x := range n {
			least, most = min(least, x), max(most, x)
		}
		return most - least
	}
	return differ(leaders) <= evenWithin && differ(replicas) <= evenWithin
}
