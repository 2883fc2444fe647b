package sim

import (
	"math/rand/v2"
	"time"

	"ordeal/world"
)

// Tampering is what happens to messages from and to one node while it lasts, beyond what the network does to all. Requests
// and replies are left alone: they belong to a call, which has its end.
type Tampering struct {
	// Late, Again and Old are chances: that a message is late by up to Within and overtaken by others; that it comes a
	// second time, as late; that some earlier message of that node's comes again with it, however old.
	Late, Again, Old float64
	Within           time.Duration
}

// Tampered counts what was done.
type Tampered struct{ Late, Again, Old uint64 }

// keptMax is how many earlier messages of a node are kept to come again. They are spread over all that there were.
const keptMax = 512

// tamper is what a node's messages go through.
type tamper struct {
	rng *rand.Rand
	// kept are messages to come again, out of so many seen.
	kept []event
	seen uint64
	what Tampering
	done Tampered
}

// Keep has messages from and to a node remembered, so that Tamper can let them come again.
func (w *World) Keep(id world.NodeID) {
	w.mustNotStep("Keep")
	n := w.node(id)
	if n.tamper == nil {
		n.tamper = &tamper{rng: stream(w.cfg.Seed, "tamper", uint64(id))}
	}
}

// Tamper begins to tamper with the messages of a node that Keep was called for, or changes how.
func (w *World) Tamper(id world.NodeID, what Tampering) {
	w.mustNotStep("Tamper")
	w.node(id).tamper.what = what
	w.tracer.add(TraceEvent{Time: w.now, Kind: KindNet, Node: id})
}

// EndTamper ends it and returns what was done since the last time.
func (w *World) EndTamper(id world.NodeID) Tampered {
	w.mustNotStep("EndTamper")
	t := w.node(id).tamper
	done := t.done
	t.what, t.done = Tampering{}, Tampered{}
	w.tracer.add(TraceEvent{Time: w.now, Kind: KindNet, Node: id})
	return done
}

// tamperOf returns what a message goes through, nil for nothing. A link between two such nodes belongs to the sender.
func tamperOf(ev *event) *tamper {
	switch {
	case ev.kind != KindMessage:
		return nil
	case ev.src.tamper != nil:
		return ev.src.tamper
	default:
		return ev.to.tamper
	}
}

// keep remembers a message, such that each has the same chance to be among those that are kept.
func (t *tamper) keep(ev *event) {
	t.seen++
	if len(t.kept) < keptMax {
		t.kept = append(t.kept, *ev)
	} else if i := t.rng.Uint64N(t.seen); i < keptMax {
		t.kept[i] = *ev
	}
}

// tamperWith does to a message what is to be done, and says by how much it is late.
func (w *World) tamperWith(t *tamper, ev *event) (late time.Duration) {
	if chance(t.rng, t.what.Again) {
		t.done.Again++
		w.queue.push(w.later(between(t.rng, 0, t.what.Within)), ev)
	}
	if len(t.kept) > 0 && chance(t.rng, t.what.Old) {
		t.done.Old++
		old := t.kept[t.rng.IntN(len(t.kept))]
		w.queue.push(w.later(between(t.rng, 0, t.what.Within)), &old)
	}
	t.keep(ev)
	if chance(t.rng, t.what.Late) {
		t.done.Late++
		return between(t.rng, 1, t.what.Within)
	}
	return 0
}
