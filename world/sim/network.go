package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cespare/xxhash/v2"

	"ordeal/world"
)

// loopback is how long a message from a node to itself takes.
const loopback = 10 * time.Microsecond

// link carries messages one way between two nodes.
type link struct {
	rng  *rand.Rand
	last world.Time // when the latest message that kept its place arrives
	cut  bool
}

// link returns the link between two nodes, which comes to be when somebody first asks for it.
func (w *World) link(from, to *node) *link {
	for len(from.links) <= to.index {
		from.links = append(from.links, nil)
	}
	l := from.links[to.index]
	if l == nil {
		l = &link{rng: stream(w.cfg.Seed, "link", uint64(from.id), uint64(to.id))}
		from.links[to.index] = l
	}
	return l
}

// transmit sends an event over the link from ev.src to ev.to, where arrive takes it out.
func (w *World) transmit(ev *event) {
	if ev.src == ev.to {
		// What a machine tells itself lies in its memory and goes with it.
		ev.life = ev.to.life
		w.queue.push(w.later(loopback), ev)
		return
	}
	l := w.link(ev.src, ev.to)
	if l.cut {
		w.dropCut(ev)
		return
	}
	net := &w.cfg.Net
	if chance(l.rng, net.Loss) {
		w.trace(KindLost, ev, 0)
		return
	}
	at := w.later(net.latency(l.rng))
	overtakes := false
	if t := weatherOf(ev); t != nil {
		if t.strikes(t.what.Loss, &t.done.Lost) {
			w.trace(KindLost, ev, 0)
			return
		}
		at = at.Add(t.delay())
		overtakes = t.strikes(t.what.Overtake, &t.done.Overtook)
		if ev.kind == KindMessage && t.strikes(t.what.Again, &t.done.Again) {
			w.queue.push(at.Add(t.delay()), ev)
		}
	}
	if t := tamperOf(ev); t != nil {
		if late := w.tamperWith(t, ev); late > 0 {
			w.queue.push(at.Add(late), ev)
			return
		}
	}
	if !overtakes && !chance(l.rng, net.Reorder) {
		at = max(at, l.last)
		l.last = at
	}
	w.queue.push(at, ev)
	if ev.kind == KindMessage && chance(l.rng, net.Duplicate) {
		again := net.latency(l.rng)
		if net.Late > 0 {
			again += between(l.rng, 0, net.Late)
		}
		w.queue.push(w.later(again), ev)
	}
}

// arrive takes an event off its link and hands it over.
func (w *World) arrive(ev *event) {
	if ev.src != ev.to && w.link(ev.src, ev.to).cut {
		w.dropCut(ev) // a link that is cut loses what is on it
		return
	}
	hash := xxhash.Sum64(ev.payload)
	if w.cfg.CheckPayloads && hash != ev.sum {
		panic(fmt.Sprintf("sim: the payload (%d bytes) of a %s from %s to %s was modified after it was sent; now %.64x",
			len(ev.payload), ev.kind, ev.from, world.Addr{Node: ev.to.id, Actor: ev.actor}, ev.payload))
	}
	switch ev.kind {
	case KindMessage:
		if !ev.to.takes(ev) || ev.to.full(ev.actor) {
			w.trace(KindVanished, ev, hash)
			return
		}
		w.trace(KindMessage, ev, hash)
		w.post(ev.to, ev.actor, world.Event{Kind: world.EventMessage, From: ev.from, Payload: ev.payload}, hash)
	case KindRequest:
		w.request(ev, hash)
	default:
		w.answer(ev, hash)
	}
}

func (w *World) dropCut(ev *event) {
	w.cut++
	w.trace(KindCutDrop, ev, 0)
}

// Cut stops everything that travels from one node to another, in one direction, and loses what is on its way. Cutting
// twice is the same as cutting once; a node cannot be cut off from itself.
func (w *World) Cut(from, to world.NodeID) {
	w.mustNotStep("Cut")
	if from == to {
		return
	}
	l := w.link(w.node(from), w.node(to))
	if l.cut {
		return
	}
	l.cut = true
	w.tracer.add(TraceEvent{Time: w.now, Kind: KindCut, Node: to, From: world.Addr{Node: from}})
}

// Uncut ends a cut of one direction between two nodes.
func (w *World) Uncut(from, to world.NodeID) {
	w.mustNotStep("Uncut")
	l := w.link(w.node(from), w.node(to))
	if !l.cut {
		return
	}
	l.cut = false
	w.tracer.add(TraceEvent{Time: w.now, Kind: KindHeal, Node: to, From: world.Addr{Node: from}, Len: 1})
}

// HealNetwork removes all cuts.
func (w *World) HealNetwork() {
	w.mustNotStep("HealNetwork")
	healed := 0
	for _, n := range w.nodes {
		for _, l := range n.links {
			if l != nil && l.cut {
				l.cut = false
				healed++
			}
		}
	}
	if healed > 0 {
		w.tracer.add(TraceEvent{Time: w.now, Kind: KindHeal, Len: healed})
	}
}

// MessagesCut counts the messages, requests and replies that cuts have dropped since the world began.
func (w *World) MessagesCut() uint64 { return w.cut }

// SetNet changes the network for everything sent from now on; unlike Config.Net, the zero value is taken as it is, a
// network that delivers everything at once. It panics if cfg makes no sense.
func (w *World) SetNet(cfg NetConfig) {
	w.mustNotStep("SetNet")
	cfg.mustBeValid()
	w.cfg.Net = cfg
	w.tracer.add(TraceEvent{Time: w.now, Kind: KindNet})
}
