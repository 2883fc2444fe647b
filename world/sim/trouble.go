package sim

import (
	"fmt"
	"time"

	"ordeal/world"
)

// FsyncFailed is the Crash.Point of a node that went down because its disk refused an fsync.
const FsyncFailed = "fsync failed"

// DiskTrouble is what a disk does beyond what all disks do, while it lasts.
type DiskTrouble struct {
	// Slow is by how much each fsync takes longer.
	Slow time.Duration
	// Stalled lets no fsync end.
	Stalled bool
	// Fails lets the next fsync fail: the node goes down, as a program must that can't know any more what is on its disk.
	// Of what the fsync was for, some may be there.
	Fails bool
}

// HurtDisk gives the disk of a node trouble, which outlives crashes of the node; the zero value ends it. It fails if the node keeps
// nothing.
func (w *World) HurtDisk(id world.NodeID, what DiskTrouble) error {
	w.mustNotStep("HurtDisk")
	mustBeRange("DiskTrouble.Slow", 0, what.Slow)
	n := w.nodeOf[id]
	if n == nil || n.disk == nil {
		return fmt.Errorf("node %d has no disk", id)
	}
	n.syncs.trouble = what
	w.tracer.add(TraceEvent{Time: w.now, Kind: KindDisk, Node: id})
	w.endHeldSync(n)
	return nil
}

// HealDisk ends the trouble of a node's disk and returns how many fsyncs it has touched since it was healed last.
func (w *World) HealDisk(id world.NodeID) (touched uint64) {
	n := w.nodeOf[id]
	if n == nil || n.disk == nil {
		return 0
	}
	touched, n.syncs.touched = n.syncs.touched, 0
	if n.syncs.trouble != (DiskTrouble{}) {
		_ = w.HurtDisk(id, DiskTrouble{}) // it has a disk
	}
	return touched
}

// holdsSync says whether the fsync of a node that would end now has to wait, and notes that it does.
func (n *node) holdsSync() bool {
	q := &n.syncs
	if q.trouble.Stalled {
		q.touched++
	}
	q.held = q.held || n.paused || q.trouble.Stalled
	return q.held
}

// endHeldSync lets the fsync that waits end, unless something else holds it.
func (w *World) endHeldSync(n *node) {
	if n.syncs.held && !n.paused && !n.syncs.trouble.Stalled {
		n.syncs.held = false
		w.queue.push(w.now, &event{kind: KindSync, to: n, life: n.life})
	}
}

// refusesSync says whether the fsync that would end now fails, after which the node is down.
func (w *World) refusesSync(n *node) bool {
	q := &n.syncs
	if !q.trouble.Fails {
		return false
	}
	q.trouble.Fails = false
	q.touched++
	w.failpointCrash(n, &world.Crash{Node: n.id, Point: FsyncFailed})
	return true
}
