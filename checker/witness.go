package checker

import (
	"container/heap"
	"fmt"
)

// checkWitness names the promise that a WitnessOrder looks after.
const checkWitness = "answers follow their region's log"

// WitnessOrder holds the places in the logs of regions at which answers say they were made against the order in which
// clients got them. Raft promises that an answer is no older than any that had come before it was asked for; so within one
// region its place is not before theirs, and that of a write, which is an entry of its own turn, is behind. A stale answer
// shows so although what it says may be right, since nobody has written the key that it is about.
//
// An answer without a place, such as one that was put together from several regions, says nothing. A place that is wrong
// is a violation as well, since it is part of the answer.
type WitnessOrder struct {
	// open are answers that returned after the newest invocation, the one that returns next first.
	open byReturn
	// latest is the answer with the highest place in each region of those that returned before now. It is only looked up.
	latest map[uint64]*Op
	found  []Violation
	total  int
}

// NewWitnessOrder returns one that knows of nothing.
func NewWitnessOrder() *WitnessOrder { return &WitnessOrder{latest: map[uint64]*Op{}} }

// CheckWitnesses judges a whole history, sorted by invocation.
func CheckWitnesses(h *History) Result {
	w := NewWitnessOrder()
	for i := range h.Ops {
		w.Feed(&h.Ops[i])
	}
	return w.Result()
}

// Feed takes the next operation in the order of invocations. It keeps o, which must not be modified any more.
func (w *WitnessOrder) Feed(o *Op) {
	if o.Outcome != Ok || o.Region == 0 {
		return
	}
	for len(w.open) > 0 && w.open[0].Return < o.Invoke {
		e := heap.Pop(&w.open).(*Op)
		if last := w.latest[e.Region]; last == nil || e.ApplyIndex > last.ApplyIndex {
			w.latest[e.Region] = e
		}
	}
	heap.Push(&w.open, o)
	early := w.latest[o.Region]
	if early == nil || o.ApplyIndex > early.ApplyIndex || o.ApplyIndex == early.ApplyIndex && !o.Kind.writes() {
		return
	}
	if w.total++; len(w.found) < violationsMax {
		w.found = append(w.found, Violation{Check: checkWitness, Key: o.Key, Message: fmt.Sprintf(
			"%s's %s was answered as of index %d of region %d, although index %d had been reached there when %s's %s returned at %s, before it was invoked at %s",
			o.Who(), o.Kind, o.ApplyIndex, o.Region, early.ApplyIndex, early.Who(), early.Kind, early.Return, o.Invoke), Ops: []Op{*early, *o}})
	}
}

// Violated says whether an answer was found out of order.
func (w *WitnessOrder) Violated() bool { return w.total > 0 }

// Result says what was found, the first first.
func (w *WitnessOrder) Result() Result {
	r := Result{Verdict: OK, Violations: w.found}
	if w.total > 0 {
		r.Lower(FAIL, "%s: %s", checkWitness, w.found[0].Message)
	}
	if w.total > 1 {
		r.Reasons = append(r.Reasons, fmt.Sprintf("%d answers out of order in all", w.total))
	}
	return r
}

// byReturn is a heap of answers.
type byReturn []*Op

func (p byReturn) Len() int           { return len(p) }
func (p byReturn) Less(a, b int) bool { return p[a].Return < p[b].Return }
func (p byReturn) Swap(a, b int)      { p[a], p[b] = p[b], p[a] }
func (p *byReturn) Push(x any)        { *p = append(*p, x.(*Op)) }
func (p *byReturn) Pop() any {
	old := *p
	last := old[len(old)-1]
	*p = old[:len(old)-1]
	return last
}
