// Package models judges histories of objects that are no registers: lists that are appended to, sets, and counters. Each
// key is an object of its own, empty or 0 at the start, and must be linearizable.
//
// Lists and sets of which each element is written once, and none removed, are decided exactly and in n log n (chain.go): what
// was read says in which order elements came, so there is one order to try. All else goes to package frontier, which decides
// for any sequential model and says UNKNOWN where too much overlaps. What either finds is shown to porcupine.
//
// Outcomes mean what they mean in package checker: an operation that failed never had an effect, one of unknown outcome
// may have one at any time since its invocation, or never.
package models

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"ordeal/checker"
)

// Model is a kind of object.
type Model struct {
	Name string
	// Means is a line of help.
	Means string
	// writes are its operations beside checker.Get.
	writes []checker.OpKind
	make   func() object
	// chain is how elements can be seen to have come one after the other, if they can.
	chain order
}

// All are the models, in the order in which messages name them.
var All = []Model{
	{"append", "every key is a list that is appended to and read", []checker.OpKind{checker.Append}, makeList, inList},
	{"set", "every key is a set that is added to, removed from and read", []checker.OpKind{checker.Add, checker.Remove}, makeSet, inSet},
	{"counter", "every key is a counter that is incremented and read", []checker.OpKind{checker.Increment}, makeCounter, noOrder},
}

// ByName returns the model of that name, or nil.
func ByName(name string) *Model {
	return find(func(m *Model) bool { return m.Name == name })
}

// For returns the model of what a history was done to, or nil if that is registers.
func For(h checker.Operations) *Model {
	var room checker.Room
	for i := range h.Len() {
		if kind := h.At(i, &room).Kind; kind.OfObject() {
			return find(func(m *Model) bool { return slices.Contains(m.writes, kind) })
		}
	}
	return nil
}

func find(which func(m *Model) bool) *Model {
	for i := range All {
		if which(&All[i]) {
			return &All[i]
		}
	}
	return nil
}

// Check judges a history. The error names an operation that the model does not have. Of the options it has no use for
// Engine, Repeats and Only.
func (m *Model) Check(h checker.Operations, opts checker.Options) (checker.Result, error) {
	r := checker.Result{Verdict: checker.OK}
	keys, err := m.split(h)
	if err != nil {
		return r, err
	}
	if !slices.ContainsFunc(keys, (*keyOps).succeeded) {
		r.Lower(checker.INCONCLUSIVE, "no operation succeeded: there is nothing to judge")
	}
	found := make([]finding, len(keys))
	timeout := cmp.Or(opts.KeyTimeout, checker.DefaultKeyTimeout)
	opts.Work(len(keys), func() func(int) {
		return func(i int) { found[i] = keys[i].judge(timeout) }
	})
	r.KeysChecked = len(keys)
	for i, k := range keys {
		r.OpsChecked += len(k.ops)
		found[i].add(&r, k.key)
	}
	r.Rank()
	return r, nil
}

// split sorts what has a say by key.
func (m *Model) split(h checker.Operations) ([]*keyOps, error) {
	byKey := map[string]*keyOps{}
	var keys []*keyOps
	for i := range h.Len() {
		o := h.At(i, nil)
		if err := m.validate(o); err != nil {
			return nil, err
		}
		k := byKey[o.Key]
		if k == nil {
			k = &keyOps{model: m, key: o.Key, failed: map[string]*checker.Op{}}
			byKey[o.Key] = k
			keys = append(keys, k)
		}
		switch {
		case o.Outcome == checker.Failed && o.Kind != checker.Get:
			k.failed[o.Value] = o
		case o.Outcome == checker.Ok || o.Outcome == checker.Unknown && o.Kind != checker.Get:
			k.ops = append(k.ops, o)
		}
	}
	for _, k := range keys {
		slices.SortStableFunc(k.ops, func(a, b *checker.Op) int { return cmp.Compare(a.Invoke, b.Invoke) })
	}
	slices.SortFunc(keys, func(a, b *keyOps) int { return cmp.Compare(a.key, b.key) })
	return keys, nil
}

func (m *Model) validate(o *checker.Op) error {
	if err := o.Validate(); err != nil {
		return err
	}
	if o.Kind != checker.Get && !slices.Contains(m.writes, o.Kind) {
		return fmt.Errorf("operation %d is a %s: want one of %s for model %s", o.ID, o.Kind, m.kinds(), m.Name)
	}
	if o.Kind == checker.Increment {
		if _, err := strconv.ParseInt(o.Value, 10, 64); err != nil {
			return fmt.Errorf("operation %d increments by %q: want a whole number of 64 bits", o.ID, o.Value)
		}
	}
	return nil
}

func (m *Model) kinds() string {
	var names []string
	for _, k := range m.writes {
		names = append(names, string(k))
	}
	return strings.Join(append(names, string(checker.Get)), ", ")
}

// keyOps is what clients did to one object.
type keyOps struct {
	model *Model
	key   string
	// ops are those that have a say, in the order in which they were invoked.
	ops []*checker.Op
	// failed are writes that failed, by what they wrote.
	failed map[string]*checker.Op
}

// succeeded says whether any operation was ok.
func (k *keyOps) succeeded() bool {
	return slices.ContainsFunc(k.ops, func(o *checker.Op) bool { return o.Outcome == checker.Ok })
}

// finding is what became of a key.
type finding struct {
	// violation is nil if there is none.
	violation *checker.Violation
	// confirmed is what porcupine says of the violation: Illegal is a confirmation.
	confirmed porcupine.CheckResult
	// doubt is why it can't be judged, or "".
	doubt string
}

// add puts the finding into a result.
func (f *finding) add(r *checker.Result, key string) {
	switch {
	case f.doubt != "":
		r.Lower(checker.UNKNOWN, "key %q: %s", key, f.doubt)
	case f.violation == nil:
	case f.confirmed == porcupine.Ok:
		r.Lower(checker.UNKNOWN, "THE CHECKERS DISAGREE, which is a bug in one of them: key %q: porcupine has an order for what is left of a violation: %s",
			key, f.violation.Message)
	default:
		if f.confirmed == porcupine.Unknown {
			f.violation.Message += "; porcupine did not come to an end about it"
		}
		r.Violations = append(r.Violations, *f.violation)
	}
}

// judge decides about one object.
func (k *keyOps) judge(timeout time.Duration) finding {
	if c := newChain(k); c != nil {
		f := c.judge()
		if f == nil {
			return finding{}
		}
		return finding{violation: f.violation(k.key), confirmed: k.model.confirm(f.projected(), timeout)}
	}
	if k.model.chain == noOrder {
		if f := k.bounds(timeout); f != nil {
			return *f
		}
	}
	return k.search(timeout)
}

// confirm asks porcupine whether there is an order.
func (m *Model) confirm(ops []*checker.Op, timeout time.Duration) porcupine.CheckResult {
	compile := m.make()
	var all []porcupine.Operation
	for _, o := range ops {
		ret := o.Return
		if o.Outcome == checker.Unknown {
			ret = checker.Never
		}
		all = append(all, porcupine.Operation{Input: compile(o), Call: int64(o.Invoke), Return: int64(ret)})
	}
	return porcupine.CheckOperationsTimeout(porcupine.Model{
		Init: func() any { return uint64(0) },
		Step: func(state, input, _ any) (bool, any) {
			next, ok := input.(step)(state.(uint64))
			return ok, next
		},
	}, all, timeout)
}
