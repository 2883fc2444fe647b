package cluster

import (
	"time"

	"ordeal/system/store"
	"ordeal/world"
)

// Orphan is a peer on a store that is up, which sleeps in trust of a leader whose store is down.
type Orphan struct {
	Store, Leader world.NodeID
	Region        uint64
	// Down is for how long the leader's store has been down and this one could have noticed.
	Down time.Duration
}

// Orphans lists them by store and region. Without a store that is down it costs nothing.
func (c *Sim) Orphans() []Orphan {
	down := map[world.NodeID]time.Duration{}
	for _, s := range c.stores {
		if !c.World.Up(s.id) {
			down[s.id] = c.World.Now().Sub(s.downSince)
		}
	}
	if len(down) == 0 {
		return nil
	}
	var out []Orphan
	c.eachPeer(func(on world.NodeID, v *store.PeerView) {
		leader := world.NodeID(v.Leads)
		if d, ok := down[leader]; ok && v.Asleep && !v.Leader && !c.World.Paused(on) {
			s := c.store(on)
			if d = min(d, c.World.Now().Sub(max(c.resumed, s.heard))); len(s.deaf) > 0 {
				d = 0
			}
			out = append(out, Orphan{Store: on, Leader: leader, Region: v.Region.GetId(), Down: d})
		}
	})
	return out
}

// noteDeaf has it noted which stores can't notice anything, beside what is then done with their loads.
func (c *Sim) noteDeaf(then func(uint64, int, store.Load)) func(uint64, int, store.Load) {
	return func(on uint64, shard int, l store.Load) {
		switch s := c.store(world.NodeID(on)); {
		case l.Barriers >= l.BarriersMax:
			s.deaf[shard] = true
		case s.deaf[shard]:
			delete(s.deaf, shard)
			s.heard = c.World.Now()
		}
		if then != nil {
			then(on, shard, l)
		}
	}
}

// Sleepers is how many of the cluster's peers sleep, and how many there are, on stores that are up.
func (c *Sim) Sleepers() (asleep, all int) {
	c.eachPeer(func(_ world.NodeID, v *store.PeerView) {
		all++
		if v.Asleep {
			asleep++
		}
	})
	return asleep, all
}

// eachPeer visits the peers of all stores that are up.
func (c *Sim) eachPeer(visit func(world.NodeID, *store.PeerView)) {
	for _, s := range c.stores {
		if !c.World.Up(s.id) {
			continue
		}
		for _, v := range s.store.Peers() {
			visit(s.id, &v)
		}
	}
}
