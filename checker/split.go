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
	// values names the interned values; values[absent] means nothing.
	values []string
	ids    map[string]value
	// steps is in the order of the history.
	steps []step
}

func (k *keyHistory) intern(s string) value {
	id, ok := k.ids[s]
	if !ok {
		id = value(len(k.values))
		k.ids[s] = id
		k.values = append(k.values, s)
	}
	return id
}

// splitter makes the sub-histories of all keys.
type splitter struct {
	byKey map[string]*keyHistory
	// keys is sorted.
	keys []*keyHistory
	// scans holds what is wrong with the form of scans' results: no order could make it right.
	scans []Violation
}

// split makes one sub-history of each key that the history names.
func split(h *History) *splitter {
	s := &splitter{byKey: map[string]*keyHistory{}}
	for i := range h.Ops {
		o := &h.Ops[i]
		if o.Kind != Scan {
			s.know(o.Key)
			continue
		}
		for _, kv := range o.Pairs {
			s.know(kv.Key)
		}
	}
	slices.SortFunc(s.keys, func(a, b *keyHistory) int { return strings.Compare(a.key, b.key) })
	for i := range h.Ops {
		switch o := &h.Ops[i]; {
		case o.Outcome == Failed, o.Outcome == Unknown && !o.Kind.writes():
			// No effect and no answer: it has no say.
		case o.Kind == Scan:
			s.scan(o, int32(i))
		default:
			s.point(o, int32(i))
		}
	}
	return s
}

func (s *splitter) know(key string) {
	if s.byKey[key] == nil {
		k := &keyHistory{key: key, values: []string{""}, ids: map[string]value{}}
		s.byKey[key] = k
		s.keys = append(s.keys, k)
	}
}

// point adds an operation on one key.
func (s *splitter) point(o *Op, place int32) {
	k := s.byKey[o.Key]
	if st, ok := pointStep(o, place, k.intern); ok {
		k.steps = append(k.steps, st)
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

// scan adds one read for each known key in the range: sound for each key by itself, whether or not the cluster's scans
// are atomic over keys. A scan that its limit cut says nothing about keys behind the last that it returned.
func (s *splitter) scan(o *Op, place int32) {
	if complaint := scanForm(o); complaint != "" {
		s.scans = append(s.scans, scanViolation(o, complaint))
		return
	}
	from, to := rangeOf(s.keys, o, byName)
	pairs := o.Pairs
	for i := from; i < to; i++ {
		k := s.keys[i]
		st := step{Call: o.Invoke, Ret: o.Return, Op: place, Expect: anything, Kind: register.Read, Sure: true}
		if len(pairs) > 0 && pairs[0].Key == k.key {
			st.Value = k.intern(pairs[0].Value)
			pairs = pairs[1:]
		}
		k.steps = append(k.steps, st)
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
