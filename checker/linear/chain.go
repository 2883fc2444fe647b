package linear

import (
	"cmp"
	"math"
	"slices"

	"ordeal/checker/register"
	"ordeal/world"
)

// zone is a chain that is current throughout [from, to].
type zone struct {
	from, to world.Time
	head     register.Value
	// way is the value that it leaves, if there is an exit from it, else Absent.
	way register.Value
	// needsNil says that it begins with a swap from absent, leavesNil that it ends with a conditional delete.
	needsNil, leavesNil bool
}

// class is a kind of item.
type class uint8

const (
	// absentRead needs absent and leaves it: a read of absent, or a chain from absent to absent.
	absentRead class = iota
	// maker leaves absent, whatever was there: a delete, or a chain that ends with a conditional one.
	maker
	// creator needs absent and leaves a value.
	creator
	// definer leaves a value, whatever was there.
	definer
	classes = iota
)

// item is something that can be done at one instant of [from, to], both included.
type item struct {
	from, to world.Time
	// ref is a step, or -1 minus the first value of a chain.
	ref int32
	// way is the value that a chain leaves, if there is an exit from it, else Absent.
	way   register.Value
	class class
}

// chains makes zones and items of all chains. It is false if a step of a chain returned before one was invoked that
// goes before it, or if swaps expect each other's values in a circle that nothing leads into.
func (c *Checker) chains() bool {
	written, walked := 0, 0
	for v := range c.cells {
		if !c.cells[v].happened {
			continue
		}
		written++
		if w := &c.steps[c.cells[v].writer]; w.Kind == register.Swap && w.Expect != register.Absent {
			continue
		}
		n, ok := c.chain(register.Value(v))
		if !ok {
			return false
		}
		walked += n
	}
	return walked == written
}

// chain adds the chain that begins with a value and returns how many values it goes through.
func (c *Checker) chain(head register.Value) (values int, ok bool) {
	first, last := register.Never, world.Time(math.MinInt64)
	// add is false for steps of which one returned before all that go before were invoked.
	add := func(ret, call world.Time) bool {
		in := ret >= last
		if !in {
			c.where = ret
		}
		first, last = min(first, ret), max(last, call)
		return in
	}
	w := &c.steps[c.cells[head].writer]
	add(w.Ret, w.Call)
	leavesNil := false
	v := head
	for {
		values++
		cl := &c.cells[v]
		if cl.reads != none && !add(cl.readRet, cl.readCall) {
			return values, false
		}
		if cl.consumer == none {
			break
		}
		s := &c.steps[cl.consumer]
		if !add(s.Ret, s.Call) {
			return values, false
		}
		if v = s.Value; v == register.Absent {
			leavesNil = true
			break
		}
	}
	needsNil := w.Kind == register.Swap
	way := register.Absent
	if _, ok := c.exits[v]; ok && !leavesNil {
		way = v
	}
	if first < last {
		c.zones = append(c.zones, zone{first, last, head, way, needsNil, leavesNil})
		return values, true
	}
	class := definer
	switch {
	case needsNil && leavesNil:
		class = absentRead
	case leavesNil:
		class = maker
	case needsNil:
		class = creator
	}
	c.items = append(c.items, item{last, first, -1 - int32(head), way, class})
	return values, true
}

// arrange sorts zones and items and cuts the items' windows at the zones. It is false if two zones overlap, or if
// nothing is left of a window.
func (c *Checker) arrange() bool {
	slices.SortFunc(c.zones, func(a, b zone) int { return cmp.Compare(a.from, b.from) })
	for i := 1; i < len(c.zones); i++ {
		if c.zones[i].from < c.zones[i-1].to {
			c.where = c.zones[i].from
			return false
		}
	}
	c.sortItems()
	z := 0
	for i := range c.items {
		it := &c.items[i]
		for z < len(c.zones) && c.zones[z].to <= it.from {
			z++
		}
		if z == len(c.zones) {
			break
		}
		it.from = c.outside(z, it.from, +1)
		it.to = c.outside(z, it.to, -1)
		if it.from > it.to {
			c.where = it.from
			return false
		}
	}
	c.takeExits()
	return true
}

func (c *Checker) sortItems() {
	slices.SortFunc(c.items, func(a, b item) int {
		switch {
		case a.from < b.from:
			return -1
		case a.from > b.from:
			return 1
		default:
			return int(a.ref) - int(b.ref)
		}
	})
}

// outside is t, or if that is inside a zone, from z on, its end (+1) or its beginning (-1).
func (c *Checker) outside(z int, t world.Time, direction int) world.Time {
	k := c.zoneAfter(z, t)
	switch {
	case k == len(c.zones) || c.zones[k].from >= t:
		return t
	case direction > 0:
		return c.zones[k].to
	default:
		return c.zones[k].from
	}
}

// zoneAfter is the first zone from z on that ends after t. It looks near z first, since most windows are short.
func (c *Checker) zoneAfter(z int, t world.Time) int {
	step := 1
	for z+step < len(c.zones) && c.zones[z+step].to <= t {
		step *= 2
	}
	near := c.zones[z:min(z+step+1, len(c.zones))]
	n, _ := slices.BinarySearchFunc(near, t, func(zn zone, t world.Time) int {
		if zn.to <= t {
			return -1
		}
		return 1
	})
	return z + n
}
