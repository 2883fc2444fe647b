package real

import (
	"sync"

	"ordeal/world"
)

// localCalls are the calls from procs of this process to one life of a node of this process. They do not pass a socket:
// a request goes straight to its actor's inbox and the reply straight to the caller. What may go wrong, and what the
// caller is told then, is the same as on the wire. The number of open calls is bounded by the number of procs.
type localCalls struct {
	mu    sync.Mutex
	open  map[uint32]*call
	no    uint32
	ended bool
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
	}
	for t.no++; t.no == 0 || t.open[t.no] != nil; t.no++ {
	}
	c.id = t.no
	t.open[c.id] = c
	return true
}

// take removes a call; nil if nobody waits for it any more. Whoever takes a call completes it, so each is completed once.
func (t *localCalls) take(id uint32) *call {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.open[id]
	delete(t.open, id)
	return c
}

// end resets all open calls: their requests may have been executed.
func (t *localCalls) end() {
	t.mu.Lock()
	calls := t.open
	t.open, t.ended = nil, true
	t.mu.Unlock()
	for _, c := range calls {
		c.done <- callResult{err: world.ErrReset}
	}
}

// callLocal hands a request to an actor of this life. False says that it was refused, and c is as new.
func (l *life) callLocal(from world.NodeID, to world.Addr, request []byte, c *call) bool {
	if !l.local.begin(c) {
		return false
	}
	e := world.Event{
		Kind: world.EventRequest, From: world.Addr{Node: from}, Call: localConn<<32 | world.CallID(c.id), Payload: request,
	}
	if l.post(to.Actor, e) {
		return true
	}
	// If the end of the life was faster, it has answered.
	return l.local.take(c.id) == nil
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
