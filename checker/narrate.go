package checker

import (
	"fmt"

	"ordeal/checker/register"
)

// note says which part of an operation counts in a counter-example, where that is not all of it.
func (k *keyHistory) note(st *step, o *Op) string {
	switch {
	case o.Kind == Scan && st.Value == absent:
		return fmt.Sprintf("found %s absent", name(k.key))
	case o.Kind == Scan:
		return fmt.Sprintf("found %s = %s", name(k.key), quote(k.values[st.Value]))
	case st.Weak && st.Value == absent:
		return "only that it deleted counts"
	case st.Weak:
		return "only what it wrote counts"
	case st.Open && o.Outcome == Ok:
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

func (c *checking) op(st *step) *Op { return c.h.At(int(st.Op), nil) }

// sighting says what a step saw: `c3's get found x = "7" at [4.210 s, 4.215 s]`.
func (c *checking) sighting(k *keyHistory, st *step) string {
	o := c.op(st)
	if st.Saw() == absent {
		return fmt.Sprintf("%s's %s found %s absent %s", o.Who(), o.Kind, name(k.key), o.span())
	}
	return fmt.Sprintf("%s's %s found %s = %s %s", o.Who(), o.Kind, name(k.key), quote(k.values[st.Saw()]), o.span())
}

// deed names a step that wrote: `c1's put of "7"`.
func (c *checking) deed(k *keyHistory, st *step) string {
	o := c.op(st)
	if st.Value == absent {
		return fmt.Sprintf("%s's %s", o.Who(), o.Kind)
	}
	return fmt.Sprintf("%s's %s of %s", o.Who(), o.Kind, quote(k.values[st.Value]))
}

func (c *checking) tellFlaw(k *keyHistory, core []step, x *index, f finding) string {
	w := &core[f.witness]
	switch f.flaw {
	case flawNoWriter:
		return c.sighting(k, w) + ", " + c.origin(k.key, k.values[w.Saw()])
	case flawEarly:
		return c.sighting(k, w) + ", " + early(c.op(&core[f.cause]))
	case flawTwice:
		a, b := c.op(&core[f.cause]), c.op(w)
		return fmt.Sprintf("%s's %s %s and %s's %s %s both replaced %s = %s, which was written once",
			a.Who(), a.Kind, a.span(), b.Who(), b.Kind, b.span(), name(k.key), quote(k.values[w.Saw()]))
	case flawRefused:
		return fmt.Sprintf("%s, which is what it expected, and yet it did not swap", c.sighting(k, w))
	}
	held := c.held(k, core, x, w.Saw())
	cause := &core[f.cause]
	switch {
	case f.flaw == flawOverlap:
		return fmt.Sprintf("%s, and yet %s", held, c.held(k, core, x, cause.Saw()))
	case cause.Kind == register.Read:
		return fmt.Sprintf("%s, although %s", c.sighting(k, cause), held)
	case c.op(cause).Outcome == Ok && c.op(cause).Return < w.Call:
		return fmt.Sprintf("%s, although %s had been acknowledged at %s, after %s was written, and nobody wrote %s again",
			c.sighting(k, w), c.deed(k, cause), Clock(c.op(cause).Return), quote(k.values[w.Saw()]), quote(k.values[w.Saw()]))
	default:
		return fmt.Sprintf("%s took effect between %s and %s, although %s", c.deed(k, cause), Clock(cause.Call), Clock(cause.Ret), held)
	}
}

// held says how long the key must have held a value: from its first return to its last sighting.
func (c *checking) held(k *keyHistory, core []step, x *index, v value) string {
	first, last := &core[x.firstSight(core, v)], &core[x.last[v]]
	began := c.deed(k, first) + " returned"
	if first.Saw() == v {
		began = fmt.Sprintf("%s's %s had found it", c.op(first).Who(), c.op(first).Kind)
	}
	return fmt.Sprintf("%s must have been %s without a break from %s, when %s, to %s, when %s's %s that found it began",
		name(k.key), quote(k.values[v]), Clock(first.Ret), began, Clock(last.Call), c.op(last).Who(), c.op(last).Kind)
}

// origin says where a value may have come from that nobody had written to the key when it was seen.
func (c *checking) origin(key, val string) string {
	var room Room
	for i := range c.h.Len() {
		o := c.h.At(i, &room)
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
		if !r.Sure || !r.SawNothing() {
			continue
		}
		w := lostWrite(steps, r)
		switch {
		case w == nil:
		case c.op(w).Outcome == Ok && c.op(w).Return < r.Call:
			return fmt.Sprintf("%s, although %s had been acknowledged at %s and nobody can have deleted it since",
				c.sighting(k, r), c.deed(k, w), Clock(c.op(w).Return))
		default:
			return fmt.Sprintf("%s, although %s and nobody can have deleted it since",
				c.sighting(k, r), c.sighting(k, &steps[x.seenBy[w.Value]]))
		}
	}
	return ""
}

// lostWrite finds a write that was acknowledged before r began, where no delete can have followed it.
func lostWrite(steps []step, r *step) *step {
	var w *step
	for i := range steps {
		st := &steps[i]
		if st.Kind == register.Read {
			continue
		}
		if st.Value == absent && st.Call <= r.Ret {
			return nil
		}
		if st.Value != absent && st.Sure && st.Ret < r.Call && (w == nil || st.Ret > w.Ret) {
			w = st
		}
	}
	return w
}
