package checker

import "ordeal/world"

// due is an open step.
type due struct {
	at  world.Time
	key *streamKey
	i   int32
}

// pending is a binary heap of open steps, the one that returns first in front. container/heap would allocate for each of them.
type pending []due

func (p *pending) push(d due) {
	h := append(*p, d)
	*p = h
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if h[up].at <= d.at {
			break
		}
		h[i], i = h[up], up
	}
	h[i] = d
}

// pop takes the first one off.
func (p *pending) pop() due {
	h := *p
	first, d := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	*p = h
	if len(h) == 0 {
		return first
	}
	i := 0
	for {
		down := 2*i + 1
		if down+1 < len(h) && h[down+1].at < h[down].at {
			down++
		}
		if down >= len(h) || h[down].at >= d.at {
			break
		}
		h[i], i = h[down], down
	}
	h[i] = d
	return first
}
