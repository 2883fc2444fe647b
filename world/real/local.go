package real

import (
	"fmt"
	"sync"
	"time"

	"ordeal/world"
)

// localCalls are the calls from procs of this process to one life of a node of this process. They do not pass a socket:
// a request goes straight to its actor's inbox and the reply straight to the caller. What may go wrong, and what the
// caller is told then, is the same as on the wire. The number of open calls is bounded by the number of procs.
//
// A caller waits for one channel alone. Whoever takes a call out of the table completes it: the reply, the end of the
// life, or one timer for all of them, which is set for the first that is due and looks at them all when it fires.
type localCalls struct {
	w     *World
	mu    sync.Mutex
	open  map[uint32]*call
	no    uint32
	ended bool

	// clock fires at due, unless that is 0.
	clock *time.Timer
	due   world.Time
}

// localConn is the connection that call ids of local calls name; no socket has it.
const localConn = 0

// begin gives c an id and reports false if the life has ended.
func (t *localCalls) begin(c *call) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return false
	}
	if t.open == nil {
		t.open = make(map[uint32]*call)
		t.clock = time.AfterFunc(0, t.expire)
		t.clock.Stop()
	}
	for t.no++; t.no == 0 || t.open[t.no] != nil; t.no++ {
	}
	c.id = t.no
	t.open[c.id] = c
	if t.due == 0 || c.due < t.due {
		t.arm(c.due)
	}
	return true
}

// arm sets the clock.
func (t *localCalls) arm(due world.Time) {
	t.due = due
	t.clock.Reset(max(0, due.Sub(t.w.now())))
}

// expire times out the calls that are due.
func (t *localCalls) expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, next := t.w.now(), world.Time(0)
	for id, c := range t.open {
		switch {
		case c.due <= now:
			delete(t.open, id)
			c.done <- callResult{err: world.ErrTimeout}
		case next == 0 || c.due < next:
			next = c.due
		}
	}
	if t.due = 0; next != 0 {
		t.arm(next)
	}
}

// take removes a call; nil if nobody waits for it any more.
func (t *localCalls) take(id uint32) *call {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.open[id]
	delete(t.open, id)
	return c
}

// end resets all open calls, whose requests may have been executed, and refuses those to come.
func (t *localCalls) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.open {
		c.done <- callResult{err: world.ErrReset}
	}
	clear(t.open)
	t.ended = true
	if t.clock != nil {
		t.clock.Stop()
	}
}

// callLocal calls an actor of a node of this process, or of a life that is nil while the node is down.
func (p *proc) callLocal(l *life, to world.Addr, request []byte, timeout time.Duration) ([]byte, error) {
	if p.w.isCut(p.node, to.Node) {
		p.Sleep(timeout)
		return nil, world.ErrTimeout
	}
	if l == nil {
		p.w.refused.Add(1)
		return nil, fmt.Errorf("%w: node %d is down", world.ErrRefused, to.Node)
	}
	// The life was looked up before: one that began after the world was shut down is not waited for.
	p.endIfShutDown()
	c := p.local
	c.due = p.w.now().Add(timeout)
	if !l.local.begin(c) {
		p.w.refused.Add(1)
		return nil, fmt.Errorf("%w: node %d is down", world.ErrRefused, to.Node)
	}
	e := world.Event{
		Kind: world.EventRequest, From: world.Addr{Node: p.node}, Call: localConn<<32 | world.CallID(c.id), Payload: request,
	}
	if !l.post(to.Actor, e) && l.local.take(c.id) != nil {
		p.w.refused.Add(1)
		return nil, fmt.Errorf("%w: actor %s is not there or its inbox is full", world.ErrRefused, to)
	}
	r := <-c.done
	p.endIfShutDown()
	return r.reply, r.err
}

// replyLocal answers a local call.
func (l *life) replyLocal(r world.Reply) {
	if c := l.local.take(uint32(r.Call)); c != nil {
		c.done <- callResult{reply: r.Payload}
	}
}

// localLife returns the life of a node of this process, nil if it is down; ok is false if the node is elsewhere.
func (w *World) localLife(id world.NodeID) (l *life, ok bool) {
	w.netMu.RLock()
	defer w.netMu.RUnlock()
	l, ok = w.lives[id]
	return l, ok
}

// setLife makes the life of a node of this process known to callers; nil says that the node is down.
func (w *World) setLife(id world.NodeID, l *life) {
	w.netMu.Lock()
	defer w.netMu.Unlock()
	w.lives[id] = l
}

// endLocalCalls resets the local calls to all nodes.
func (w *World) endLocalCalls() {
	w.netMu.RLock()
	defer w.netMu.RUnlock()
	for _, l := range w.lives {
		if l != nil {
			l.local.end()
		}
	}
}
