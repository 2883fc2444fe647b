package checker

import "fmt"

// note says which part of an operation counts in a counter-example, where that is not all of it.
func (k *keyHistory) note(st *step, o *Op) string {
	switch {
	case o.Kind == Scan && st.value == absent:
		return fmt.Sprintf("found %s absent", name(k.key))
	case o.Kind == Scan:
		return fmt.Sprintf("found %s = %s", name(k.key), quote(k.values[st.value]))
	case st.weak && st.value == absent:
		return "only that it deleted counts"
	case st.weak:
		return "only what it wrote counts"
	case st.open && o.Outcome == Ok:
		return "still open when the contradiction was complete"
	default:
		return ""
	}
}

// narrate tells in one sentence why no order explains the steps.
func (c *checking) narrate(k *keyHistory, core []step) string {
	t := tightener{}
	work := append([]step(nil), core...)
	if t.x.build(work, len(k.values)) == none {
		t.settle(work)
		if f := t.x.findFlaw(work); f.flaw != noFlaw {
			return c.tellFlaw(k, work, &t.x, f)
		}
		if story := c.tellLost(k, work, &t.x); story != "" {
			return story
		}
	}
	return fmt.Sprintf("no order of these %d operations on %s explains all of their answers", len(core), name(k.key))
}

func (c *checking) op(st *step) *Op { return &c.h.Ops[st.op] }

// sighting says what a step saw: `c3's get found x = "7" at [4.210 s, 4.215 s]`.
func (c *checking) sighting(k *keyHistory, st *step) string {
	o := c.op(st)
	if st.saw() == absent {
		return fmt.Sprintf("%s's %s found %s absent %s", o.Who(), o.Kind, name(k.key), o.span())
	}
	return fmt.Sprintf("%s's %s found %s = %s %s", o.Who(), o.Kind, name(k.key), quote(k.values[st.saw()]), o.span())
}

// deed names a step that wrote: `c1's put of "7"`.
func (c *checking) deed(k *keyHistory, st *step) string {
	o := c.op(st)
	if st.value == absent {
		return fmt.Sprintf("%s's %s", o.Who(), o.Kind)
	}
	return fmt.Sprintf("%s's %s of %s", o.Who(), o.Kind, quote(k.values[st.value]))
}

func (c *checking) tellFlaw(k *keyHistory, core []step, x *index, f finding) string {
	w := &core[f.witness]
	switch f.flaw {
	case flawNoWriter:
		return c.sighting(k, w) + ", " + c.origin(k.key, k.values[w.saw()])
	case flawEarly:
		return c.sighting(k, w) + ", " + early(c.op(&core[f.cause]))
	case flawTwice:
		a, b := c.op(&core[f.cause]), c.op(w)
		return fmt.Sprintf("%s's %s %s and %s's %s %s both replaced %s = %s, which was written once",
			a.Who(), a.Kind, a.span(), b.Who(), b.Kind, b.span(), name(k.key), quote(k.values[w.saw()]))
	case flawRefused:
		return fmt.Sprintf("%s, which is what it expected, and yet it did not swap", c.sighting(k, w))
	}
	held := c.held(k, core, x, w.saw())
	cause := &core[f.cause]
	switch {
	case f.flaw == flawOverlap:
		return fmt.Sprintf("%s, and yet %s", held, c.held(k, core, x, cause.saw()))
	case cause.kind == stepRead:
		return fmt.Sprintf("%s, although %s", c.sighting(k, cause), held)
	case c.op(cause).Outcome == Ok && c.op(cause).Return < w.call:
		return fmt.Sprintf("%s, although %s had been acknowledged at %s, after %s was written, and nobody wrote %s again",
			c.sighting(k, w), c.deed(k, cause), Clock(c.op(cause).Return), quote(k.values[w.saw()]), quote(k.values[w.saw()]))
	default:
		return fmt.Sprintf("%s took effect between %s and %s, although %s", c.deed(k, cause), Clock(cause.call), Clock(cause.ret), held)
	}
}

// held says how long the key must have held a value: from its first return to its last sighting.
func (c *checking) held(k *keyHistory, core []step, x *index, v value) string {
	first, last := &core[x.firstSight(core, v)], &core[x.last[v]]
	began := c.deed(k, first) + " returned"
	if first.saw() == v {
		began = fmt.Sprintf("%s's %s had found it", c.op(first).Who(), c.op(first).Kind)
	}
	return fmt.Sprintf("%s must have been %s without a break from %s, when %s, to %s, when %s's %s that found it began",
		name(k.key), quote(k.values[v]), Clock(first.ret), began, Clock(last.call), c.op(last).Who(), c.op(last).Kind)
}

// origin says where a value may have come from that nobody had written to the key when it was seen.
func (c *checking) origin(key, val string) string {
	for i := range c.h.Ops {
		o := &c.h.Ops[i]
		if (o.Kind != Put && o.Kind != CAS) || o.Value != val {
			continue
		}
		switch {
		case o.Key != key:
			return fmt.Sprintf("a value that nobody wrote to it: %s wrote it to %s %s", o.Who(), name(o.Key), o.span())
		case o.Outcome == Failed:
			return fmt.Sprintf("a value that only %s tried to write, %s, and was told that it failed without effect", o.Who(), o.span())
		case o.Outcome == Ok && !o.Swapped && o.Kind == CAS:
			return fmt.Sprintf("a value that only %s tried to write, %s, and was told that it did not swap", o.Who(), o.span())
		default:
			return early(o)
		}
	}
	return "a value that nobody ever wrote"
}

func early(write *Op) string {
	return fmt.Sprintf("before %s's %s of %s was even invoked, at %s", write.Who(), write.Kind, quote(write.Value), Clock(write.Invoke))
}

// tellLost recognises a story that is no flaw of one value: somebody found the key absent after a write to it had been
// acknowledged. It returns "" where the steps tell another one.
func (c *checking) tellLost(k *keyHistory, steps []step, x *index) string {
	for i := range steps {
		r := &steps[i]
		if !r.sure || !r.sawNothing() {
			continue
		}
		w := lostWrite(steps, r)
		switch {
		case w == nil:
		case c.op(w).Outcome == Ok && c.op(w).Return < r.call:
			return fmt.Sprintf("%s, although %s had been acknowledged at %s and nobody can have deleted it since",
				c.sighting(k, r), c.deed(k, w), Clock(c.op(w).Return))
		default:
			return fmt.Sprintf("%s, although %s and nobody can have deleted it since",
				c.sighting(k, r), c.sighting(k, &steps[x.seenBy[w.value]]))
		}
	}
	return ""
}

// lostWrite finds a write that was acknowledged before r began, where no delete can have followed it.
func lostWrite(steps []step, r *step) *step {
	var w *step
	for i := range steps {
		st := &steps[i]
		if st.kind == stepRead {
			continue
		}
		if st.value == absent && st.call <= r.ret {
			return nil
		}
		if st.value != absent && st.sure && st.ret < r.call && (w == nil || st.ret > w.ret) {
			w = st
		}
	}
	return w
}
