package linear

import (
	"slices"

	"ordeal/checker/register"
	"ordeal/world"
)

// zone is a chain that is current throughout [from, to].
type zone struct {
	from, to world.Time
	// head is the step that it begins with.
	head int32
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
	// ref is a step, or -1 minus the first step of a chain.
	ref int32
	// way is the value that a chain leaves, if there is an exit from it, else Absent.
	way   register.Value
	class class
}

// stretch is what is known of the steps of a chain so far: the least return, and the greatest call, which is that of
// the step at.
type stretch struct {
	first, last world.Time
	at          int32
}

// add adds steps by the least of their returns and the greatest of their calls, that of the step at. It is false if one
// of them returned before all that go before were invoked.
func (s *stretch) add(ret, call world.Time, at int32) bool {
	in := ret >= s.last
	s.first = min(s.first, ret)
	if call > s.last {
		s.last, s.at = call, at
	}
	return in
}

// chains makes zones and items of all chains. It is false if a step of a chain returned before one was invoked that
// goes before it, or if swaps expect each other's values in a circle that nothing leads into.
func (c *Checker) chains() bool {
	walked := 0
	for k := len(c.heads) - 1; k >= 0; k-- {
		if !c.cells[c.steps[c.heads[k]].Value].happened {
			continue
		}
		n, ok := c.chain(c.heads[k])
		if !ok {
			return false
		}
		walked += n
	}
	return walked == c.happened
}

// chain adds the chain that begins with a step, whose links it makes, and returns how many values it goes through.
func (c *Checker) chain(head int32) (values int, ok bool) {
	w := &c.steps[head]
	all := stretch{w.Ret, w.Call, head}
	leavesNil := false
	v, end := w.Value, head
	for {
		values++
		cl := &c.cells[v]
		if cl.reads != none {
			if !all.add(cl.readRet, c.steps[cl.lastRead].Call, cl.lastRead) {
				c.where = cl.readRet
				return values, false
			}
			c.next[end], end = cl.reads, cl.lastRead
		}
		if cl.consumer == none {
			break
		}
		s := &c.steps[cl.consumer]
		if !all.add(s.Ret, s.Call, cl.consumer) {
			c.where = s.Ret
			return values, false
		}
		c.next[end], end = cl.consumer, cl.consumer
		if v = s.Value; v == register.Absent {
			leavesNil = true
			break
		}
	}
	c.next[end] = none
	needsNil := w.Kind == register.Swap
	way := register.Absent
	if len(c.exits) > 0 && !leavesNil {
		if _, ok := c.exits[v]; ok {
			way = v
		}
	}
	if all.first < all.last {
		c.zones = append(c.zones, zone{all.first, all.last, head, way, needsNil, leavesNil})
		c.slots[all.at] = -int32(len(c.zones))
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
	c.add(all.at, item{all.last, all.first, -1 - head, way, class})
	return values, true
}

// add adds an item whose window begins with the call of the step at, which is no other's.
func (c *Checker) add(at int32, it item) {
	c.items = append(c.items, it)
	c.slots[at] = int32(len(c.items))
}

// arrange sorts zones and items and cuts the items' windows at the zones. It is false if two zones overlap, or if
// nothing is left of a window.
func (c *Checker) arrange() bool {
	c.sort()
	for i := 1; i < len(c.zones); i++ {
		if c.zones[i].from < c.zones[i-1].to {
			c.where = c.zones[i].from
			return false
		}
	}
	z := 0
	for i := range c.items {
		it := &c.items[i]
		for z < len(c.zones) && c.zones[z].to <= it.from {
			z++
		}
		if z == len(c.zones) {
			break
		}
		if c.zones[z].from < it.from {
			it.from = c.zones[z].to
		}
		it.to = c.outside(z, it.to, -1)
		if it.from > it.to {
			c.where = it.from
			return false
		}
	}
	c.takeExits()
	return true
}

// sort puts items into the order in which their windows begin, and zones into that in which they end, which is also
// that in which they begin if none overlap. Nothing need be compared for that: windows begin and zones end with the call
// of a step that is in nothing else, and the steps are sorted by call.
func (c *Checker) sort() {
	items, zones := slices.Grow(c.spareItems[:0], len(c.items)), slices.Grow(c.spareZones[:0], len(c.zones))
	for _, n := range c.slots {
		switch {
		case n > 0:
			items = append(items, c.items[n-1])
		case n < 0:
			zones = append(zones, c.zones[-n-1])
		}
	}
	c.items, c.spareItems = items, c.items
	c.zones, c.spareZones = zones, c.zones
	c.mergeLate()
}

// mergeLate puts the late items, whose windows begin otherwise than all others', where they belong.
func (c *Checker) mergeLate() {
	if len(c.late) == 0 {
		return
	}
	slices.SortStableFunc(c.late, func(a, b item) int {
		switch {
		case a.from < b.from:
			return -1
		case a.from > b.from:
			return 1
		default:
			return 0
		}
	})
	i, l := len(c.items)-1, len(c.late)-1
	c.items = append(c.items, c.late...)
	for to := len(c.items) - 1; l >= 0; to-- {
		if i >= 0 && c.items[i].from > c.late[l].from {
			c.items[to] = c.items[i]
			i--
		} else {
			c.items[to] = c.late[l]
			l--
		}
	}
	c.late = c.late[:0]
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
	for near := min(z+4, len(c.zones)); z < near; z++ {
		if c.zones[z].to > t {
			return z
		}
	}
	if z == len(c.zones) {
		return z
	}
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
