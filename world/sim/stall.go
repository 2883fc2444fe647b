package sim

import (
	"fmt"
	"slices"
	"time"

	"ordeal/world"
)

// Stall makes the turn that runs on a node take d longer: what it does beside the disk shows d later, and no actor of the
// node has another turn before. Stalls of one turn add up. It is for failpoints, and panics elsewhere.
func (w *World) Stall(id world.NodeID, d time.Duration) {
	if w.stepping == nil || w.stepping.id != id || d < 0 {
		panic(fmt.Sprintf("sim: a stall of node %d by %v from outside of its turn", id, d))
	}
	w.stepping.stall += d
}

// Interrupt runs f in the event loop when the step that runs is over, at this very time and before all that the step has
// brought about. It is for those who look at actors from outside and learn something in the middle of a step.
func (w *World) Interrupt(f func()) {
	w.queue.push(w.now, &event{kind: KindCallback, fn: f})
}

// holdBack carries out the effects of a turn that was stalled when the stall is over, and a pause that the node is in then, if
// the node lives that long.
func (w *World) holdBack(n *node, of uint16, out *world.Effects) {
	late := world.Effects{
		Sends: slices.Clone(out.Sends), Replies: slices.Clone(out.Replies),
		Timers: slices.Clone(out.Timers), Barriers: slices.Clone(out.Barriers),
	}
	n.stalledUntil = w.later(n.stall)
	n.stall = 0
	life := n.life
	w.queue.push(n.stalledUntil, &event{kind: KindCallback, fn: func() {
		switch {
		case !n.up || n.life != life:
		case n.paused:
			n.overdue = append(n.overdue, overdue{of, &late})
		default:
			w.carryOut(n, of, &late)
		}
	}})
}

// overdue are the effects of a turn that was stalled, whose stall has ended in a pause.
type overdue struct {
	of  uint16
	out *world.Effects
}

// carryOutOverdue carries out what the end of a pause lets go on.
func (w *World) carryOutOverdue(n *node) {
	for _, o := range n.overdue {
		w.carryOut(n, o.of, o.out)
	}
	n.overdue = nil
}

// stalled puts a turn off that comes while its node is stalled, and says whether it did.
func (w *World) stalled(ev *event) bool {
	if ev.to.stalledUntil <= w.now {
		return false
	}
	w.queue.push(ev.to.stalledUntil, ev)
	return true
}
