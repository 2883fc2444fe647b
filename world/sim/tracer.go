package sim

import (
	"encoding/binary"
	"strings"

	"github.com/cespare/xxhash/v2"

	"ordeal/world"
)

// evidenceEvents is how many of the last events Evidence shows.
const evidenceEvents = 32

// tracer sums up and remembers what happened.
type tracer struct {
	n      uint64
	digest *xxhash.Digest
	record [64]byte // two blocks of the digest, reused for every event
	last   [evidenceEvents]TraceEvent
	tell   func(TraceEvent)
}

func newTracer(tell func(TraceEvent)) tracer {
	return tracer{digest: xxhash.New(), tell: tell}
}

// add enters e into the trace and numbers it.
func (t *tracer) add(e TraceEvent) {
	t.n++
	e.N = t.n
	b := t.record[:]
	binary.LittleEndian.PutUint64(b[0:], e.N)
	binary.LittleEndian.PutUint64(b[8:], uint64(e.Time))
	binary.LittleEndian.PutUint16(b[16:], uint16(e.Kind))
	binary.LittleEndian.PutUint16(b[18:], e.Actor)
	binary.LittleEndian.PutUint16(b[20:], e.From.Actor)
	binary.LittleEndian.PutUint64(b[24:], uint64(e.Node))
	binary.LittleEndian.PutUint64(b[32:], uint64(e.From.Node))
	binary.LittleEndian.PutUint64(b[40:], e.Ref)
	binary.LittleEndian.PutUint64(b[48:], uint64(e.Len))
	binary.LittleEndian.PutUint64(b[56:], e.Hash)
	t.digest.Write(b)
	t.last[e.N%evidenceEvents] = e
	if t.tell != nil {
		t.tell(e)
	}
}

// tail prints the last events, oldest first.
func (t *tracer) tail(b *strings.Builder) {
	first := uint64(1)
	if t.n > evidenceEvents {
		first = t.n - evidenceEvents + 1
	}
	for n := first; n <= t.n; n++ {
		b.WriteString("  ")
		b.WriteString(t.last[n%evidenceEvents].String())
		b.WriteByte('\n')
	}
}

// Events returns how many events the trace holds: everything that was delivered, dropped, run, crashed or cut.
func (w *World) Events() uint64 { return w.tracer.n }

// TraceHash sums up all events so far. Equal runs have equal hashes.
func (w *World) TraceHash() uint64 { return w.tracer.digest.Sum64() }

// Evidence says in plain text what the world was doing, with the last events of the trace. It is meant for whoever
// reports a panic that came out of Run.
func (w *World) Evidence() string {
	var b strings.Builder
	b.WriteString("simulated world at " + w.now.String())
	switch {
	case w.stepping != nil:
		b.WriteString(", in a step or the boot of " + world.Addr{Node: w.stepping.id, Actor: w.steppingActor}.String())
	case w.current != nil:
		b.WriteString(", in proc " + w.current.String())
	}
	b.WriteString("; the last events:\n")
	w.tracer.tail(&b)
	return b.String()
}

// trace enters what happened to an event that is not, or no longer, in the queue.
func (w *World) trace(kind Kind, ev *event, hash uint64) {
	w.tracer.add(TraceEvent{
		Time: w.now, Kind: kind, Node: ev.to.id, Actor: ev.actor,
		From: ev.from, Ref: ev.ref, Len: len(ev.payload), Hash: hash,
	})
}
