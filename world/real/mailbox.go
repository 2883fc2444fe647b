package real

import (
	"sync"

	"ordeal/world"
)

// mailbox is where an actor's events wait, in order of arrival. What others send is bounded; what the actor ordered
// itself (completed barriers) is not, because a disk that waits for room in the inbox of an actor that waits for the
// disk would be a deadlock, and an actor can only have as many barriers open as it set.
type mailbox struct {
	sharedMax int
	// notify holds one token while there may be something to take.
	notify chan struct{}

	mu     sync.Mutex
	events []world.Event
	head   int
	shared int
	closed bool
}

func newMailbox(sharedMax int) *mailbox {
	return &mailbox{sharedMax: sharedMax, notify: make(chan struct{}, 1)}
}

// put appends an event and reports whether there was room. A closed mailbox has none.
func (m *mailbox) put(e world.Event) bool {
	bounded := e.Kind == world.EventMessage || e.Kind == world.EventRequest
	m.mu.Lock()
	if m.closed || (bounded && m.shared >= m.sharedMax) {
		m.mu.Unlock()
		return false
	}
	if bounded {
		m.shared++
	}
	m.events = append(m.events, e)
	m.mu.Unlock()
	wake(m.notify)
	return true
}

// take moves up to n events to the end of buf. If more are waiting it leaves a token in notify.
func (m *mailbox) take(buf []world.Event, n int) []world.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	for ; n > 0 && m.head < len(m.events); n-- {
		e := m.events[m.head]
		m.events[m.head] = world.Event{}
		m.head++
		if e.Kind == world.EventMessage || e.Kind == world.EventRequest {
			m.shared--
		}
		buf = append(buf, e)
	}
	if m.head == len(m.events) {
		m.events, m.head = m.events[:0], 0
		return buf
	}
	if m.head > len(m.events)/2 {
		kept := copy(m.events, m.events[m.head:])
		clear(m.events[kept:])
		m.events, m.head = m.events[:kept], 0
	}
	wake(m.notify)
	return buf
}

// close drops everything that waits and refuses everything that comes.
func (m *mailbox) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.events, m.head, m.shared = nil, 0, 0
}
