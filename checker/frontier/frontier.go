// Package frontier decides for any sequential model whether an order explains a history, by going through the history
// once. It is the just-in-time linearization of Lowe (Testing for linearizability, 2017), turned into a stream: after
// each event it knows every configuration that the events up to there leave possible, that is, a state of the model and
// which of the open operations have acted. Time and memory are linear in the length of the history, and exponential
// only in how many operations overlap.
//
// Operations act as late as possible: when one returns, each configuration in which it has not acted is extended by
// open operations until it has. What remains is the frontier, from which the returned one is erased. Nothing remains at
// the first return at which the history has become inexplicable.
//
// Three things keep the frontier small, and none of them changes the answer. An operation that never changes any state
// acts as soon as it can. Optional operations that are all alike are
// counted, and of two configurations that differ in nothing else the one that has used fewer can do all that the other
// can. An operation that can't act twice by the rules of the model needs no mark that it has acted.
package frontier

import "slices"

// Mode says what is known about an operation's effect.
type Mode uint8

const (
	// Certain: it acted between its call and its return.
	Certain Mode = iota
	// Reader is Certain, and never changes any state.
	Reader
	// Optional: it may have acted at any time since its call, or may never. It does not return.
	Optional
	// Alike is Optional, and all operations of this mode do the same.
	Alike
	// Once is Optional, and after it has changed the state it can never again, whatever others do.
	Once
)

// Model is the sequential specification: what operation op makes of state, or false if it can't act on it. States and
// operations are whatever the caller numbers.
type Model func(state uint64, op int32) (next uint64, ok bool)

// Limits bounds a search, so that it ends in reasonable time and memory. Both limits are numbers of configurations, 48
// bytes each: the same search gives up at the same place on any machine.
type Limits struct {
	// Width bounds the frontier, and how many configurations one return may lead through.
	Width int
	// Work bounds all configurations that are looked at.
	Work int
}

// Usual are limits within which a search takes at most some seconds and some 20 MB.
var Usual = Limits{Width: 200_000, Work: 50_000_000}

// Answer is what is known after some events.
type Answer uint8

// The answers.
const (
	// Explained: an order explains the events so far.
	Explained Answer = iota + 1
	// Unexplained: no order does, whatever comes.
	Unexplained
	// TooWide: a limit was reached.
	TooWide
)

// slotsMax is how many operations can be open at a time, beside those of modes Alike and Once.
const slotsMax = 128

// Search is the frontier after the events that it was given. Each is given in the order of time; where a call and a
// return are at the same instant the call is given first, if they may have overlapped.
type Search struct {
	model  Model
	limits Limits
	answer Answer
	work   int
	// open holds the operation in each slot, or none; free are the slots without one.
	open []int32
	mode []Mode
	free []uint8
	// once and alike are the open operations of these modes.
	once, alike []int32
	// now is the frontier.
	now  []config
	with *Scratch
}

const none = -1

// New begins a search in a state, before any event.
func New(model Model, state uint64, limits Limits) *Search {
	return new(Scratch).New(model, state, limits)
}

// Scratch is the memory of one return. Searches that take turns may share it.
type Scratch struct {
	// next is the frontier that is being made, seen what it took.
	next, seen set
	stack      []config
}

// New is New with shared memory.
func (x *Scratch) New(model Model, state uint64, limits Limits) *Search {
	return &Search{model: model, limits: limits, answer: Explained, with: x, now: []config{{state: state}}}
}

// Answer is what is known so far. It never changes again once it is not Explained.
func (s *Search) Answer() Answer { return s.answer }

// Width is the number of configurations in the frontier.
func (s *Search) Width() int { return len(s.now) }

// Work is the number of configurations that were looked at.
func (s *Search) Work() int { return s.work }

// Call adds an operation that begins.
func (s *Search) Call(op int32, mode Mode) {
	switch {
	case s.answer != Explained:
	case mode == Once:
		s.once = append(s.once, op)
	case mode == Alike:
		s.alike = append(s.alike, op)
	case len(s.free) > 0:
		last := len(s.free) - 1
		s.take(op, mode, s.free[last])
		s.free = s.free[:last]
	case len(s.open) == slotsMax:
		s.answer = TooWide
	default:
		s.open, s.mode = append(s.open, none), append(s.mode, mode)
		s.take(op, mode, uint8(len(s.open)-1))
	}
}

func (s *Search) take(op int32, mode Mode, slot uint8) {
	s.open[slot], s.mode[slot] = op, mode
}

// Return says that an operation, of mode Certain or Reader, has returned, and what is known then. One that was not called
// can't have acted.
func (s *Search) Return(op int32) Answer {
	if s.answer != Explained {
		return s.answer
	}
	place := slices.Index(s.open, op)
	if place < 0 {
		s.answer = Unexplained
		return Unexplained
	}
	slot := uint8(place)
	s.with.next.clear()
	s.with.seen.clear()
	for i := range s.now {
		if !s.advance(s.now[i], slot) {
			s.answer = TooWide
			return TooWide
		}
	}
	s.replace(s.with.next.list)
	s.open[slot] = none
	s.free = append(s.free, slot)
	if len(s.now) == 0 {
		s.answer = Unexplained
	}
	return s.answer
}

// replace makes the frontier anew. One that was wide once does not keep the memory for it.
func (s *Search) replace(now []config) {
	if cap(s.now) > keptMax && len(now) < cap(s.now)/4 {
		s.now = nil
	}
	s.now = append(s.now[:0], now...)
}

// advance puts into next all that c can become by letting open operations act until the one in slot has. It is false
// if that exceeds a limit.
func (s *Search) advance(c config, slot uint8) bool {
	x := s.with
	x.stack = append(x.stack[:0], c)
	for len(x.stack) > 0 {
		c := x.stack[len(x.stack)-1]
		x.stack = x.stack[:len(x.stack)-1]
		s.work++
		if !c.has(slot) {
			s.settle(&c)
		}
		if c.has(slot) {
			c.erase(slot)
			x.next.add(c)
			continue
		}
		if !x.seen.add(c) {
			continue
		}
		if x.seen.len() > s.limits.Width || x.next.len() > s.limits.Width || s.work > s.limits.Work {
			return false
		}
		s.extend(c)
	}
	return true
}

// settle lets all open readers act that can.
func (s *Search) settle(c *config) {
	for slot, op := range s.open {
		if op == none || s.mode[slot] != Reader || c.has(uint8(slot)) {
			continue
		}
		if _, ok := s.model(c.state, op); ok {
			c.mark(uint8(slot))
		}
	}
}

// extend pushes what becomes of c if one more open operation acts. One that may never have acted need not if that
// changes nothing, and a reader that could have has.
func (s *Search) extend(c config) {
	push := func(op int32, mode Mode, used config) {
		if next, ok := s.model(c.state, op); ok && (next != c.state || mode == Certain) {
			used.state = next
			s.with.stack = append(s.with.stack, used)
		}
	}
	for slot, op := range s.open {
		if op != none && s.mode[slot] != Reader && !c.has(uint8(slot)) {
			used := c
			used.mark(uint8(slot))
			push(op, s.mode[slot], used)
		}
	}
	for _, op := range s.once {
		push(op, Once, c)
	}
	if int(c.used) < len(s.alike) {
		used := c
		used.used++
		push(s.alike[0], Alike, used)
	}
}
