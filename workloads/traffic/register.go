package traffic

import "fmt"

// register works on a few hot keys that lie in different regions. It is the workload that a checker sees most in: half
// of what it does is reading, by many clients, what others are just writing.
func register(c *Ctx) {
	k := c.Knobs.withDefaults()
	r := &registerClient{Ctx: c, grid: gridFor(k.Regions), hot: make([]hotKey, k.HotKeys), rotateAfter: k.RotateAfter}
	c.loop(r.step)
}

type registerClient struct {
	*Ctx
	grid        grid
	hot         []hotKey
	rotateAfter int
	// at is the slot that a reader stays at for the next operations, so many.
	at, stay int
}

// hotKey is what this client last saw of the key that a slot has in a generation.
type hotKey struct {
	generation int
	last       sighting
}

// registerKey puts each generation of a slot into another part of the key space; slots stay evenly spread.
func (g grid) registerKey(slot, slots, generation int) string {
	return g.key(g.home(slot, slots, generation), fmt.Sprintf("/r/%d/%d", slot, generation))
}

// visitKey is a key that is used now and then, in any part of the key space.
func (g grid) visitKey(bucket int) string { return g.key(bucket, "/v") }

// What a client of register does, in percent; the rest is reading the hot key.
const (
	registerRetiredPct = 2 // read a retired key
	registerPutPct     = 30
	registerCASPct     = 13
	registerCADPct     = 6
	registerDeletePct  = 1
	// registerWrongPct is how many of its compare-and-swaps expect something that the client does not believe in.
	registerWrongPct = 25
	// registerStayLog bounds for how many reads a reader stays at a key: less than 2 to the power of it.
	registerStayLog = 10
	// registerVisitPct is how many operations go to any region at all, where there are so many that the hot keys would
	// never come by most of them. A visit wakes a region that sleeps.
	registerVisitPct = 20
)

func (r *registerClient) step() {
	if r.grid == fine && r.Rand.IntN(100) < registerVisitPct {
		r.act(r.grid.visitKey(r.Rand.IntN(int(r.grid))), nothing)
		return
	}
	slots := len(r.hot)
	i := r.slot(slots)
	generation, rotated := r.Keys.turn(i, slots, r.rotateAfter)
	if rotated {
		r.Keys.retire(r.grid.registerKey(i, slots, generation-1))
	}
	h := &r.hot[i]
	if h.generation != generation {
		*h = hotKey{generation: generation}
	}
	h.last = r.act(r.grid.registerKey(i, slots, generation), h.last)
}

// slot chooses the next key. A reader stays at one for a while: where part of the cluster does not answer, whoever goes to
// another key each time soon waits there, and does not see what a leader says that has lost its region.
func (r *registerClient) slot(slots int) int {
	if !r.reads() {
		return r.Rand.IntN(slots)
	}
	if r.stay == 0 {
		r.at, r.stay = r.Rand.IntN(slots), 1<<r.Rand.IntN(registerStayLog)
	}
	r.stay--
	return r.at
}

// act does one operation and returns what the client knows of the key then.
func (r *registerClient) act(key string, last sighting) sighting {
	d := r.roll()
	switch {
	case d.in(registerRetiredPct) && !r.reads() && len(r.Keys.retired) > 0:
		r.get(r.Keys.retired[r.Rand.IntN(len(r.Keys.retired))])
		return last
	case r.reads():
		return r.get(key)
	case d.in(registerPutPct):
		return r.put(key, r.value())
	case d.in(registerCASPct):
		return r.cas(key, r.guess(last, registerWrongPct), r.value())
	case d.in(registerCADPct) && last.found:
		return r.cad(key, last.value)
	case d.in(registerDeletePct):
		return r.delete(key)
	default:
		return r.get(key)
	}
}

// neverWritten is a value that no client writes.
const neverWritten = "none"

// guess returns what to expect of a key: what was last seen, or in some percent of the cases something else. Of an
// unknown key it expects that it is absent, since most keys are unknown when they are new.
func (c *Ctx) guess(last sighting, wrongPct int) sighting {
	switch {
	case c.Rand.IntN(100) >= wrongPct:
		return last
	case last.found && c.Rand.IntN(2) == 0:
		return nothing
	default:
		return something(neverWritten)
	}
}
