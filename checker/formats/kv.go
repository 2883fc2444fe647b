package formats

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"ordeal/checker"
	"ordeal/checker/frontier"
)

// kvStatesMax bounds the strings that the search for an order tries for one key, in bytes.
const kvStatesMax = 256 << 20

// kvKey is what all operations did to one key, which holds a string, "" at the start.
type kvKey struct {
	key string
	ops []kvOp
}

// kvOp is a get, a put or an append.
type kvOp struct {
	call *call
	f    string
	text string // what it wrote, or read
	span frontier.Span
}

// kvKeys sorts operations by key. Those that have no say are left out.
func kvKeys(calls []call) ([]*kvKey, error) {
	byKey := map[string]*kvKey{}
	for i := range calls {
		c := &calls[i]
		op := kvOp{call: c, span: frontier.Span{Call: c.invoke, Ret: c.finish}}
		v := &c.in
		switch c.f {
		case "get", "read":
			op.f, v = "get", &c.out
			op.span.Mode = frontier.Reader
		case "put", "write":
			op.f = "put"
		case "append":
			op.f = "append"
		default:
			return nil, fmt.Errorf("the :%s of line %d is no operation of model kv: want one of :get or :read, :put or :write, :append", c.f, c.line)
		}
		if c.key == nil || c.key.kind != kindString {
			return nil, fmt.Errorf("the :%s of line %d has no string as its :key", c.f, c.line)
		}
		k := byKey[c.key.text]
		if k == nil {
			k = &kvKey{key: c.key.text}
			byKey[k.key] = k
		}
		if c.outcome == checker.Failed || op.f == "get" && c.outcome != checker.Ok {
			continue
		}
		if v.kind != kindString && (op.f != "get" || v.kind != kindNil) {
			return nil, fmt.Errorf("the :%s of line %d has the value %.60s: want a string", c.f, c.line, v)
		}
		op.text = v.text
		if c.outcome == checker.Unknown {
			op.span.Mode = frontier.Optional
		}
		k.ops = append(k.ops, op)
	}
	return slices.SortedFunc(maps.Values(byKey), func(a, b *kvKey) int { return cmp.Compare(a.key, b.key) }), nil
}

// states numbers strings.
type states struct {
	ids   map[string]uint64
	texts []string
	bytes int
}

func (s *states) id(text string) uint64 {
	id, ok := s.ids[text]
	if !ok {
		id = uint64(len(s.texts))
		s.ids[text] = id
		s.texts = append(s.texts, text)
		s.bytes += len(text)
	}
	return id
}

// judge looks for an order. Where there is none, at is the operation at whose end that was certain.
func (k *kvKey) judge() (answer frontier.Answer, at *kvOp) {
	s := states{ids: map[string]uint64{}}
	search := frontier.New(func(state uint64, op int32) (uint64, bool) {
		switch o := &k.ops[op]; {
		case o.f == "get":
			return state, s.texts[state] == o.text
		case o.f == "put":
			return s.id(o.text), true
		case s.bytes > kvStatesMax:
			return state, true // the answer is not used
		default:
			return s.id(s.texts[state] + o.text), true
		}
	}, s.id(""), frontier.Usual)
	for _, e := range k.events() {
		switch o := &k.ops[e.op]; {
		case !e.end:
			search.Call(e.op, o.span.Mode)
		default:
			answer := search.Return(e.op)
			if s.bytes > kvStatesMax {
				return frontier.TooWide, nil
			}
			if answer != frontier.Explained {
				return answer, o
			}
		}
	}
	return search.Answer(), nil
}

// kvEnd is a beginning or an end of an operation.
type kvEnd struct {
	op  int32
	end bool
}

// events sorts beginnings and ends by time. No two are at the same.
func (k *kvKey) events() []kvEnd {
	var all []kvEnd
	for i := range k.ops {
		all = append(all, kvEnd{int32(i), false})
		if k.ops[i].span.Mode != frontier.Optional {
			all = append(all, kvEnd{int32(i), true})
		}
	}
	at := func(e kvEnd) int64 {
		if e.end {
			return int64(k.ops[e.op].span.Ret)
		}
		return int64(k.ops[e.op].span.Call)
	}
	slices.SortFunc(all, func(a, b kvEnd) int { return cmp.Compare(at(a), at(b)) })
	return all
}

// checkKV judges whether every key behaved like one string that operations get, put and append to.
func checkKV(f *File, opts checker.Options) (checker.Result, error) {
	if f.ops != nil {
		return checkRegisters(f, opts) // our own histories have no appends, and know that a key is absent
	}
	keys, err := kvKeys(f.calls)
	if err != nil {
		return checker.Result{}, err
	}
	answers, ends := make([]frontier.Answer, len(keys)), make([]*kvOp, len(keys))
	opts.Work(len(keys), func() func(int) {
		return func(i int) { answers[i], ends[i] = keys[i].judge() }
	})
	r := checker.Result{Verdict: checker.OK, KeysChecked: len(keys)}
	oks := 0
	var wide []string
	for i, k := range keys {
		r.OpsChecked += len(k.ops)
		for j := range k.ops {
			if k.ops[j].call.outcome == checker.Ok {
				oks++
			}
		}
		switch answers[i] {
		case frontier.Unexplained:
			r.Violations = append(r.Violations, checker.Violation{Check: "linearizability", Key: k.key, Message: k.story(ends[i])})
		case frontier.TooWide:
			wide = append(wide, k.key)
		}
	}
	if len(r.Violations) > 0 {
		r.Lower(checker.FAIL, "%s", r.Violations[0].Message)
		if n := len(r.Violations); n > 1 {
			r.Reasons = append(r.Reasons, fmt.Sprintf("%d violations in all", n))
		}
	}
	if len(wide) > 0 {
		r.Lower(checker.UNKNOWN, "keys %q: more ways to order overlapping operations than can be tried", wide)
	}
	if oks == 0 {
		r.Lower(checker.INCONCLUSIVE, "no operation succeeded: there is nothing to judge")
	}
	return r, nil
}

// story says which operation could not be explained.
func (k *kvKey) story(o *kvOp) string {
	what := fmt.Sprintf("%s of %s", o.f, brief(o.text))
	if o.f == "get" {
		what = "get, which found " + brief(o.text)
	}
	return fmt.Sprintf("no order explains what clients saw of key %q up to when process %d's %s (begun in line %d) ended",
		k.key, o.call.process, what, o.call.line)
}

// brief quotes a string, of a long one only the end, where the last appends are.
func brief(s string) string {
	const most = 60
	if len(s) <= most {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%d bytes that end with %q", len(s), s[len(s)-most:])
}
