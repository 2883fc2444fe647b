package models

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"ordeal/checker"
	"ordeal/checker/frontier"
)

// shownMax is how many operations up to the one that no order explains a violation holds.
const shownMax = 24

// search goes through the operations of a key in the order of time, until they are inexplicable.
func (k *keyOps) search(timeout time.Duration) finding {
	ops := k.telling()
	modes := modesOf(ops)
	compile := k.model.make()
	steps := make([]step, len(ops))
	var returns []int32
	for i, o := range ops {
		steps[i] = compile(o)
		if o.Outcome == checker.Ok {
			returns = append(returns, int32(i))
		}
	}
	slices.SortStableFunc(returns, func(a, b int32) int { return cmp.Compare(ops[a].Return, ops[b].Return) })
	search := frontier.New(func(state uint64, op int32) (uint64, bool) { return steps[op](state) }, 0, frontier.Usual)
	called := 0
	for _, i := range returns {
		for ; called < len(ops) && ops[called].Invoke <= ops[i].Return; called++ {
			search.Call(int32(called), modes[called])
		}
		switch search.Return(i) {
		case frontier.Unexplained:
			return k.inexplicable(ops[:called], ops[i], timeout)
		case frontier.TooWide:
			return finding{doubt: fmt.Sprintf("too many ways to order operations that overlap, or are of unknown outcome, at %s; let fewer clients meet on a key",
				checker.Clock(ops[i].Return))}
		}
	}
	return finding{}
}

// telling leaves out writes of unknown outcome that say nothing. An element that no read has seen need never have been
// written: had it been before a read, that read would show it, unless it was removed in between, and then nobody missed it.
func (k *keyOps) telling() []*checker.Op {
	if k.model.chain == noOrder {
		return k.ops
	}
	seen := map[string]bool{}
	for _, o := range k.ops {
		for _, item := range o.Items {
			seen[item] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(k.ops), func(o *checker.Op) bool {
		return o.Outcome == checker.Unknown && o.Kind != checker.Remove && !seen[o.Value]
	})
}

// modesOf says how operations act. Writes of unknown outcome that all do the same need only be counted.
func modesOf(ops []*checker.Op) []frontier.Mode {
	modes := make([]frontier.Mode, len(ops))
	var first *checker.Op
	alike := true
	for _, o := range ops {
		if o.Outcome != checker.Unknown {
			continue
		}
		if first == nil {
			first = o
		}
		alike = alike && o.Kind == first.Kind && o.Value == first.Value
	}
	for i, o := range ops {
		switch {
		case o.Kind == checker.Get:
			modes[i] = frontier.Reader
		case o.Outcome == checker.Ok:
			modes[i] = frontier.Certain
		case alike:
			modes[i] = frontier.Alike
		default:
			modes[i] = frontier.Optional
		}
	}
	return modes
}

// inexplicable is the violation of operations that no order explains once the last one has returned. Where porcupine does not
// come to an end, the frontier, which is as exact, has the word.
func (k *keyOps) inexplicable(ops []*checker.Op, last *checker.Op, timeout time.Duration) finding {
	v := &checker.Violation{Check: linearizability, Key: k.key, Message: fmt.Sprintf(
		"%s, and no order of the %d operations on key %q up to then explains that", told(last), len(ops), k.key)}
	for _, o := range ops[max(0, len(ops)-shownMax):] {
		if o != last {
			v.Ops = append(v.Ops, *o)
		}
	}
	v.Ops = append(v.Ops, *last)
	if hidden := len(ops) - len(v.Ops); hidden > 0 {
		v.Message += fmt.Sprintf("; the latest %d are shown", len(v.Ops))
	}
	return finding{violation: v, confirmed: k.model.confirm(ops, timeout)}
}

// linearizability is the promise that objects make.
const linearizability = "linearizability"

// told tells of an operation that has returned.
func told(o *checker.Op) string {
	return fmt.Sprintf("%s's %s → %s at [%s, %s]", o.Who(), o.Call(), o.Answer(), checker.Clock(o.Invoke), checker.Clock(o.Return))
}
