package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cespare/xxhash/v2"

	"ordeal/world"
)

// node is a machine, or just a place on the network for procs and for addresses where nobody lives.
type node struct {
	id    world.NodeID
	index int // in World.nodes
	// tamper is what messages from and to the node go through beside the network; nil for nothing.
	tamper  *tamper
	weather *weather // what its links do beyond what all do; nil for nothing
	links   []*link  // to the node with that index; nil if never used

	// The rest means something only once AddNode was called.
	added  bool
	spec   world.Node
	clock  nodeClock
	luck   *rand.Rand // decides what crashes keep
	disk   world.Disk // nil if the node keeps nothing
	syncs  syncQueue
	life   uint64 // counts boots
	up     bool
	paused bool
	actors []actor
	// stall is by how much the turn that runs is to take longer, stalledUntil when the node has its next one.
	stall        time.Duration
	stalledUntil world.Time
	overdue      []overdue
	procsOf      map[string]uint64 // how many procs of a name began here
}

// actor is an actor with its inbox.
type actor struct {
	impl   world.Actor
	inbox  []world.Event
	sums   []uint64 // hashes of the inbox's payloads, under Config.CheckPayloads
	queued bool     // a turn is in the queue, or held
	held   bool     // a turn waits for the end of a pause
}

// takes says whether the actor that ev is meant for is there, in the life it is meant for.
func (n *node) takes(ev *event) bool {
	return n.up && (ev.life == 0 || ev.life == n.life) && int(ev.actor) < len(n.actors)
}

// node returns the node of an id, which takes its place on the network when it is first mentioned.
func (w *World) node(id world.NodeID) *node {
	n := w.nodeOf[id]
	if n == nil {
		n = &node{id: id, index: len(w.nodes), procsOf: map[string]uint64{}}
		w.nodeOf[id] = n
		w.nodes = append(w.nodes, n)
	}
	return n
}

// AddNode puts a machine into the world and boots it. It fails if the description is wrong, the id is taken or Boot
// fails; after a failed boot the node is there, but down.
func (w *World) AddNode(spec world.Node) error {
	w.mustNotStep("AddNode")
	switch {
	case spec.ID == 0:
		return fmt.Errorf("adding node %q: its id is 0, which stands for no node", spec.Name)
	case spec.Boot == nil:
		return fmt.Errorf("adding node %d: it has no Boot", spec.ID)
	case spec.Actors < 1 || spec.Actors > procActor:
		return fmt.Errorf("adding node %d: %d actors, want 1 to %d", spec.ID, spec.Actors, procActor)
	}
	n := w.node(spec.ID)
	if n.added {
		return fmt.Errorf("adding node %d: there is one already", spec.ID)
	}
	n.added, n.spec, n.disk = true, spec, spec.Disk
	n.clock = newNodeClock(w.cfg.Seed, n.id, w.cfg.ClockDrift)
	n.luck = stream(w.cfg.Seed, "crash", uint64(n.id))
	n.syncs.rng = stream(w.cfg.Seed, "disk", uint64(n.id))
	n.syncs.durable = n.position() // what was there before the world began is safe
	return w.boot(n)
}

// Restart boots a node that is down.
func (w *World) Restart(id world.NodeID) error {
	w.mustNotStep("Restart")
	n := w.nodeOf[id]
	switch {
	case n == nil || !n.added:
		return fmt.Errorf("restarting node %d: there is no such node", id)
	case n.removed():
		return fmt.Errorf("restarting node %d: it was removed", id)
	case n.up:
		return fmt.Errorf("restarting node %d: it is up", id)
	}
	return w.boot(n)
}

// RemoveNode takes a machine, which may be down, out of the world for good, and with it all that it keeps. What is sent to it finds nobody
// from then on, and its id is not free again.
func (w *World) RemoveNode(id world.NodeID) error {
	w.mustNotStep("RemoveNode")
	n := w.nodeOf[id]
	if n == nil || !n.added || n.removed() {
		return fmt.Errorf("removing node %d: there is no such machine", id)
	}
	if n.up {
		w.crash(n)
	}
	n.spec, n.disk, n.syncs, n.tamper, n.weather, n.links = world.Node{}, nil, syncQueue{}, nil, nil, nil
	for _, o := range w.nodes {
		if n.index < len(o.links) {
			o.links[n.index] = nil
		}
	}
	return nil
}

// removed says whether RemoveNode has taken the machine.
func (n *node) removed() bool { return n.added && n.spec.Boot == nil }

// Up says whether a node was added and runs.
func (w *World) Up(id world.NodeID) bool {
	n := w.nodeOf[id]
	return n != nil && n.up
}

func (w *World) boot(n *node) error {
	n.life++
	n.stall, n.stalledUntil = 0, 0
	envs := make([]world.Env, n.spec.Actors)
	for i := range envs {
		ids := []uint64{uint64(n.id), uint64(i), n.life}
		envs[i] = world.Env{
			Addr:  world.Addr{Node: n.id, Actor: uint16(i)},
			Rand:  stream(w.cfg.Seed, "actor", ids...),
			Nonce: max(1, derive(w.cfg.Seed, "nonce", ids...)),
		}
	}
	w.tracer.add(TraceEvent{Time: w.now, Kind: KindBoot, Node: n.id, Ref: n.life})
	w.stepping, w.steppingActor = n, 0
	impls, failpoint, err := n.bootGuarded(envs)
	w.stepping = nil
	if failpoint != nil {
		w.failpointCrash(n, failpoint)
		return nil
	}
	if err == nil && len(impls) != n.spec.Actors {
		err = fmt.Errorf("it returned %d actors, want %d", len(impls), n.spec.Actors)
	}
	if err != nil {
		if n.disk != nil {
			err = errors.Join(err, n.disk.Close()) // so that it can boot again, and say again what it said now
		}
		return fmt.Errorf("booting node %d: %w", n.id, err)
	}
	n.up = true
	n.actors = make([]actor, len(impls))
	for i, impl := range impls {
		n.actors[i].impl = impl
		w.wake(n, uint16(i))
	}
	return nil
}

// bootGuarded runs Boot and returns the crash of the node itself that a failpoint asked for.
func (n *node) bootGuarded(envs []world.Env) (impls []world.Actor, failpoint *world.Crash, err error) {
	defer func() { failpoint = n.ownCrash(recover()) }()
	impls, err = n.spec.Boot(envs)
	return impls, nil, err
}

// stepGuarded runs Step and returns the crash of the node itself that a failpoint asked for.
func (n *node) stepGuarded(a *actor, now world.Time, out *world.Effects) (failpoint *world.Crash) {
	defer func() { failpoint = n.ownCrash(recover()) }()
	a.impl.Step(now, a.inbox, out)
	return nil
}

// ownCrash sorts what was recovered: a Crash of this node is an order, the failure of its disk ends its life as well, anything else goes on as it came. It panics while
// the frames of the first panic are still on the stack, so the report shows them.
func (n *node) ownCrash(recovered any) *world.Crash {
	if recovered == nil {
		return nil
	}
	if f, ok := recovered.(world.DiskFailure); ok {
		return &world.Crash{Node: n.id, Point: f.DiskFailure()}
	}
	c, ok := recovered.(world.Crash)
	if !ok || c.Node != n.id {
		panic(recovered)
	}
	return &c
}

// post puts an event into an inbox. sum is the hash of its payload.
func (w *World) post(n *node, to uint16, ev world.Event, sum uint64) {
	a := &n.actors[to]
	a.inbox = append(a.inbox, ev)
	if w.cfg.CheckPayloads {
		a.sums = append(a.sums, sum)
	}
	if !a.queued {
		w.wake(n, to)
	}
}

// wake plans a turn.
func (w *World) wake(n *node, to uint16) {
	n.actors[to].queued = true
	w.queue.pushLate(w.later(w.cfg.TurnDelay), &event{kind: KindTurn, to: n, actor: to, life: n.life})
}

// turn lets an actor handle its inbox and turns the effects into events.
func (w *World) turn(n *node, of uint16) {
	a := &n.actors[of]
	a.queued = false
	out := &w.effects
	w.stepping, w.steppingActor = n, of
	failpoint := n.stepGuarded(a, n.clock.read(w.now), out)
	w.stepping = nil
	if failpoint != nil {
		out.Reset()
		w.failpointCrash(n, failpoint)
		return
	}
	w.tracer.add(TraceEvent{
		Time: w.now, Kind: KindTurn, Node: n.id, Actor: of, Ref: n.position(), Len: len(a.inbox),
		Hash: uint64(len(out.Sends))<<48 | uint64(len(out.Replies))<<32 | uint64(len(out.Timers))<<16 | uint64(len(out.Barriers)),
	})
	w.checkInbox(n, of)
	clear(a.inbox)
	a.inbox, a.sums = a.inbox[:0], a.sums[:0]
	if n.stall > 0 {
		w.holdBack(n, of, out)
	} else {
		w.carryOut(n, of, out)
	}
	out.Reset()
}

// checkInbox panics if a step modified a payload it was given.
func (w *World) checkInbox(n *node, of uint16) {
	a := &n.actors[of]
	for i, sum := range a.sums {
		if in := &a.inbox[i]; xxhash.Sum64(in.Payload) != sum {
			panic(fmt.Sprintf("sim: %s modified a payload (%d bytes) from %s; now %.64x",
				world.Addr{Node: n.id, Actor: of}, len(in.Payload), in.From, in.Payload))
		}
	}
}

// carryOut turns effects into events, in order.
func (w *World) carryOut(n *node, of uint16, out *world.Effects) {
	for _, s := range out.Sends {
		w.send(n, of, s, w.seal(s.Payload))
	}
	for _, r := range out.Replies {
		w.reply(n, of, r)
	}
	for _, t := range out.Timers {
		w.queue.push(w.later(n.clock.lasts(t.Delay)), &event{kind: KindTimer, to: n, actor: of, life: n.life, ref: t.Token})
	}
	if len(out.Barriers) > 0 {
		w.sync(n, of, out.Barriers)
	}
}

// send puts a one-way message on the network.
func (w *World) send(n *node, of uint16, s world.Send, sum uint64) {
	w.transmit(&event{
		kind: KindMessage, src: n, to: w.node(s.To.Node), actor: s.To.Actor,
		from: world.Addr{Node: n.id, Actor: of}, payload: s.Payload, sum: sum,
	})
}

// timer delivers a timer, unless the life that set it is over.
func (w *World) timer(ev *event) {
	if !ev.to.takes(ev) {
		return
	}
	w.trace(KindTimer, ev, 0)
	w.post(ev.to, ev.actor, world.Event{Kind: world.EventTimer, Token: ev.ref}, emptySum)
}
