package frontier

import "slices"

// What a search needs that has no end: it forgets what can't matter any more, and is begun anew where there is nothing
// to remember but the state.

// Reset begins the search anew in a state, before any event, with the memory that it has.
func (s *Search) Reset(model Model, state uint64) {
	s.model, s.answer, s.work = model, Explained, 0
	s.open, s.mode, s.free = s.open[:0], s.mode[:0], s.free[:0]
	s.once, s.alike = s.once[:0], s.alike[:0]
	s.replace([]config{{state: state}})
}

// keptMax is how many configurations a frontier has room for however few it has.
const keptMax = 1 << 8

// Settle says that an operation of mode Optional has certainly acted when it Returns, as it will.
func (s *Search) Settle(op int32) {
	if slot := slices.Index(s.open, op); slot >= 0 {
		s.mode[slot] = Certain
	}
}

// Forget leaves out an operation of mode Once that can't act any more.
func (s *Search) Forget(op int32) {
	s.once = slices.DeleteFunc(s.once, func(o int32) bool { return o == op })
}

// Only returns the state if there is only one configuration and no operation in it is open but those of modes Once and
// Alike. Of the latter, used have acted.
func (s *Search) Only() (state uint64, used int, ok bool) {
	if s.answer != Explained || len(s.now) != 1 || len(s.free) != len(s.open) {
		return 0, 0, false
	}
	c := &s.now[0]
	return c.state, int(c.used), true
}

// States goes through the states of the frontier. One of them may come several times.
func (s *Search) States(yield func(uint64) bool) {
	for i := range s.now {
		if !yield(s.now[i].state) {
			return
		}
	}
}
