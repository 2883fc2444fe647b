package checker

import (
	"cmp"
	"fmt"
	"slices"

	"ordeal/world"
)

// recorderChunk is how many operations a recorder makes room for at a time. Chunks are never moved, so that the
// pointers that Begin handed out stay good.
const recorderChunk = 256

// Recorder records the operations of one client, in order. It belongs to that client's proc alone, which is why it
// needs no lock in either world.
type Recorder struct {
	client int
	chunks [][]Op
	// taken is how many of the first chunk's operations a Tail has taken, n how many were recorded in all.
	taken, n int
}

// NewRecorder returns an empty recorder for a client.
func NewRecorder(client int) *Recorder { return &Recorder{client: client} }

// Begin records that the recorder's client invokes op at now. It is open, with an unknown outcome, until End. The
// caller fills in the outputs through the pointer, which stays good.
func (r *Recorder) Begin(op Op, now world.Time) *Op {
	op.Client, op.Invoke, op.Return, op.Outcome = r.client, now, Never, Unknown
	r.n++
	last := len(r.chunks) - 1
	if last < 0 || len(r.chunks[last]) == recorderChunk {
		r.chunks = append(r.chunks, make([]Op, 0, recorderChunk))
		last++
	}
	r.chunks[last] = append(r.chunks[last], op)
	return &r.chunks[last][len(r.chunks[last])-1]
}

// End records that op returned at now. An operation of unknown outcome stays open for the checker, whenever its
// client gave up: it may still take effect.
func (r *Recorder) End(op *Op, outcome Outcome, now world.Time) {
	if op.Return != Never || now < op.Invoke {
		panic(fmt.Sprintf("client %d: End at %s of an operation invoked at %s that ended at %s",
			r.client, now, op.Invoke, op.Return))
	}
	op.Return, op.Outcome = now, outcome
}

// Len is the number of operations recorded, whether or not a Tail has taken them.
func (r *Recorder) Len() int { return r.n }

// Merge makes one history of what several clients recorded, sorted by invocation, then by client, and numbers the
// operations from 1. Operations still open stay unknown. The recorders can go on recording. What a Tail took is missing.
func Merge(recs ...*Recorder) *History {
	n := 0
	for _, r := range recs {
		n += r.Len()
	}
	h := &History{Ops: make([]Op, 0, n)}
	for _, r := range recs {
		for _, c := range r.chunks {
			h.Ops = append(h.Ops, c...)
		}
	}
	slices.SortStableFunc(h.Ops, byInvocation)
	for i := range h.Ops {
		h.Ops[i].ID = i + 1
	}
	return h
}

func byInvocation(a, b Op) int {
	return cmp.Or(cmp.Compare(a.Invoke, b.Invoke), cmp.Compare(a.Client, b.Client))
}
