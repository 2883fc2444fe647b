package checker

import (
	"ordeal/checker/frontier"
	"ordeal/checker/register"
)

// streamKey is what a Stream knows of one key: the frontier, and the writes of unknown outcome that may still act. A
// write of unknown outcome waits outside the frontier until somebody is found to have seen its value. That changes no
// answer: the value is unique, so that nothing that matters happens between the write and its first sighting, and it can
// as well act right before that. What is true of a write is true of a swap of unknown outcome, whose value's sighting
// shows that it acted, and so that what it expected was there: its writer is called in as well. Once the first of those
// who saw the value has returned, the write has as well.
//
// Deletes of unknown outcome are all alike and counted. A conditional one waits until the value that it expects is
// written, and is forgotten once that can't be there again; if the write's outcome is unknown too, both go into the
// frontier, since together they can make the key absent.
type streamKey struct {
	name string
	pool *searches
	// search is nil while the key is at rest: all have returned, and it can be in one state only.
	search *frontier.Search
	state  value

	values streamValues
	// live is how many values there were when last the others were forgotten.
	live int

	// steps are the operations that may act; those in free have Kind 0.
	steps []step
	free  []int32
	// deletes counts the blind deletes of unknown outcome that may still act, all of which stand for step blind.
	deletes int
	blind   int32
	// cads are conditional deletes of unknown outcome whose value may be there.
	cads []int32

	// total counts the steps, judged is explained until it is something else for good.
	total  int
	judged judgement
}

// writing says where the one who writes a value is.
type writing uint8

const (
	// unwritten: nobody has been invoked who writes it.
	unwritten writing = iota
	// waits: its outcome is unknown, and nobody has seen the value.
	waits
	// optional: the same, but it is in the frontier.
	optional
	// forced: its outcome is unknown, but it was seen, by operations that are still open.
	forced
	// open: it will return.
	open
	// written: it has acted, or can't any more.
	written
)

// searches are searches that nobody uses at the moment.
type searches struct {
	free []*frontier.Search
	with frontier.Scratch
}

// streamLimits bound the frontier of one key.
var streamLimits = frontier.Limits{Width: 50_000, Work: 1 << 40}

func (p *searches) get() *frontier.Search {
	if n := len(p.free); n > 0 {
		s := p.free[n-1]
		p.free = p.free[:n-1]
		return s
	}
	return p.with.New(nil, 0, streamLimits)
}

func newStreamKey(name string, pool *searches) *streamKey {
	return &streamKey{name: name, pool: pool, blind: none, judged: explained}
}

// keep gives a step a number.
func (k *streamKey) keep(st step) int32 {
	if n := len(k.free); n > 0 {
		i := k.free[n-1]
		k.free = k.free[:n-1]
		k.steps[i] = st
		return i
	}
	k.steps = append(k.steps, st)
	return int32(len(k.steps) - 1)
}

func (k *streamKey) drop(i int32) {
	k.steps[i] = step{}
	k.free = append(k.free, i)
}

// wake makes a search of a key at rest.
func (k *streamKey) wake() *frontier.Search {
	if k.search == nil {
		k.search = k.pool.get()
		k.search.Reset(func(state uint64, op int32) (uint64, bool) {
			ok, next := k.steps[op].Act(value(state))
			return uint64(next), ok
		}, uint64(k.state))
		for range k.deletes {
			k.search.Call(k.blind, frontier.Alike)
		}
		for _, i := range k.cads {
			k.search.Call(i, frontier.Once)
		}
	}
	return k.search
}

// call takes a step that begins, and returns its number if it will return, else none.
func (k *streamKey) call(st step) int32 {
	k.total++
	if k.judged != explained {
		return none
	}
	if k.search == nil && st.Kind == register.Read {
		if ok, _ := st.Act(k.state); ok {
			return none // a read acts as soon as it can
		}
	}
	if st.Kind != register.Read && st.Value != absent && k.values.at(st.Value).writing != unwritten {
		k.end(ambiguous)
		return none
	}
	switch {
	case st.Sure:
		return k.begin(st)
	case st.Value != absent:
		k.wait(st)
	case st.Kind == register.Swap:
		k.cad(st)
	default:
		if k.blind == none {
			k.blind = k.keep(st)
		}
		k.deletes++
		if k.search != nil {
			k.search.Call(k.blind, frontier.Alike)
		}
	}
	k.look()
	return none
}

// begin takes a step that will return.
func (k *streamKey) begin(st step) int32 {
	i, mode := k.keep(st), frontier.Certain
	if st.Kind == register.Read {
		mode = frontier.Reader
	}
	k.wake().Call(i, mode)
	if v := k.values.at(st.Value); v != nil && st.Kind != register.Read {
		v.writing, v.writer = open, i
		if v.cad != none {
			k.admit(v)
		}
	}
	k.force(st.Saw())
	if k.look(); k.judged != explained {
		return none
	}
	return i
}

// wait takes a write of unknown outcome.
func (k *streamKey) wait(st step) {
	v := k.values.at(st.Value)
	v.writing, v.writer = waits, k.keep(st)
	if v.cad != none {
		k.admit(v)
	}
	for i := range k.steps {
		other := &k.steps[i]
		if other.Kind == 0 || other.Saw() != st.Value {
			continue
		}
		// Who expects it may have been invoked before.
		switch w := k.values.at(other.Value); {
		case other.Sure, w != nil && w.writing == forced:
			k.force(st.Value)
		case w != nil && w.writing == optional:
			k.admitWriters(v)
		}
	}
}

// cad takes a conditional delete of unknown outcome. An earlier one that expects the same stands in for it.
func (k *streamKey) cad(st step) {
	v := k.values.at(st.Expect)
	if v.cad != none {
		return
	}
	v.cad = k.keep(st)
	if v.writing != unwritten {
		k.admit(v)
	}
}

// admit puts the conditional delete of a value into the frontier, and who writes the value.
func (k *streamKey) admit(v *streamValue) {
	k.wake().Call(v.cad, frontier.Once)
	k.cads = append(k.cads, v.cad)
	k.admitWriters(v)
}

// admitWriters puts who writes a value into the frontier if the outcome is unknown, and who writes what that expects.
func (k *streamKey) admitWriters(v *streamValue) {
	for v != nil && v.writing == waits {
		v.writing = optional
		k.search.Call(v.writer, frontier.Optional)
		v = k.values.at(k.steps[v.writer].Saw())
	}
}

// force: a value was seen, so whoever writes it acts if the outcome was unknown, and has seen what it expected.
func (k *streamKey) force(id value) {
	for v := k.values.at(id); v != nil; v = k.values.at(k.steps[v.writer].Saw()) {
		switch v.writing {
		case waits:
			k.wake().Call(v.writer, frontier.Certain)
		case optional:
			k.search.Settle(v.writer)
		default:
			return
		}
		v.writing = forced
	}
}

// settle: somebody who saw a value returns, so that whoever writes it has as well, if it was forced.
func (k *streamKey) settle(id value) {
	v := k.values.at(id)
	if v == nil || v.writing != forced {
		return
	}
	v.writing = written
	k.settle(k.steps[v.writer].Saw())
	k.search.Return(v.writer)
	k.drop(v.writer)
}

// ret takes the return of a step.
func (k *streamKey) ret(i int32) {
	if k.judged != explained {
		return
	}
	st := k.steps[i]
	k.settle(st.Saw())
	k.search.Return(i)
	if v := k.values.at(st.Value); v != nil && st.Kind != register.Read {
		v.writing = written
	}
	k.drop(i)
	if k.look(); k.judged == explained {
		k.rest()
	}
}

// look ends the key if its search has ended.
func (k *streamKey) look() {
	if k.search == nil {
		return
	}
	switch k.search.Answer() {
	case frontier.Unexplained:
		k.end(unexplained)
	case frontier.TooWide:
		k.end(tooWide)
	}
}

// end drops all that is known of the key but what it came to.
func (k *streamKey) end(j judgement) {
	k.judged = j
	if k.search != nil && j != tooWide {
		k.pool.free = append(k.pool.free, k.search)
	}
	k.search, k.values, k.steps, k.free, k.cads = nil, streamValues{}, nil, nil, nil
}

// rest lets the key rest if it can, and forgets values that can't be seen again if there are many.
func (k *streamKey) rest() {
	state, used, only := k.search.Only()
	if k.values.len() > k.live+k.live/2+2 {
		k.forget()
	}
	if only {
		k.pool.free = append(k.pool.free, k.search)
		k.search, k.state = nil, value(state)
		k.deletes -= used
	}
}
