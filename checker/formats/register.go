package formats

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"ordeal/checker"
	"ordeal/checker/models"
)

// base64Prefix begins strings that hold bytes which a string of edn can't. As in checker's own files, a string that
// begins like this itself is encoded as well.
const base64Prefix = "b64:"

// namer makes the strings of a history from values.
type namer struct {
	// isString says of each text whether a string was meant. The number 3 and the string "3" are not the same.
	isString map[string]bool
}

func (n *namer) text(v *value) (string, error) {
	s, str := v.text, v.kind == kindString
	if !str {
		s = v.String()
	} else if coded, ok := strings.CutPrefix(s, base64Prefix); ok {
		if raw, err := base64.StdEncoding.DecodeString(coded); err == nil {
			s = string(raw)
		}
	}
	if was, known := n.isString[s]; known && was != str {
		return "", fmt.Errorf("%s occurs as a string and as something else, which would look the same", s)
	}
	n.isString[s] = str
	return s, nil
}

// registerCalls names what operations of the register model are called.
const registerCalls = ":read or :get, :write or :put, :delete, :cas, :scan"

// registers makes a history of registers out of operations. Keys are in :key, or, as jepsen.independent has them,
// in a tuple [key value] as the value of all operations; without any there is one register. Nil is a register that
// holds nothing.
type registers struct {
	// of is the model, if they are no registers at all but other objects.
	of    *models.Model
	names namer
	h     checker.History
	// keyed is 1 for a file with keys, -1 for one without.
	keyed int
}

func (r *registers) add(c *call) error {
	op := checker.Op{ID: len(r.h.Ops) + 1, Client: c.process, Invoke: c.invoke, Return: c.finish, Outcome: c.outcome}
	if c.outcome != checker.Ok && c.note.kind != kindNil {
		op.Err = c.note.String()
	}
	var err error
	switch {
	case r.of != nil:
		err = r.object(c, &op)
	case c.f == scanCall:
		err = r.scan(c, &op)
	default:
		err = r.point(c, &op)
	}
	if err != nil {
		return fmt.Errorf("the :%s of line %d: %w", c.f, c.line, err)
	}
	r.h.Ops = append(r.h.Ops, op)
	return nil
}

// key takes the key off an operation's value.
func (r *registers) key(c *call) (key string, in, out *value, err error) {
	in, out = &c.in, &c.out
	from := c.key
	if from == nil && isTuple(c) {
		from, in = &c.in.items[0], &c.in.items[1]
		if c.outcome == checker.Ok && out.kind != kindNil {
			if out.kind != kindList || len(out.items) != 2 || out.items[0].String() != from.String() {
				return "", nil, nil, fmt.Errorf("it ends with the value %.60s: want one of key %.60s, as it began", out, from)
			}
			out = &c.out.items[1]
		}
	}
	keyed := -1
	if from != nil {
		keyed = 1
	}
	if r.keyed == -keyed {
		return "", nil, nil, fmt.Errorf("some operations of the file have a key and some have none; its value is %.60s", &c.in)
	}
	r.keyed = keyed
	if from != nil {
		key, err = r.names.text(from)
	}
	return key, in, out, err
}

// isTuple says whether the value of an operation is [key value].
func isTuple(c *call) bool {
	if c.in.kind != kindList || len(c.in.items) != 2 {
		return false
	}
	second := c.in.items[1]
	return c.f != "cas" || second.kind == kindList && len(second.items) == 2
}

func (r *registers) point(c *call, op *checker.Op) error {
	key, in, out, err := r.key(c)
	if err != nil {
		return err
	}
	op.Key = key
	switch c.f {
	case "read", "get":
		op.Kind = checker.Get
		if c.outcome == checker.Ok {
			op.Found, op.Read, err = r.content(out)
		}
	case "write", "put":
		var some bool
		if some, op.Value, err = r.content(in); some {
			op.Kind = checker.Put
		} else {
			op.Kind = checker.Delete
		}
	case "delete":
		op.Kind = checker.Delete
	case "cas":
		err = r.cas(c, in, op)
	default:
		return fmt.Errorf("it is no operation of a register: want one of %s", registerCalls)
	}
	return err
}

// content reads what a register holds.
func (r *registers) content(v *value) (some bool, s string, err error) {
	if v.kind == kindNil {
		return false, "", nil
	}
	s, err = r.names.text(v)
	return true, s, err
}

// cas reads [expected new]. One that failed had no effect; where the file says what it saw, that is evidence.
func (r *registers) cas(c *call, in *value, op *checker.Op) error {
	if in.kind != kindList || len(in.items) != 2 {
		return fmt.Errorf("its value is %.60s: want [expected new]", in)
	}
	some, expect, err := r.content(&in.items[0])
	if err != nil {
		return err
	}
	if some {
		op.Expect = &expect
	}
	if some, op.Value, err = r.content(&in.items[1]); err != nil {
		return err
	}
	op.Kind = checker.CAS
	if !some {
		op.Kind = checker.CAD
	}
	op.Swapped = c.outcome == checker.Ok
	if c.saw != nil && c.outcome == checker.Failed {
		op.Outcome = checker.Ok
		op.Found, op.Read, err = r.content(c.saw)
	}
	return err
}

// scan reads a scan as WriteEDN writes it.
func (r *registers) scan(c *call, op *checker.Op) error {
	op.Kind = checker.Scan
	from := &c.in
	if from.kind != kindMap {
		return fmt.Errorf("its value is %.60s: want a map with :start and :end", from)
	}
	var err error
	for _, bound := range []struct {
		name string
		to   *string
	}{{"start", &op.Start}, {"end", &op.End}} {
		if v, ok := from.get(bound.name); ok {
			if *bound.to, err = r.names.text(&v); err != nil {
				return err
			}
		}
	}
	if limit, ok := from.get("limit"); ok {
		n, ok := limit.number()
		if !ok || n < 0 || n > 1<<31 {
			return fmt.Errorf("its :limit is %.60s: want a number of pairs", &limit)
		}
		op.Limit = int(n)
	}
	if c.outcome != checker.Ok {
		return nil
	}
	pairs, _ := c.out.get("pairs")
	for _, p := range pairs.items {
		if p.kind != kindList || len(p.items) != 2 {
			return fmt.Errorf("it returned the pair %.60s: want [key value]", &p)
		}
		key, err := r.names.text(&p.items[0])
		if err != nil {
			return err
		}
		val, err := r.names.text(&p.items[1])
		if err != nil {
			return err
		}
		op.Pairs = append(op.Pairs, checker.KV{Key: key, Value: val})
	}
	return nil
}

// History makes a history of registers of what was read. The error names the operation that has no place in one.
func (f *File) History() (checker.Operations, error) { return f.historyOf(nil) }

// historyOf is History of objects of a model.
func (f *File) historyOf(m *models.Model) (checker.Operations, error) {
	if f.ops != nil {
		return f.ops, nil
	}
	r := registers{of: m, names: namer{map[string]bool{}}}
	for i := range f.calls {
		if err := r.add(&f.calls[i]); err != nil {
			return nil, err
		}
	}
	return &r.h, nil
}

// stringOf is a string for an edn file, whatever its bytes.
func stringOf(s string) string {
	var b strings.Builder
	if strings.HasPrefix(s, base64Prefix) || !utf8.ValidString(s) {
		s = base64Prefix + base64.StdEncoding.EncodeToString([]byte(s))
	}
	printString(&b, s)
	return b.String()
}
