package real

import "sync"

// outgoing is a frame on its way to a socket, with the call that waits for its answer, if any.
type outgoing struct {
	frame frame
	call  *call
}

// sendQueue is a bounded queue between many senders and the one goroutine that writes a socket. A sender never waits:
// what does not fit is refused, because a network may lose messages but must not stop the actor that sends them.
type sendQueue struct {
	framesMax int
	bytesMax  int
	// notify holds one token while there may be something to take.
	notify chan struct{}

	mu     sync.Mutex
	frames []outgoing
	bytes  int
}

func newSendQueue(framesMax, bytesMax int) *sendQueue {
	return &sendQueue{framesMax: framesMax, bytesMax: bytesMax, notify: make(chan struct{}, 1)}
}

// put appends o and reports whether it fitted. A frame that is larger than the whole bound still fits into an empty
// queue, else it could never be sent.
func (q *sendQueue) put(o outgoing) bool {
	n := o.frame.size()
	q.mu.Lock()
	fits := len(q.frames) == 0 || (len(q.frames) < q.framesMax && q.bytes+n <= q.bytesMax)
	if fits {
		q.frames = append(q.frames, o)
		q.bytes += n
	}
	q.mu.Unlock()
	if fits {
		wake(q.notify)
	}
	return fits
}

// takeAll empties the queue into buf, whose memory is reused.
func (q *sendQueue) takeAll(buf []outgoing) []outgoing {
	clear(buf)
	q.mu.Lock()
	defer q.mu.Unlock()
	out := q.frames
	q.frames, q.bytes = buf[:0], 0
	return out
}

// wake leaves a token in a channel of capacity one unless there is one already.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
