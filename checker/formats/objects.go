package formats

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ordeal/checker"
	"ordeal/checker/models"
)

// objectModels are rows for the models of lists, sets and counters.
func objectModels() []Model {
	var rows []Model
	for i := range models.All {
		of := &models.All[i]
		rows = append(rows, Model{of.Name, of.Means, func(f *File, opts checker.Options) (checker.Result, error) {
			h, err := f.historyOf(of)
			if err != nil {
				return checker.Result{}, err
			}
			return f.judge(h, func(h checker.Operations) (checker.Result, error) { return of.Check(h, opts) })
		}})
	}
	return rows
}

// History makes a history of what was read, as the model understands it.
func (m *Model) History(f *File) (checker.Operations, error) {
	if m.Name == kv && f.ops == nil {
		return nil, errors.New("its operations on strings are no operations on registers")
	}
	return f.historyOf(models.ByName(m.Name))
}

// txn is the function of events that Elle's tests have: a list of [:append key element] and [:r key list].
const txn = "txn"

// objects names the model of the objects that a file seems to be about, kv included; "" for registers. Elements of a list and
// bytes of a string are both appended, and both elements and amounts are added: reads tell which.
func (f *File) objects() string {
	if f.ops != nil {
		if m := models.For(f.ops); m != nil {
			return m.Name
		}
		return ""
	}
	has := func(which func(c *call) bool) bool {
		return slices.ContainsFunc(f.calls, func(c call) bool { return which(&c) })
	}
	called := func(name string) bool { return has(func(c *call) bool { return c.f == name }) }
	switch {
	case called(txn):
		return "append"
	case called("append"):
		if has(func(c *call) bool { return saw(c).kind == kindList }) {
			return "append"
		}
		return kv
	case called("add"):
		if has(func(c *call) bool { return saw(c).kind == kindAtom }) {
			return "counter"
		}
		return "set"
	}
	return ""
}

// saw is what a read returned, without its key; nil if it did not.
func saw(c *call) value {
	switch {
	case c.f != "read" && c.f != "get" || c.outcome != checker.Ok:
		return value{}
	case c.key == nil && isTuple(c) && c.out.kind == kindList && len(c.out.items) == 2:
		return c.out.items[1]
	}
	return c.out
}

// object reads an operation on a list, a set or a counter.
func (r *registers) object(c *call, op *checker.Op) error {
	if c.f == txn {
		only := *c
		c = &only
		if err := single(c); err != nil {
			return err
		}
	}
	key, in, out, err := r.key(c)
	if err != nil {
		return err
	}
	op.Key = key
	counts := r.of.Name == "counter"
	switch {
	case c.f == "read" || c.f == "get" || c.f == "r":
		op.Kind = checker.Get
		switch {
		case c.outcome != checker.Ok || out.kind == kindNil:
			return nil
		case counts:
			op.Found = true
			op.Read, err = whole(out)
			return err
		}
		op.Found = true
		op.Items, err = r.elements(out)
		return err
	case c.f == "add" && counts:
		op.Kind = checker.Increment
		op.Value, err = whole(in)
		return err
	case r.of.Name == "append" && c.f == "append":
		op.Kind = checker.Append
	case r.of.Name == "set" && c.f == "add":
		op.Kind = checker.Add
	case r.of.Name == "set" && c.f == "remove":
		op.Kind = checker.Remove
	default:
		return fmt.Errorf("it is no operation of model %s: want one of %s", r.of.Name, objectCalls[r.of.Name])
	}
	op.Value, err = r.names.text(in)
	return err
}

// objectCalls names what operations of each model are called.
var objectCalls = map[string]string{
	"append":  ":append, :read or :get, :txn with one of :append and :r",
	"set":     ":add, :remove, :read or :get",
	"counter": ":add, :read or :get",
}

// single makes a transaction of one operation that operation.
func single(c *call) error {
	part := func(v *value) (op *value, ok bool) {
		if v.kind != kindList || len(v.items) != 1 {
			return nil, false
		}
		op = &v.items[0]
		return op, op.kind == kindList && len(op.items) == 3 && op.items[0].kind == kindWord
	}
	in, ok := part(&c.in)
	if !ok {
		return fmt.Errorf("its value is %.60s: want a transaction of one operation, such as [[:append 1 2]]; those of several are not judged", &c.in)
	}
	f, key := in.items[0].text, in.items[1]
	if c.outcome == checker.Ok {
		out, ok := part(&c.out)
		if !ok || out.items[0].text != f || out.items[1].String() != key.String() {
			return fmt.Errorf("it ends with the value %.60s: want the operation with which it began", &c.out)
		}
		c.out = out.items[2]
	}
	c.f, c.key, c.in = f, &key, in.items[2]
	return nil
}

func (r *registers) elements(v *value) ([]string, error) {
	if v.kind != kindList {
		return nil, fmt.Errorf("it returned %.60s: want a list of elements", v)
	}
	var all []string
	for i := range v.items {
		text, err := r.names.text(&v.items[i])
		if err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, nil
}

func whole(v *value) (string, error) {
	n, ok := v.number()
	if !ok {
		return "", fmt.Errorf("its value is %.60s: want a whole number", v)
	}
	return fmt.Sprint(n), nil
}

// ednObjectCall is ednCall for an operation on a list, a set or a counter.
func ednObjectCall(of *models.Model, o *checker.Op, answered bool) (f, val string) {
	key := stringOf(o.Key)
	switch o.Kind {
	case checker.Get:
		return "read", fmt.Sprintf("[%s %s]", key, contents(of, o, answered))
	case checker.Increment:
		return "add", fmt.Sprintf("[%s %s]", key, o.Value)
	default:
		return string(o.Kind), fmt.Sprintf("[%s %s]", key, stringOf(o.Value))
	}
}

// contents is what a read saw.
func contents(of *models.Model, o *checker.Op, answered bool) string {
	if !answered || !o.Found {
		return "nil"
	}
	var all []string
	for _, item := range o.Items {
		all = append(all, stringOf(item))
	}
	switch of.Name {
	case "append":
		return "[" + strings.Join(all, " ") + "]"
	case "set":
		return "#{" + strings.Join(all, " ") + "}"
	}
	if _, err := strconv.ParseInt(o.Read, 10, 64); err != nil {
		return stringOf(o.Read)
	}
	return o.Read
}
