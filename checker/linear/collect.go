package linear

import (
	"slices"

	"ordeal/checker/register"
	"ordeal/world"
)

// none is no place in the steps.
const none = -1

// cell is what is known about one value.
type cell struct {
	// writer wrote it and consumer replaced it: steps, or none.
	writer, consumer int32
	// reads is the first of its reads by call, and Checker.next leads from each to the next; lastRead is the last.
	reads, lastRead int32
	// readRet is the least return of its reads.
	readRet world.Time
	// happened says that the writer certainly acted.
	happened bool
	// taken says that a write that may not have happened has become a maker.
	taken bool
}

// collect fills in cells and the items that are no chains. It says whether nothing contradicts itself yet, and whether
// every value is written once, without which nothing else counts.
func (c *Checker) collect(values int) (sound, unique bool) {
	c.reset(values)
	sound = true
	for i := int32(len(c.steps)) - 1; i >= 0; i-- {
		s := &c.steps[i]
		if s.Kind != register.Read && s.Value != register.Absent {
			cl := &c.cells[s.Value]
			if cl.writer != none {
				return false, false
			}
			cl.writer, cl.happened = i, s.Sure
			if s.Sure {
				c.happened++
			}
			if s.Kind == register.Write || s.Expect == register.Absent {
				c.heads = append(c.heads, i)
			}
		}
		switch {
		case s.Kind == register.Read:
			sound = c.read(i, s) && sound
		case s.Kind == register.Swap && s.Expect == register.Absent:
			if s.Value == register.Absent && s.Sure {
				c.add(i, item{s.Call, s.Ret, i, register.Absent, absentRead})
			}
		case s.Kind == register.Swap && s.Sure:
			cl := &c.cells[s.Expect]
			sound = sound && cl.consumer == none
			cl.consumer = i
		case s.Kind == register.Swap && s.Value == register.Absent:
			c.loose = append(c.loose, i)
		case s.Value == register.Absent:
			c.add(i, item{s.Call, s.Ret, i, register.Absent, maker})
		}
	}
	return sound, true
}

// reset makes room at once for all that there may be, since lists that grow would leave behind as much again.
func (c *Checker) reset(values int) {
	c.happened = 0
	c.cells = slices.Grow(c.cells[:0], values)[:values]
	for v := range c.cells {
		c.cells[v] = cell{writer: none, consumer: none, reads: none, readRet: register.Never}
	}
	c.next = slices.Grow(c.next[:0], len(c.steps))[:len(c.steps)]
	c.slots = slices.Grow(c.slots[:0], len(c.steps))[:len(c.steps)]
	clear(c.slots)
	c.order = slices.Grow(c.order[:0], len(c.steps))
	chains, others := 0, 0
	for i := range c.steps {
		switch s := &c.steps[i]; {
		case s.Value == register.Absent:
			others++
		case s.Kind == register.Write, s.Kind == register.Swap && s.Expect == register.Absent:
			chains++
		}
	}
	c.heads = slices.Grow(c.heads[:0], chains)
	c.items = slices.Grow(c.items[:0], chains+others)
	c.late, c.zones, c.loose = c.late[:0], c.zones[:0], c.loose[:0]
}

// read adds a read. A conditional step that did not swap although it saw what it expected is unsound.
func (c *Checker) read(i int32, s *register.Step) bool {
	if s.Value == register.Absent {
		c.add(i, item{s.Call, s.Ret, i, register.Absent, absentRead})
		return s.Expect != s.Value
	}
	cl := &c.cells[s.Value]
	if cl.reads == none {
		cl.lastRead = i
	}
	c.next[i], cl.reads = cl.reads, i
	cl.readRet = min(cl.readRet, s.Ret)
	return s.Expect != s.Value
}

// follow decides which writes of unknown outcome happened: those whose value somebody saw. A swap among them saw what it
// expected, so it goes on from value to value. It is false if a value was seen that nobody wrote, or replaced twice.
func (c *Checker) follow() bool {
	for v := range c.cells {
		cl := &c.cells[v]
		if cl.happened || v == int(register.Absent) || cl.reads == none && cl.consumer == none {
			continue
		}
		for {
			if cl.writer == none {
				return false
			}
			if cl.happened {
				break
			}
			cl.happened = true
			c.happened++
			w := &c.steps[cl.writer]
			if w.Kind != register.Swap || w.Expect == register.Absent {
				break
			}
			seen := &c.cells[w.Expect]
			if seen.consumer != none {
				return false
			}
			seen.consumer = cl.writer
			cl = seen
		}
	}
	return true
}
