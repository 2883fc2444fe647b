package checker

import (
	"cmp"
	"slices"

	"ordeal/world"
)

// Tail gives out what clients record as soon as nothing can come before it any more: the same operations in the same
// order, with the same numbers, as Merge does at the end. Recorders forget what it has given out.
type Tail struct {
	recs []*Recorder
	// waiting is what was taken from recorders and may not be the next yet.
	waiting []Op
	given   int
}

// NewTail returns a Tail of some recorders.
func NewTail(recs ...*Recorder) *Tail { return &Tail{recs: recs} }

// Pull gives out what has settled at now: all operations invoked before the oldest one that is still open. They are
// the callee's to read until it returns.
func (t *Tail) Pull(now world.Time, give func(*Op)) {
	settled := now
	for _, r := range t.recs {
		settled = min(settled, r.take(now, &t.waiting))
	}
	t.sort()
	n, _ := slices.BinarySearchFunc(t.waiting, settled, func(o Op, at world.Time) int { return cmp.Compare(o.Invoke, at) })
	t.give(n, give)
}

// Close gives out all the rest; what is still open has an unknown outcome. Nothing may be recorded afterwards.
func (t *Tail) Close(give func(*Op)) {
	for _, r := range t.recs {
		for _, c := range r.chunks {
			t.waiting = append(t.waiting, c[r.taken:]...)
			r.taken = 0
		}
		r.chunks = nil
	}
	t.sort()
	t.give(len(t.waiting), give)
}

func (t *Tail) sort() { slices.SortStableFunc(t.waiting, byInvocation) }

func (t *Tail) give(n int, give func(*Op)) {
	for i := range t.waiting[:n] {
		t.given++
		t.waiting[i].ID = t.given
		give(&t.waiting[i])
	}
	t.waiting = slices.Delete(t.waiting, 0, n)
}

// take moves the operations in front of the oldest open one to ops, and returns when that was invoked, or now.
func (r *Recorder) take(now world.Time, ops *[]Op) world.Time {
	for len(r.chunks) > 0 {
		c := r.chunks[0]
		for ; r.taken < len(c); r.taken++ {
			if c[r.taken].Return == Never {
				return c[r.taken].Invoke
			}
			*ops = append(*ops, c[r.taken])
		}
		if len(c) < recorderChunk {
			break // there is room for more
		}
		r.chunks[0] = nil // the rest of the slice would hold it
		r.chunks, r.taken = r.chunks[1:], 0
	}
	return now
}
