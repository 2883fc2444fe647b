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
		if f, cause, witness := t.x.findFlaw(work); f != noFlaw {
			return c.tellFlaw(k, core, f, cause, witness)
		}
		if story := c.tellStale(k, work, &t.x); story != "" {
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

func (c *checking) tellFlaw(k *keyHistory, core []step, f flaw, cause, witness int) string {
	w := &core[witness]
	switch f {
	case flawNoWriter:
		return c.sighting(k, w) + ", " + c.origin(k.key, k.values[w.saw()])
	case flawEarly:
		return c.sighting(k, w) + ", " + early(c.op(&core[cause]))
	case flawTwice:
		first := c.op(&core[cause])
		return fmt.Sprintf("%s's %s %s and %s's %s %s both replaced %s = %s, which was written once",
			first.Who(), first.Kind, first.span(), c.op(w).Who(), c.op(w).Kind, c.op(w).span(), name(k.key), quote(k.values[w.saw()]))
	default:
		return fmt.Sprintf("%s, which is what it expected, and yet it did not swap", c.sighting(k, w))
	}
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

// tellStale recognises the commonest story: somebody saw what had been replaced, by a write acknowledged before the
// look began. It returns "" where the steps tell another one.
func (c *checking) tellStale(k *keyHistory, steps []step, x *index) string {
	for i := range steps {
		r := &steps[i]
		if !r.sure || r.kind == stepWrite {
			continue
		}
		if r.sawNothing() {
			if w := lostWrite(steps, r); w != nil {
				return fmt.Sprintf("%s, although %s had been acknowledged at %s and nobody can have deleted it since",
					c.sighting(k, r), c.deed(k, w), Clock(c.op(w).Return))
			}
			continue
		}
		origin := &steps[x.writer[r.saw()]]
		for n := range steps {
			w := &steps[n]
			if w.kind != stepRead && w.sure && w.value != r.saw() && origin.ret < w.call && w.ret < r.call && c.op(w).Outcome == Ok {
				return fmt.Sprintf("%s, although %s had been acknowledged at %s, after %s was written, and nobody wrote %s again",
					c.sighting(k, r), c.deed(k, w), Clock(c.op(w).Return), quote(k.values[r.saw()]), quote(k.values[r.saw()]))
			}
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
