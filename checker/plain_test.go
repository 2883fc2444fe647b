package checker

import (
	"sort"

	"github.com/anishathalye/porcupine"
)

// plainVerdict judges a history with porcupine alone: nothing rewritten, nothing left out, one search a key, states as
// strings. It shares no code with the checker, whose referee it is in the tests.
func plainVerdict(h *History) bool {
	known := map[string]bool{}
	for _, o := range h.Ops {
		if o.Kind != Scan {
			known[o.Key] = true
		}
		for _, kv := range o.Pairs {
			known[kv.Key] = true
		}
	}
	var keys []string
	for k := range known {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		var ops []porcupine.Operation
		for _, o := range h.Ops {
			o, ok := plainOp(h, o, k)
			if !ok {
				continue
			}
			if o.Outcome == Unknown {
				o.Return = Never
			}
			ops = append(ops, porcupine.Operation{Input: o, Call: int64(o.Invoke), Return: int64(o.Return)})
		}
		if !porcupine.CheckOperations(plainModel, ops) {
			return false
		}
	}
	for _, o := range h.Ops {
		if o.Kind == Scan && o.Outcome == Ok && scanForm(&o) != "" {
			return false
		}
	}
	return true
}

// plainOp is what an operation says about a key, a scan as a get.
func plainOp(h *History, o Op, key string) (Op, bool) {
	if o.Outcome == Failed || o.Outcome == Unknown && (o.Kind == Get || o.Kind == Scan) {
		return o, false
	}
	if o.Kind != Scan {
		return o, o.Key == key
	}
	if key < o.Start || o.End != "" && key >= o.End {
		return o, false
	}
	get := Op{Kind: Get, Key: key, Invoke: o.Invoke, Return: o.Return, Outcome: Ok}
	for _, kv := range o.Pairs {
		if kv.Key == key {
			get.Found, get.Read = true, kv.Value
		}
	}
	cut := o.Limit > 0 && len(o.Pairs) == o.Limit && key > o.Pairs[len(o.Pairs)-1].Key
	return get, !cut
}

// plainModel has states of type string, "" for absent and "=v" for the value v.
var plainModel = porcupine.Model{
	Init: func() any { return "" },
	Step: func(state, input, _ any) (bool, any) {
		s, o := state.(string), input.(Op)
		saw := ""
		if o.Found {
			saw = "=" + o.Read
		}
		expect := ""
		if o.Expect != nil {
			expect = "=" + *o.Expect
		}
		next := ""
		if o.Kind == CAS || o.Kind == Put {
			next = "=" + o.Value
		}
		switch {
		case o.Kind == Get:
			return s == saw, s
		case o.Kind == Put || o.Kind == Delete:
			return true, next
		case o.Outcome == Unknown && s != expect:
			return true, s
		case o.Outcome == Unknown:
			return true, next
		case o.Swapped:
			return s == expect, next
		default:
			return s == saw && s != expect, s
		}
	},
}
