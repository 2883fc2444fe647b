package cluster

import (
	"slices"

	"ordeal/internal/reach"
	"ordeal/nemesis"
	"ordeal/pd"
	"ordeal/system/store"
	"ordeal/world"
)

// States returns what a run of a cluster may come to.
func States() []reach.State { return slices.Concat(store.States(), pd.States) }

// awaited is a condition that somebody waits for.
type awaited struct {
	cond   nemesis.Condition
	region uint64 // 0 for any
	then   func(world.Proc, nemesis.Seen)
}

// States implements nemesis.Target.
func (c *Sim) States() []string {
	var names []string
	for _, s := range States() {
		names = append(names, s.Name)
	}
	return names
}

// Await implements nemesis.Target. Whoever learns of a state does so in the middle of a turn; the proc begins when that turn
// is over, before anything that the turn has brought about.
func (c *Sim) Await(cond nemesis.Condition, region uint64, then func(world.Proc, nemesis.Seen)) (forget func(), err error) {
	if cond.At {
		if err := c.switchOn(cond.State); err != nil {
			return nil, err
		}
	}
	w := &awaited{cond: cond, region: region, then: then}
	c.awaited = append(c.awaited, w)
	return func() { c.forget(w) }, nil
}

func (c *Sim) forget(w *awaited) {
	c.awaited = slices.DeleteFunc(c.awaited, func(x *awaited) bool { return x == w })
	if w.cond.At {
		c.switchOff()
	}
}

// came tells those who wait for a condition that it has come true.
func (c *Sim) came(cond nemesis.Condition, seen nemesis.Seen) {
	for _, w := range slices.Clone(c.awaited) {
		if w.cond.At != cond.At || w.cond.State != cond.State || (w.region != 0 && w.region != seen.Region) {
			continue
		}
		// A failpoint that is being passed is switched off only when the turn is over.
		c.awaited = slices.DeleteFunc(c.awaited, func(x *awaited) bool { return x == w })
		c.World.Interrupt(func() {
			c.switchOff()
			c.World.Go(NemesisNode, "when", func(p world.Proc) { w.then(p, seen) })
		})
	}
}

// listenForStates hears of states, beside those who do already.
func (c *Sim) listenForStates() {
	ofStore, ofPD := c.cfg.Store.Listener.Reached, c.cfg.PD.Listener.Reached
	c.cfg.Store.Listener.Reached = func(s uint64, state string, region, other uint64) {
		if ofStore != nil {
			ofStore(s, state, region, other)
		}
		c.came(nemesis.Condition{State: state}, nemesis.Seen{Store: world.NodeID(s), Region: region, Other: other})
	}
	c.cfg.PD.Listener.Reached = func(state string, region uint64) {
		if ofPD != nil {
			ofPD(state, region)
		}
		c.came(nemesis.Condition{State: state}, nemesis.Seen{Region: region})
	}
}
