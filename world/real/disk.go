package real

import (
	"fmt"
	"sync"

	"ordeal/world"
)

// barrier is a world.Barrier that waits for the disk.
type barrier struct {
	actor *actor
	token uint64
	then  []world.Send
}

// diskQueue makes barriers durable on a goroutine of its own, so that actors go on working while the disk is busy. All
// barriers that arrive during one sync share the next one: that is group commit, and the busier a node is the more it
// saves. The queue has no bound of its own: an actor has only as many barriers open as it set.
type diskQueue struct {
	life   *life
	disk   world.Disk
	notify chan struct{}

	mu      sync.Mutex
	waiting []barrier
}

func newDiskQueue(l *life, disk world.Disk) *diskQueue {
	return &diskQueue{life: l, disk: disk, notify: make(chan struct{}, 1)}
}

func (q *diskQueue) put(b barrier) {
	q.mu.Lock()
	q.waiting = append(q.waiting, b)
	q.mu.Unlock()
	wake(q.notify)
}

func (q *diskQueue) takeAll(buf []barrier) []barrier {
	clear(buf)
	q.mu.Lock()
	defer q.mu.Unlock()
	out := q.waiting
	q.waiting = buf[:0]
	return out
}

// run syncs until the life ends. A sync that fails leaves no way to know what is durable, so nothing may be released
// and nothing may go on: it panics.
func (q *diskQueue) run() {
	var batch []barrier
	for {
		select {
		case <-q.life.stop:
			return
		case <-q.notify:
		}
		batch = q.takeAll(batch)
		if len(batch) == 0 {
			continue
		}
		if q.disk != nil {
			if err := q.disk.Sync(); err != nil {
				panic(fmt.Sprintf("node %d: sync of %d barriers at position %d failed, what is durable is unknown: %v",
					q.life.node.ID, len(batch), q.disk.Position(), err))
			}
		}
		select {
		case <-q.life.stop:
			return
		default:
		}
		for _, b := range batch {
			for _, s := range b.then {
				q.life.send(b.actor.addr, s)
			}
			b.actor.box.put(world.Event{Kind: world.EventSynced, Token: b.token})
		}
	}
}
