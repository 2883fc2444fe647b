package linear

import (
	"ordeal/checker/register"
	"ordeal/world"
)

// entry is an item that waits, and until when it can.
type entry struct {
	to  world.Time
	ref int32
	way register.Value
}

// queue is a binary heap: the entry that can wait least is its first. (container/heap would box every entry.)
type queue []entry

func (q *queue) push(e entry) {
	h := append(*q, e)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if h[up].to <= e.to {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = e
	*q = h
}

// pop takes the first entry off.
func (q *queue) pop() entry {
	h := *q
	top, e := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	i := 0
	for {
		down := 2*i + 1
		if down >= len(h) {
			break
		}
		if down+1 < len(h) && h[down+1].to < h[down].to {
			down++
		}
		if e.to <= h[down].to {
			break
		}
		h[i] = h[down]
		i = down
	}
	if len(h) > 0 {
		h[i] = e
	}
	*q = h
	return top
}
