package models

import (
	"hash/fnv"
	"slices"

	"ordeal/checker"
	"ordeal/world"
)

// growing is chain (chain.go) for a list or a set that is judged while operations on it go on. Reads that have returned show in
// levels how it grew. Each operation is compared, when it has returned, with what returned before it was invoked; so of two of
// which the first in the chain was invoked after the second had returned, the later is found to be wrong.
//
// When no operation is open, all that reads have shown is the base of whatever comes: a read that has less is wrong. How
// large the base is, and a hash of it, is then enough.
type growing struct {
	of order
	// base is how many elements are in the base, hash is of them.
	base   int
	hash   uint64
	levels []*level
	// writes are of elements that are not in the base, waiting those that no read has shown, in the order of their invocation.
	writes  map[string]*written
	waiting []*written
	// open is how many operations are open that will return.
	open int
}

// level is what a read had that a smaller one lacked; of a list, a single element.
type level struct {
	// size is how many elements there are up to here.
	size   int
	writes []*written
	// read is when the first read of that size returned, Never if none has.
	read world.Time
}

// written is an element.
type written struct {
	element string
	invoke  world.Time
	// ret is when the write returned, Never if it has not yet.
	ret   world.Time
	shown bool
}

func (g *growing) call(o *checker.Op) state {
	if o.Outcome == checker.Ok {
		g.open++
	}
	if o.Kind == checker.Get {
		return fine
	}
	if g.writes[o.Value] != nil {
		return writtenTwice
	}
	if g.writes == nil {
		g.writes = map[string]*written{}
	}
	w := &written{element: o.Value, invoke: o.Invoke, ret: checker.Never}
	g.writes[o.Value] = w
	g.waiting = append(g.waiting, w)
	return fine
}

func (g *growing) ret(o *checker.Op) state {
	g.open--
	if o.Kind != checker.Get {
		g.writes[o.Value].ret = o.Return
	} else if !g.shows(o) || !g.fits(o) {
		return inexplicable
	}
	if g.open == 0 {
		g.settle()
	}
	return fine
}

// shows takes in what a read has, and is false if no object that grows can have had it.
func (g *growing) shows(o *checker.Op) bool {
	if len(o.Items) < g.base {
		return false
	}
	if g.of == inList {
		return g.showsList(o.Items)
	}
	return g.showsSet(o.Items)
}

func (g *growing) showsList(items []string) bool {
	base := uint64(0)
	for _, e := range items[:g.base] {
		base = g.add(base, e)
	}
	if base != g.hash {
		return false
	}
	for i, e := range items[g.base:] {
		if i < len(g.levels) {
			if g.levels[i].writes[0].element != e {
				return false
			}
			continue
		}
		w := g.writes[e]
		if w == nil || w.shown || !g.show([]*written{w}) {
			return false
		}
	}
	return true
}

func (g *growing) showsSet(items []string) bool {
	had, fresh := map[*written]bool{}, []*written{}
	base, hash := 0, uint64(0)
	for _, e := range items {
		w := g.writes[e]
		switch {
		case w == nil:
			base, hash = base+1, g.add(hash, e)
		case had[w]:
			return false
		case !w.shown:
			fresh = append(fresh, w)
		}
		if w != nil {
			had[w] = true
		}
	}
	if base != g.base || hash != g.hash {
		return false
	}
	left := len(had) - len(fresh)
	for i := 0; i < len(g.levels) && left > 0; i++ {
		l := g.levels[i]
		in := slices.DeleteFunc(slices.Clone(l.writes), func(w *written) bool { return !had[w] })
		left -= len(in)
		switch {
		case len(in) == len(l.writes):
		case left > 0 || !g.split(i, in):
			return false // it lacks some of this level, and has what came later
		}
	}
	if len(fresh) == 0 {
		return true
	}
	return len(items) == g.size()+len(fresh) && g.show(fresh)
}

func (g *growing) size() int {
	if n := len(g.levels); n > 0 {
		return g.levels[n-1].size
	}
	return g.base
}

// show puts elements on top. It is false if one is still waiting that was acknowledged before one of them was written.
func (g *growing) show(fresh []*written) bool {
	for _, w := range fresh {
		w.shown = true
	}
	g.levels = append(g.levels, &level{size: g.size() + len(fresh), writes: fresh, read: checker.Never})
	g.waiting = slices.DeleteFunc(g.waiting, func(w *written) bool { return w.shown })
	return inOrder(fresh, g.waiting)
}

// split makes two levels of one, of which the first has these elements.
func (g *growing) split(i int, first []*written) bool {
	l := g.levels[i]
	l.writes = slices.DeleteFunc(l.writes, func(w *written) bool { return slices.Contains(first, w) })
	g.levels = slices.Insert(g.levels, i, &level{size: l.size - len(l.writes), writes: first, read: checker.Never})
	return inOrder(first, l.writes)
}

// inOrder says whether none of the second was acknowledged before one of the first was written.
func inOrder(first, second []*written) bool {
	latest := world.Time(0)
	for _, w := range first {
		latest = max(latest, w.invoke)
	}
	return !slices.ContainsFunc(second, func(w *written) bool { return w.ret < latest })
}

// fits compares a read with what had returned before it was invoked: it must have all of that.
func (g *growing) fits(o *checker.Op) bool {
	late := func(w *written) bool { return w.ret < o.Invoke }
	for _, l := range g.levels {
		if l.size > len(o.Items) && (l.read < o.Invoke || slices.ContainsFunc(l.writes, late)) {
			return false
		}
		if l.size == len(o.Items) {
			l.read = min(l.read, o.Return)
		}
	}
	return !slices.ContainsFunc(g.waiting, late)
}

// settle puts all levels into the base, and gives back the memory that they took.
func (g *growing) settle() {
	if len(g.levels) == 0 {
		return
	}
	g.base = g.size()
	for _, l := range g.levels {
		for _, w := range l.writes {
			g.hash = g.add(g.hash, w.element)
		}
	}
	g.levels, g.writes, g.waiting = nil, nil, append([]*written(nil), g.waiting...)
	for _, w := range g.waiting {
		if g.writes == nil {
			g.writes = map[string]*written{}
		}
		g.writes[w.element] = w
	}
}

// add is the hash of some elements and one more. That of a list depends on their order.
func (g *growing) add(hash uint64, element string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(element)) // it never fails
	if g.of == inList {
		hash *= 0x9e3779b97f4a7c15
	}
	return hash + h.Sum64()
}
