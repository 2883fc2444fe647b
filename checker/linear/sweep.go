package linear

import (
	"ordeal/checker/register"
	"ordeal/world"
)

// sweep is the state of the sweep over time.
type sweep struct {
	// pending holds the items whose window has begun, one queue a class.
	pending [classes]queue
	// absent says that the key is.
	absent bool
}

// place puts items and zones into an order. It is false if it finds none.
//
// At one instant windows begin first, then those end whose last instant it is, then a zone begins.
func (c *Checker) place() bool {
	for k := range c.pending {
		c.pending[k] = c.pending[k][:0]
	}
	c.absent = true
	items, zones := c.items, c.zones
	for {
		when, due := register.Never, classes
		for k := range c.pending {
			if q := c.pending[k]; len(q) > 0 && q[0].to < when {
				when, due = q[0].to, k
			}
		}
		switch {
		case len(items) > 0 && items[0].from <= when && (len(zones) == 0 || items[0].from <= zones[0].from):
			c.begin(items[0])
			items = items[1:]
		case len(zones) > 0 && zones[0].from < when:
			if !c.enter(zones[0]) {
				return false
			}
			zones = zones[1:]
		case due == classes:
			return true // deletes of unknown outcome that nobody needs are left
		case !c.deadline(class(due)):
			return false
		}
	}
}

// begin is called at the first instant of an item's window.
func (c *Checker) begin(it item) {
	if it.class == absentRead && c.absent {
		c.emit(it.ref)
		return
	}
	c.pending[it.class].push(entry{it.to, it.ref})
}

// deadline is called at the last instant of the window of the first pending item of a class, which must be done now.
func (c *Checker) deadline(k class) bool {
	switch k {
	case absentRead: // pending only while the key is not absent
		return c.makeNil()
	case maker:
		c.useNil()
		return c.makeNil()
	case creator:
		if !c.absent && !c.makeNil() {
			return false
		}
	case definer:
		c.useNil()
	}
	c.emit(c.pending[k].pop())
	c.absent = false
	return true
}

// enter does a zone.
func (c *Checker) enter(z zone) bool {
	switch {
	case z.needsNil:
		if !c.absent && !c.makeNil() {
			return false
		}
	default:
		c.useNil()
		if z.leavesNil {
			c.emitAll(definer)
		}
	}
	c.emitChain(z.head)
	c.absent = z.leavesNil
	if c.absent {
		c.emitAll(absentRead)
	}
	return true
}

// makeNil makes the key absent. What was waiting to define a value goes right before, where nobody sees it; who
// was waiting for absent goes behind.
func (c *Checker) makeNil() bool {
	if len(c.pending[maker]) == 0 {
		return false
	}
	c.emitAll(definer)
	c.emit(c.pending[maker].pop())
	c.absent = true
	c.emitAll(absentRead)
	return true
}

// useNil is called where absent is about to go: one of those that wait for it can have it for nothing.
func (c *Checker) useNil() {
	if c.absent && len(c.pending[creator]) > 0 {
		c.emit(c.pending[creator].pop())
		c.absent = false
	}
}

func (c *Checker) emitAll(k class) {
	for _, e := range c.pending[k] {
		c.emit(e.ref)
	}
	c.pending[k] = c.pending[k][:0]
}

// emit puts an item into the order.
func (c *Checker) emit(ref int32) {
	if ref >= 0 {
		c.order = append(c.order, ref)
		return
	}
	c.emitChain(register.Value(-1 - ref))
}

func (c *Checker) emitChain(v register.Value) {
	c.order = append(c.order, c.cells[v].writer)
	for v != register.Absent {
		cl := &c.cells[v]
		for r := cl.reads; r != none; r = c.next[r] {
			c.order = append(c.order, r)
		}
		if cl.consumer == none {
			return
		}
		c.order = append(c.order, cl.consumer)
		v = c.steps[cl.consumer].Value
	}
}

// looseMatters says whether a conditional delete of unknown outcome that was left out may have happened: somebody wrote
// what it expects, nobody else replaced it, and it was invoked before the last step had returned that found absent.
func (c *Checker) looseMatters() bool {
	var until world.Time
	for i := range c.steps {
		if s := &c.steps[i]; s.SawNothing() {
			until = max(until, s.Ret)
		}
	}
	for _, i := range c.loose {
		s := &c.steps[i]
		if cl := &c.cells[s.Expect]; cl.writer != none && cl.consumer == none && s.Call <= until {
			return true
		}
	}
	return false
}
