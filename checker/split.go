package checker

import (
	"fmt"
	"slices"
	"strings"

	"ordeal/world"
)

// A value is a number here: an interned value of one key. absent is the state of a key that holds nothing.
type value = uint32

const (
	absent value = 0
	// anything, as what a read must differ from, excludes nothing.
	anything value = ^value(0)
)

type stepKind uint8

const (
	// stepRead saw value. A conditional operation that did not swap is one as well; it expected something else.
	stepRead stepKind = iota + 1
	// stepWrite set the key to value; a delete is a write of absent.
	stepWrite
	// stepSwap set the key to value if it held expect. A conditional delete sets it to absent.
	stepSwap
)

// step is what one operation did to one key.
type step struct {
	// call and ret bound the instant at which it acted; both ends belong to it.
	call, ret world.Time
	// op is the operation's place in History.Ops.
	op            int32
	value, expect value
	kind          stepKind
	// sure says that it certainly acted. A step that is not sure has ret Never: an order puts it last to say that it
	// never did, or acted where nobody saw it.
	sure bool
	// open and weak mark what shrinking did to it, for the notes in the report.
	open, weak bool
}

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
	st := step{call: o.Invoke, ret: o.Return, op: place, expect: anything, sure: o.Outcome == Ok}
	if !st.sure {
		st.ret = Never
	}
	if o.Kind == CAS || o.Kind == CAD {
		st.expect = absent
		if o.Expect != nil {
			st.expect = k.intern(*o.Expect)
		}
	}
	switch {
	case o.Kind == Put:
		st.kind, st.value = stepWrite, k.intern(o.Value)
	case o.Kind == Delete:
		st.kind = stepWrite
	case o.Kind == Get, st.sure && !o.Swapped:
		st.kind = stepRead
		if o.Found {
			st.value = k.intern(o.Read)
		}
	case o.Kind == CAS:
		st.kind, st.value = stepSwap, k.intern(o.Value)
	case st.expect != absent:
		st.kind = stepSwap
	case st.sure:
		// A conditional delete of nothing changes nothing: it read that the key is absent.
		st.kind, st.expect = stepRead, anything
	default:
		return
	}
	k.steps = append(k.steps, st)
}

// scan adds one read for each known key in the range: sound for each key by itself, whether or not the cluster's scans
// are atomic over keys. A scan that its limit cut says nothing about keys behind the last that it returned.
func (s *splitter) scan(o *Op, place int32) {
	if complaint := scanForm(o); complaint != "" {
		s.scans = append(s.scans, Violation{Check: checkScan, Ops: []Op{*o},
			Message: fmt.Sprintf("%s's %s %s %s", o.Who(), o.Call(), o.span(), complaint)})
		return
	}
	from, _ := slices.BinarySearchFunc(s.keys, o.Start, byName)
	to := len(s.keys)
	if o.End != "" {
		to, _ = slices.BinarySearchFunc(s.keys, o.End, byName)
	}
	if o.Limit > 0 && len(o.Pairs) == o.Limit {
		last, _ := slices.BinarySearchFunc(s.keys, o.Pairs[len(o.Pairs)-1].Key, byName)
		to = last + 1
	}
	pairs := o.Pairs
	for i := from; i < to; i++ {
		k := s.keys[i]
		st := step{call: o.Invoke, ret: o.Return, op: place, expect: anything, kind: stepRead, sure: true}
		if len(pairs) > 0 && pairs[0].Key == k.key {
			st.value = k.intern(pairs[0].Value)
			pairs = pairs[1:]
		}
		k.steps = append(k.steps, st)
	}
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
