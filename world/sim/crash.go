package sim

import (
	"fmt"

	"ordeal/world"
)

// OnCrash adds a handler that is told of every crash that a failpoint ordered, or a refused fsync (FsyncFailed), after the node went down. Crashes by
// CrashNode and Crash are not reported: whoever calls them knows.
func (w *World) OnCrash(f func(node world.NodeID, c *world.Crash)) {
	w.crashed = append(w.crashed, f)
}

// Crash takes the power from a node.
func (w *World) Crash(id world.NodeID) error {
	_, err := w.CrashNode(id)
	return err
}

// CrashNode takes the power from a node and returns how many commits its disk lost. It fails if there is no such node
// or it is down already.
func (w *World) CrashNode(id world.NodeID) (lost uint64, err error) {
	w.mustNotStep("CrashNode")
	n := w.nodeOf[id]
	switch {
	case n == nil || !n.added:
		return 0, fmt.Errorf("crashing node %d: there is no such node", id)
	case !n.up:
		return 0, fmt.Errorf("crashing node %d: it is down already", id)
	}
	return w.crash(n), nil
}

// failpointCrash crashes a node whose own code asked for it.
func (w *World) failpointCrash(n *node, c *world.Crash) {
	w.crash(n)
	for _, f := range w.crashed {
		f(n.id, c)
	}
}

// crash ends the node's life: memory is gone, the disk keeps a drawn number of the commits that were not yet durable,
// and callers whose requests it had taken are told. What is still on the network arrives nevertheless.
func (w *World) crash(n *node) (lost uint64) {
	n.up, n.paused, n.actors, n.overdue = false, false, nil, nil
	n.syncs.held = false
	n.syncs.running.reset()
	n.syncs.waiting.reset()
	kept, torn := uint64(0), false
	if n.disk != nil {
		made := n.disk.Position()
		if made < n.syncs.durable {
			panic(fmt.Sprintf("sim: node %d made %d commits, but %d are durable", n.id, made, n.syncs.durable))
		}
		kept = n.syncs.durable + n.luck.Uint64N(made-n.syncs.durable+1)
		torn = n.luck.IntN(2) == 0 && kept < made
		lost = n.disk.Crash(kept, torn)
		left := n.disk.Position()
		if left < kept || left > made || lost != made-left {
			panic(fmt.Sprintf("sim: the disk of node %d had made %d commits and was to keep %d; it lost %d and is at %d",
				n.id, made, kept, lost, left))
		}
		kept = left            // a disk may have made more durable than it was asked to
		n.syncs.durable = kept // what survived a crash is on the disk
	}
	hash := uint64(0)
	if torn {
		hash = 1
	}
	w.tracer.add(TraceEvent{Time: w.now, Kind: KindCrash, Node: n.id, Ref: kept, Len: int(lost), Hash: hash})
	w.resetCalls(n)
	return lost
}
