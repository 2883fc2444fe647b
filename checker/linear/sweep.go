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
	// way is the value that the key holds, if there is an exit from it, else Absent.
	way register.Value
}

// place puts items and zones into an order. It is false if it finds none.
//
// At one instant windows begin first, then those end whose last instant it is, then a zone begins.
func (c *Checker) place() bool {
	for k := range c.pending {
		c.pending[k] = c.pending[k][:0]
	}
	c.absent, c.way = true, register.Absent
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
				c.where = zones[0].from
				return false
			}
			zones = zones[1:]
		case due == classes:
			return true // deletes of unknown outcome that nobody needs are left
		case !c.deadline(class(due), when):
			c.where = when
			return false
		}
	}
}

// begin is called at the first instant of an item's window.
func (c *Checker) begin(it item) {
	e := entry{it.to, it.ref, it.way}
	if it.class == absentRead && c.absent {
		c.emit(e)
		return
	}
	c.pending[it.class].push(e)
}

// deadline is called at the last instant of the window of the first pending item of a class, which must be done now.
func (c *Checker) deadline(k class, now world.Time) bool {
	switch k {
	case absentRead: // pending only while the key is not absent
		return c.makeNil(now)
	case maker:
		c.useNil(now)
		c.emitAll(definer)
		c.make()
		return true
	case creator:
		if !c.absent && !c.makeNil(now) {
			return false
		}
		c.create(now)
	case definer:
		c.useNil(now)
		c.leave(c.emit(c.pending[definer].pop()))
	}
	return true
}

// enter does a zone.
func (c *Checker) enter(z zone) bool {
	if z.needsNil {
		if !c.absent && !c.makeNil(z.from) {
			return false
		}
	} else {
		c.useNil(z.from)
		c.emitAll(definer)
	}
	c.emitChain(z.head)
	if z.leavesNil {
		c.becomeNil()
	} else {
		c.leave(z.way)
	}
	return true
}

// makeNil makes the key absent, by an exit from what it holds if there is one, since that costs nothing. Otherwise what
// was waiting to define a value goes right before a maker, where nobody sees it.
func (c *Checker) makeNil(now world.Time) bool {
	switch {
	case c.exit(now):
	case len(c.pending[maker]) == 0:
		return false
	default:
		c.emitAll(definer)
		c.make()
	}
	return true
}

func (c *Checker) make() {
	c.takeExit(c.emit(c.pending[maker].pop()))
	c.becomeNil()
}

// becomeNil is called when the key has become absent: all who were waiting for that are served.
func (c *Checker) becomeNil() {
	c.absent, c.way = true, register.Absent
	c.emitAll(absentRead)
}

// leave is called when the key has come to hold a value, from which there is an exit if way is it.
func (c *Checker) leave(way register.Value) { c.absent, c.way = false, way }

// useNil is called where absent, or a value that can become absent for nothing, is about to go: one of those that
// wait to create something can have it.
func (c *Checker) useNil(now world.Time) {
	c.exit(now)
	for c.absent && len(c.pending[creator]) > 0 {
		c.create(now)
	}
}

// create lets the first pending creator have absent, which comes back if there is an exit from what it leaves.
func (c *Checker) create(now world.Time) {
	c.leave(c.emit(c.pending[creator].pop()))
	c.exit(now)
}

// exit makes the key absent if there is an exit from what it holds.
func (c *Checker) exit(now world.Time) bool {
	if c.absent || c.way == register.Absent || c.exits[c.way].from > now {
		return false
	}
	c.takeExit(c.way)
	c.becomeNil()
	return true
}

func (c *Checker) emitAll(k class) {
	for _, e := range c.pending[k] {
		if way := c.emit(e); k == absentRead {
			c.takeExit(way)
		}
	}
	c.pending[k] = c.pending[k][:0]
}

// emit puts an item into the order, and returns its way.
func (c *Checker) emit(e entry) (way register.Value) {
	if e.ref >= 0 {
		c.order = append(c.order, e.ref)
	} else {
		c.emitChain(-1 - e.ref)
	}
	return e.way
}

func (c *Checker) emitChain(head int32) {
	order := c.order
	for i := head; i != none; i = c.next[i] {
		order = append(order, i)
	}
	c.order = order
}
