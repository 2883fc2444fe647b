package sim

import (
	"fmt"
	"math/rand/v2"

	"github.com/cespare/xxhash/v2"

	"ordeal/world"
)

// emptySum is the hash of no payload.
var emptySum = xxhash.Sum64(nil)

// syncQueue is the durability of one disk. One fsync runs at a time; barriers that come meanwhile share the next one, as
// commits of a real disk do, so that a slow disk makes groups larger and not the queue longer.
type syncQueue struct {
	rng     *rand.Rand
	durable uint64    // commits that a crash cannot take
	running syncGroup // behind the fsync that runs; empty if none does
	waiting syncGroup // behind the next one

	trouble DiskTrouble
	touched uint64 // fsyncs that trouble slowed, held or refused
	held    bool   // the fsync that runs could end, but something holds it
}

// syncGroup is a number of barriers that one fsync covers, in the order they were set.
type syncGroup struct {
	position uint64 // of the disk when the last of the barriers was set
	barriers []barrier
	sends    []world.Send // of all barriers, in order
	sums     []uint64     // hashes of the payloads of sends, as World.seal gives them
}

// barrier is a world.Barrier whose sends are the next ones in its group.
type barrier struct {
	actor uint16
	token uint64
	sends int
}

func (g *syncGroup) reset() {
	clear(g.sends)
	g.barriers, g.sends, g.sums = g.barriers[:0], g.sends[:0], g.sums[:0]
}

// position counts the commits on the node's disk. A node that keeps nothing has made none.
func (n *node) position() uint64 {
	if n.disk == nil {
		return 0
	}
	return n.disk.Position()
}

// sync queues the barriers of one step behind everything committed so far.
func (w *World) sync(n *node, of uint16, barriers []world.Barrier) {
	g := &n.syncs.waiting
	g.position = n.position()
	for _, b := range barriers {
		g.barriers = append(g.barriers, barrier{actor: of, token: b.Token, sends: len(b.Then)})
		for _, s := range b.Then {
			g.sends = append(g.sends, s)
			g.sums = append(g.sums, w.seal(s.Payload))
		}
	}
	if len(n.syncs.running.barriers) == 0 {
		w.startSync(n)
	}
}

// startSync begins an fsync for the barriers that wait. None must be running.
func (w *World) startSync(n *node) {
	q := &n.syncs
	q.running, q.waiting = q.waiting, q.running
	lasts := w.cfg.Disk.sync(q.rng)
	if q.trouble.Slow > 0 {
		q.touched++
		lasts += q.trouble.Slow
	}
	w.queue.push(w.later(lasts), &event{kind: KindSync, to: n, life: n.life})
}

// syncDone ends the fsync that runs: first the disk is safe, then what waited for that leaves, then the actors hear of it.
func (w *World) syncDone(n *node) {
	q := &n.syncs
	g := &q.running
	if g.position < q.durable || g.position > n.position() {
		panic(fmt.Sprintf("sim: an fsync of node %d ends at commit %d, but %d of its %d commits are durable",
			n.id, g.position, q.durable, n.position()))
	}
	q.durable = g.position
	w.tracer.add(TraceEvent{Time: w.now, Kind: KindSync, Node: n.id, Ref: g.position, Len: len(g.barriers)})
	sent := 0
	for _, b := range g.barriers {
		for range b.sends {
			w.send(n, b.actor, g.sends[sent], g.sums[sent])
			sent++
		}
		w.tracer.add(TraceEvent{Time: w.now, Kind: KindSynced, Node: n.id, Actor: b.actor, Ref: b.token, Len: b.sends})
		w.post(n, b.actor, world.Event{Kind: world.EventSynced, Token: b.token}, emptySum)
	}
	g.reset()
	if len(q.waiting.barriers) > 0 {
		w.startSync(n)
	}
}
