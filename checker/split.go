package checker

import (
	"fmt"
	"slices"
	"strings"

	"ordeal/checker/register"
)

// What one key is to the engines.
type (
	value = register.Value
	step  = register.Step
)

const (
	absent   = register.Absent
	anything = register.Anything
)

// keyHistory is what all operations did to one key.
type keyHistory struct {
	key string
	// ops and scans are the operations on the key, and the scans that say something of it: places in the history, in its
	// order.
	ops, scans []int32
	// writes is how many values are written to it at most.
	writes int
	// values names the interned values; values[absent] means nothing. steps is in the order of the history. Both are there
	// only where somebody looks at the key more closely: while all keys are judged, a loader makes them for one key after
	// the other, since those of all would need more memory than the history can spare.
	values []string
	steps  []step
}

// loader makes the steps of one key after the other. It keeps its memory from one to the next.
type loader struct {
	h     Operations
	room  Room
	in    interner
	steps []step
}

// load makes the steps of a key, and names its values. Both are good until the next load.
func (l *loader) load(k *keyHistory) (steps []step, values []string) {
	l.in.reset(k.writes)
	l.steps = slices.Grow(l.steps[:0], len(k.ops)+len(k.scans))
	intern := l.in.number
	scans := k.scans
	for _, i := range k.ops {
		for ; len(scans) > 0 && scans[0] < i; scans = scans[1:] {
			l.scan(k.key, scans[0])
		}
		if st, ok := pointStep(l.h.At(int(i), &l.room), i, intern); ok {
			l.steps = append(l.steps, st)
		}
	}
	for _, i := range scans {
		l.scan(k.key, i)
	}
	return l.steps, l.in.names
}

// scan adds what a scan read of a key in its range.
func (l *loader) scan(key string, place int32) {
	o := l.h.At(int(place), &l.room)
	st := step{Call: o.Invoke, Ret: o.Return, Op: place, Expect: anything, Kind: register.Read, Sure: true}
	at, found := slices.BinarySearchFunc(o.Pairs, key, func(kv KV, key string) int { return strings.Compare(kv.Key, key) })
	if found {
		st.Value = l.in.number(o.Pairs[at].Value)
	}
	l.steps = append(l.steps, st)
}

// look fills in values and steps.
func (k *keyHistory) look(h Operations) {
	l := loader{h: h}
	k.steps, k.values = l.load(k)
}

// partOps is how many operations a part of a history has.
const partOps = 1 << 16

// part is a part of a history, in which keys have numbers of their own.
type part struct {
	from, to int
	keys     *interner
	// counts and writes say of each key how many operations it has, and how many of them write a value, at most.
	counts, writes []int32
	// at is which key of all a key is, and then where its next operation goes.
	at        []int32
	scans     []int32
	outcomes  Counts
	judged    int
	malformed error
}

// splitter finds the operations of each key. It does so by parts, several at a time if spread likes.
type splitter struct {
	h     Operations
	parts []part
	// keyOf says of each operation that has a say which key of its part it is on; 0 is none.
	keyOf []int32
	// places has the operations of one key after the other.
	places []int32
	known  interner
	// keys is sorted in the end.
	keys []*keyHistory
	// scans holds what is wrong with the form of scans' results: no order could make it right.
	scans []Violation

	outcomes Counts
	// judged is how many operations have a say.
	judged int
	// malformed says what is wrong with the form of the first operation that is malformed; then nothing else counts.
	malformed error
}

// split finds the operations of each key that the history names.
func split(h Operations, spread func(n int, worker func() (do func(i int)))) *splitter {
	s := &splitter{h: h, keyOf: make([]int32, h.Len())}
	for from := 0; from < h.Len(); from += partOps {
		s.parts = append(s.parts, part{from: from, to: min(from+partOps, h.Len())})
	}
	spread(len(s.parts), func() func(int) { return func(i int) { s.count(&s.parts[i]) } })
	for i := range s.parts {
		p := &s.parts[i]
		if p.malformed != nil {
			s.malformed = p.malformed
			return s
		}
		s.outcomes.Ok += p.outcomes.Ok
		s.judged += p.judged
	}
	s.deal(s.merge())
	spread(len(s.parts), func() func(int) { return func(i int) { s.fill(&s.parts[i]) } })
	slices.SortFunc(s.keys, func(a, b *keyHistory) int { return strings.Compare(a.key, b.key) })
	for i := range s.parts {
		for _, place := range s.parts[i].scans {
			s.scan(place)
		}
	}
	return s
}

// count finds out how many operations each key has in a part.
func (s *splitter) count(p *part) {
	p.keys = new(interner)
	p.keys.reset(64)
	p.counts, p.writes = make([]int32, 1, 64), make([]int32, 1, 64)
	var last uint32
	var room Room
	for i := p.from; i < p.to; i++ {
		o := s.h.At(i, &room)
		if p.malformed = o.register(); p.malformed != nil {
			return
		}
		p.outcomes.Add(o.Outcome)
		silent := o.Outcome == Failed || o.Outcome == Unknown && !o.Kind.writes() // no effect and no answer
		if !silent {
			p.judged++
		}
		if o.Kind == Scan {
			p.scans = append(p.scans, int32(i))
			continue
		}
		if last == 0 || p.keys.names[last] != o.Key {
			if last = p.keys.number(o.Key); int(last) == len(p.counts) {
				p.counts, p.writes = append(p.counts, 0), append(p.writes, 0)
			}
		}
		if silent {
			continue
		}
		s.keyOf[i] = int32(last)
		p.counts[last]++
		if o.Kind == Put || o.Kind == CAS {
			p.writes[last]++
		}
	}
}

// merge makes one list of the keys of all parts, and says how many operations each has. It leaves in at which of them a
// part's key is.
func (s *splitter) merge() (totals []int32) {
	s.known.reset(64)
	know := func(key string) uint32 {
		n := s.known.number(key)
		if int(n) > len(s.keys) {
			s.keys = append(s.keys, &keyHistory{key: key})
			totals = append(totals, 0)
		}
		return n - 1
	}
	for i := range s.parts {
		p := &s.parts[i]
		p.at = make([]int32, len(p.counts))
		for n, key := range p.keys.names[1:] {
			k := know(key)
			p.at[n+1] = int32(k)
			totals[k] += p.counts[n+1]
			s.keys[k].writes += int(p.writes[n+1])
		}
		p.keys, p.writes = nil, nil
		for _, place := range p.scans {
			for _, kv := range s.h.At(int(place), nil).Pairs {
				know(kv.Key)
			}
		}
	}
	return totals
}

// deal says where the operations of each key go, part by part.
func (s *splitter) deal(totals []int32) {
	next := make([]int32, len(totals))
	sum := int32(0)
	for k, n := range totals {
		next[k] = sum
		sum += n
	}
	s.places = make([]int32, sum)
	for k, n := range totals {
		s.keys[k].ops = s.places[next[k]:][:n:n]
	}
	for i := range s.parts {
		p := &s.parts[i]
		for n := 1; n < len(p.at); n++ {
			k := p.at[n]
			p.at[n] = next[k]
			next[k] += p.counts[n]
		}
	}
}

// fill puts the operations of a part where they go.
func (s *splitter) fill(p *part) {
	for i := p.from; i < p.to; i++ {
		if n := s.keyOf[i]; n != 0 {
			s.places[p.at[n]] = int32(i)
			p.at[n]++
		}
	}
}

// pointStep is what an operation on one key is to the engines; false if it says nothing.
func pointStep(o *Op, place int32, intern func(string) value) (st step, ok bool) {
	st = step{Call: o.Invoke, Ret: o.Return, Op: place, Expect: anything, Sure: o.Outcome == Ok}
	if !st.Sure {
		st.Ret = Never
	}
	if o.Kind == CAS || o.Kind == CAD {
		st.Expect = absent
		if o.Expect != nil {
			st.Expect = intern(*o.Expect)
		}
	}
	switch {
	case o.Kind == Put:
		st.Kind, st.Value = register.Write, intern(o.Value)
	case o.Kind == Delete:
		st.Kind = register.Write
	case o.Kind == Get, st.Sure && !o.Swapped:
		st.Kind = register.Read
		if o.Found {
			st.Value = intern(o.Read)
		}
	case o.Kind == CAS:
		st.Kind, st.Value = register.Swap, intern(o.Value)
	case st.Expect != absent:
		st.Kind = register.Swap
	case st.Sure:
		// A conditional delete of nothing changes nothing: it read that the key is absent.
		st.Kind, st.Expect = register.Read, anything
	default:
		return st, false
	}
	return st, true
}

// scan gives a scan to each known key in its range, which it is a read of: sound for each key by itself, whether or not
// the cluster's scans are atomic over keys. A scan that its limit cut says nothing about keys behind the last that it
// returned.
func (s *splitter) scan(place int32) {
	o := s.h.At(int(place), nil)
	if o.Outcome != Ok {
		return
	}
	if complaint := scanForm(o); complaint != "" {
		s.scans = append(s.scans, scanViolation(o, complaint))
		return
	}
	from, to := rangeOf(s.keys, o, byName)
	for _, k := range s.keys[from:to] {
		k.scans = append(k.scans, place)
	}
}

func scanViolation(o *Op, complaint string) Violation {
	return Violation{Check: checkScan, Ops: []Op{*o}, Message: fmt.Sprintf("%s's %s %s %s", o.Who(), o.Call(), o.span(), complaint)}
}

// rangeOf finds the sorted keys that a well-formed scan says something about.
func rangeOf[K any](keys []K, o *Op, by func(K, string) int) (from, to int) {
	from, _ = slices.BinarySearchFunc(keys, o.Start, by)
	to = len(keys)
	if o.End != "" {
		to, _ = slices.BinarySearchFunc(keys, o.End, by)
	}
	if o.Limit > 0 && len(o.Pairs) == o.Limit {
		last, _ := slices.BinarySearchFunc(keys, o.Pairs[len(o.Pairs)-1].Key, by)
		to = last + 1
	}
	return from, max(from, to)
}

func byName(k *keyHistory, key string) int { return strings.Compare(k.key, key) }

// scanForm says what is wrong with the form of a scan's result, or "".
func scanForm(o *Op) string {
	if o.Limit > 0 && len(o.Pairs) > o.Limit {
		return fmt.Sprintf("returned %d pairs, more than its limit", len(o.Pairs))
	}
	for i, kv := range o.Pairs {
		switch {
		case kv.Key < o.Start || (o.End != "" && kv.Key >= o.End):
			return fmt.Sprintf("returned %s, which is outside its range", name(kv.Key))
		case i > 0 && kv.Key == o.Pairs[i-1].Key:
			return fmt.Sprintf("returned %s twice", name(kv.Key))
		case i > 0 && kv.Key < o.Pairs[i-1].Key:
			return fmt.Sprintf("returned %s after %s", name(kv.Key), name(o.Pairs[i-1].Key))
		}
	}
	return ""
}
