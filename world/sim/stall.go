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

// holdBack carries out the effects of a turn that was stalled when the stall is over, if the node lives that long.
func (w *World) holdBack(n *node, of uint16, out *world.Effects) {
	late := world.Effects{
		Sends: slices.Clone(out.Sends), Replies: slices.Clone(out.Replies),
		Timers: slices.Clone(out.Timers), Barriers: slices.Clone(out.Barriers),
	}
	n.stalledUntil = w.later(n.stall)
	n.stall = 0
	w.carryOutLate(n, of, n.life, &late)
}

// resumedWithin is how soon after the end of a pause a turn goes on that was stalled when the pause began.
const resumedWithin = time.Millisecond

// carryOutLate carries out effects when the node's stall is over, and its pause, if there is one.
func (w *World) carryOutLate(n *node, of uint16, life uint64, late *world.Effects) {
	w.queue.push(n.stalledUntil, &event{kind: KindCallback, fn: func() {
		switch {
		case !n.up || n.life != life:
		case n.paused:
			n.stalledUntil = w.later(resumedWithin)
			w.carryOutLate(n, of, life, late)
		default:
			w.carryOut(n, of, late)
		}
	}})
}

// stalled puts a turn off that comes while its node is stalled, and says whether it did.
func (w *World) stalled(ev *event) bool {
	if ev.to.stalledUntil <= w.now {
		return false
	}
	w.queue.push(ev.to.stalledUntil, ev)
	return true
}
