package sim

import (
	"fmt"
	"math/bits"

	"ordeal/world"
)

// event is something that will happen at a time known to the queue. Which fields mean something depends on kind.
type event struct {
	kind  Kind
	actor uint16 // of to
	// src is the node whose link to the target the event travels on; nil for what does not travel.
	src *node
	to  *node
	// life is the life of to that the event is meant for; 0 for what outlives a crash.
	life uint64
	from world.Addr
	ref  uint64 // a call, a token or a proc
	// payload and its hash at the time of sending; the hash is kept only under Config.CheckPayloads.
	payload []byte
	sum     uint64
	fn      func()
}

// place is an event's place in the queue: small, because ordering moves it around, while the event itself stays put.
type place struct {
	at   world.Time
	seq  uint64
	slot int32
}

// before compares the pairs as one number of 128 bits, by the borrow of a subtraction: in a heap every comparison is a
// coin toss, and a branch on each would cost more than the comparison. Times are never negative.
func (p *place) before(q *place) bool {
	_, borrow := bits.Sub64(p.seq, q.seq, 0)
	_, borrow = bits.Sub64(uint64(p.at), uint64(q.at), borrow)
	return borrow != 0
}

// fanout is the number of children in the heap: with four, a heap is half as deep as a binary one and the children
// compared with each other lie side by side in memory.
const fanout = 4

// queue holds future events, ordered by time and, at equal times, by the order in which they were pushed.
type queue struct {
	heap []place
	lane lane
	slab []event
	free []int32 // slots of slab that hold no event
	seq  uint64
}

func (q *queue) len() int { return len(q.heap) + q.lane.len() }

// next returns the time of the earliest event. The queue must not be empty.
func (q *queue) next() world.Time {
	if q.laneFirst() {
		return q.lane.first().at
	}
	return q.heap[0].at
}

// laneFirst says whether the earliest event is in the lane.
func (q *queue) laneFirst() bool {
	return q.lane.len() > 0 && (len(q.heap) == 0 || q.lane.first().before(&q.heap[0]))
}

// push adds a copy of ev.
func (q *queue) push(at world.Time, ev *event) {
	q.heap = append(q.heap, place{})
	q.up(len(q.heap)-1, q.store(at, ev))
}

// pushLate adds a copy of ev, at a time not before that of any other event added by pushLate. It is cheaper than push and
// for those who always add the same delay to the current time.
func (q *queue) pushLate(at world.Time, ev *event) {
	q.lane.push(q.store(at, ev))
}

// store copies ev to the slab.
func (q *queue) store(at world.Time, ev *event) place {
	var slot int32
	if n := len(q.free); n > 0 {
		slot = q.free[n-1]
		q.free = q.free[:n-1]
		q.slab[slot] = *ev
	} else {
		slot = int32(len(q.slab))
		q.slab = append(q.slab, *ev)
	}
	q.seq++
	return place{at: at, seq: q.seq, slot: slot}
}

// pop removes the earliest event and copies it to ev. The queue must not be empty.
func (q *queue) pop(ev *event) world.Time {
	var top place
	if q.laneFirst() {
		top = q.lane.pop()
	} else {
		top = q.heap[0]
		last := len(q.heap) - 1
		p := q.heap[last]
		q.heap = q.heap[:last]
		if last > 0 {
			q.down(0, p)
		}
	}
	*ev = q.slab[top.slot]
	q.slab[top.slot].payload, q.slab[top.slot].fn = nil, nil // let go of what the event held
	q.free = append(q.free, top.slot)
	return top.at
}

// up moves the hole at i towards the root until p fits into it.
func (q *queue) up(i int, p place) {
	for i > 0 {
		parent := (i - 1) / fanout
		if !p.before(&q.heap[parent]) {
			break
		}
		q.heap[i] = q.heap[parent]
		i = parent
	}
	q.heap[i] = p
}

// down moves the hole at i towards the leaves until p fits into it.
func (q *queue) down(i int, p place) {
	for {
		first := fanout*i + 1
		if first >= len(q.heap) {
			break
		}
		least := first
		for c := first + 1; c < min(first+fanout, len(q.heap)); c++ {
			if q.heap[c].before(&q.heap[least]) {
				least = c
			}
		}
		if !q.heap[least].before(&p) {
			break
		}
		q.heap[i] = q.heap[least]
		i = least
	}
	q.heap[i] = p
}

// lane is a ring of places that come in order.
type lane struct {
	ring        []place // its length is a power of two
	begin, past int     // count pops and pushes
}

// laneSize is the length of a lane's first ring.
const laneSize = 64

func (l *lane) len() int { return l.past - l.begin }

func (l *lane) first() *place { return &l.ring[l.begin&(len(l.ring)-1)] }

func (l *lane) push(p place) {
	if l.len() == len(l.ring) {
		l.grow()
	}
	mask := len(l.ring) - 1
	if l.len() > 0 && p.at < l.ring[(l.past-1)&mask].at {
		panic(fmt.Sprintf("sim: an event for %s comes after one for %s", p.at, l.ring[(l.past-1)&mask].at))
	}
	l.ring[l.past&mask] = p
	l.past++
}

func (l *lane) pop() place {
	p := *l.first()
	l.begin++
	return p
}

func (l *lane) grow() {
	ring := make([]place, max(laneSize, 2*len(l.ring)))
	for i := l.begin; i < l.past; i++ {
		ring[i&(len(ring)-1)] = l.ring[i&(len(l.ring)-1)]
	}
	l.ring = ring
}
