package sim

import (
	"fmt"

	"ordeal/world"
)

// pausedInboxMax bounds the messages that wait for an actor of a node that is paused, like the buffers of its sockets. What
// comes beyond that is lost.
const pausedInboxMax = 4096

// Pause stops a node in the midst of what it does, as a signal or a hypervisor does. It keeps its memory, but takes no turn
// and sends nothing, while its clock goes on; what comes for it waits. It fails if the node is down. Pausing twice is
// pausing once; a crash ends the pause.
func (w *World) Pause(id world.NodeID) error {
	w.mustNotStep("Pause")
	n := w.nodeOf[id]
	if n == nil || !n.up {
		return fmt.Errorf("pausing node %d: it is not up", id)
	}
	if !n.paused {
		n.paused = true
		w.tracer.add(TraceEvent{Time: w.now, Kind: KindPause, Node: id})
	}
	return nil
}

// Paused says whether a node is paused.
func (w *World) Paused(id world.NodeID) bool {
	n := w.nodeOf[id]
	return n != nil && n.paused
}

// Resume lets a node that is paused go on, and returns how many events wait for it.
func (w *World) Resume(id world.NodeID) (waiting int) {
	w.mustNotStep("Resume")
	n := w.nodeOf[id]
	if n == nil || !n.paused {
		return 0
	}
	n.paused = false
	w.carryOutOverdue(n)
	for i := range n.actors {
		a := &n.actors[i]
		waiting += len(a.inbox)
		if a.held {
			a.held = false
			w.wake(n, uint16(i))
		}
	}
	w.tracer.add(TraceEvent{Time: w.now, Kind: KindResume, Node: id, Len: waiting})
	w.endHeldSync(n)
	return waiting
}

// full says whether no more messages can wait for an actor of a paused node.
func (n *node) full(of uint16) bool { return n.paused && len(n.actors[of].inbox) >= pausedInboxMax }
