package linear

import (
	"slices"

	"ordeal/checker/register"
	"ordeal/world"
)

// exit is a way from a value to absent that may have been gone: a conditional delete of unknown outcome, or a swap of
// unknown outcome whose value nobody is known to have seen, to a value from which there is an exit.
type exit struct {
	// from is the greatest call on the way.
	from world.Time
	// step is the first one; it leads to next.
	step int32
	next register.Value
}

// findExits finds for each value the exit that is open first. Writes that may not have happened, and from whose value
// there is an exit, become makers.
func (c *Checker) findExits() {
	clear(c.exits)
	if len(c.loose) > 0 && c.exits == nil {
		c.exits = map[register.Value]exit{}
	}
	for _, i := range c.loose {
		s := &c.steps[i]
		way := exit{s.Call, i, register.Absent}
		for v := s.Expect; c.addExit(v, way); {
			w := c.cells[v].writer
			s := &c.steps[w]
			if c.cells[v].happened || s.Kind != register.Swap || s.Expect == register.Absent {
				break
			}
			v, way = s.Expect, exit{max(way.from, s.Call), w, v}
		}
	}
	for _, i := range c.loose {
		c.addMakers(i)
	}
}

// addExit adds a way, unless there is one that is open earlier, or the value was not written or certainly replaced.
func (c *Checker) addExit(v register.Value, way exit) bool {
	if cl := &c.cells[v]; cl.writer == none || cl.consumer != none {
		return false
	}
	if old, ok := c.exits[v]; ok && old.from <= way.from {
		return false
	}
	c.exits[v] = way
	return true
}

// addMakers makes a maker of the write that a conditional delete of unknown outcome goes back to, if that may not have
// happened either, and has not become one yet.
func (c *Checker) addMakers(loose int32) {
	v := c.steps[loose].Expect
	for hops := 0; hops < len(c.exits); hops++ {
		way, ok := c.exits[v]
		if !ok || c.cells[v].happened {
			return
		}
		i := c.cells[v].writer
		w := &c.steps[i]
		if w.Kind == register.Write {
			if !c.cells[v].taken {
				c.cells[v].taken = true
				c.late = append(c.late, item{max(way.from, w.Call), register.Never, i, v, maker})
			}
			return
		}
		v = w.Expect
	}
}

// takeExits makes makers of those that could define a value, if there is an exit in time: done with it they leave
// absent, which is never worse.
func (c *Checker) takeExits() {
	if len(c.exits) == 0 {
		return
	}
	c.items = slices.DeleteFunc(c.items, func(it item) bool {
		if it.class != definer || it.way == register.Absent {
			return false
		}
		from := c.outside(0, max(it.from, c.exits[it.way].from), +1)
		if from > it.to {
			return false
		}
		it.class, it.from = maker, from
		c.late = append(c.late, it)
		return true
	})
	c.mergeLate()
}

// takeExit puts the way from a value to absent into the order. From Absent there is none to go.
func (c *Checker) takeExit(v register.Value) {
	for v != register.Absent {
		way := c.exits[v]
		c.order = append(c.order, way.step)
		v = way.next
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
