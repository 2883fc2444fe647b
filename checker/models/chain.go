package models

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"ordeal/checker"
)

// order is how elements of an object are seen to have come one after the other.
type order uint8

const (
	// noOrder: reads do not say.
	noOrder order = iota
	// inList: they stand in the order in which they came.
	inList
	// inSet: a read that has more elements than another was later.
	inSet
)

// chain decides about an object to which each element is written once, and of which none is removed. Such an object only
// grows, so all that reads saw is a chain, one the beginning of the next. That puts operations into the one order that is left, but
// for ranks within which any order will do: between two reads in the chain, the elements that the second has and the first
// lacks (of a list: one after the other, as it says); at a place in the chain, all reads that saw it; at the end, acknowledged
// writes that nobody saw, since a read behind one would have seen it. Writes of unknown outcome that nobody saw have no effect.
// Within a rank, operations go by their invocation. An order fits time if no operation returned before one in front of it was
// invoked.
type chain struct {
	*keyOps
	writer map[string]*checker.Op
	reads  []*checker.Op
	// rank is where an element comes that a read has seen.
	rank map[string]int
}

// newChain returns nil if elements repeat or are removed.
func newChain(k *keyOps) *chain {
	if k.model.chain == noOrder {
		return nil
	}
	c := &chain{keyOps: k, writer: map[string]*checker.Op{}, rank: map[string]int{}}
	for _, o := range k.ops {
		switch {
		case o.Kind == checker.Get:
			c.reads = append(c.reads, o)
		case o.Kind == checker.Remove || c.writer[o.Value] != nil:
			return nil
		default:
			c.writer[o.Value] = o
		}
	}
	return c
}

// fault is a few operations that no order explains, as far as they concern a few elements.
type fault struct {
	ops      []*checker.Op
	elements []string
	message  string
}

func (c *chain) judge() *fault {
	for _, r := range c.reads {
		if f := c.form(r); f != nil {
			return f
		}
	}
	slices.SortStableFunc(c.reads, func(a, b *checker.Op) int { return cmp.Compare(len(a.Items), len(b.Items)) })
	for i := 1; i < len(c.reads); i++ {
		if f := c.grows(c.reads[i-1], c.reads[i]); f != nil {
			return f
		}
	}
	return c.inTime(c.ranked())
}

// form finds what a read can't have seen, whatever others saw.
func (c *chain) form(r *checker.Op) *fault {
	seen := map[string]bool{}
	for _, e := range r.Items {
		w := c.writer[e]
		switch {
		case w == nil && c.failed[e] != nil:
			return &fault{[]*checker.Op{r}, []string{e}, fmt.Sprintf("%s has %q, although %s failed", told(r), e, brief(c.failed[e]))}
		case w == nil:
			return &fault{[]*checker.Op{r}, []string{e}, fmt.Sprintf("%s has %q, which nobody ever wrote", told(r), e)}
		case seen[e]:
			return &fault{[]*checker.Op{w, r}, []string{e}, fmt.Sprintf("%s has %q twice, although it was written once", told(r), e)}
		}
		seen[e] = true
	}
	return nil
}

// grows compares a read with one that saw at least as many elements.
func (c *chain) grows(a, b *checker.Op) *fault {
	var only, instead string
	if c.model.chain == inList {
		i := 0
		for i < len(a.Items) && a.Items[i] == b.Items[i] {
			i++
		}
		if i == len(a.Items) {
			return nil
		}
		only, instead = a.Items[i], b.Items[i]
	} else {
		has := elements(b)
		i := slices.IndexFunc(a.Items, func(e string) bool { return !has[e] })
		if i < 0 {
			return nil
		}
		had := elements(a)
		only, instead = a.Items[i], b.Items[slices.IndexFunc(b.Items, func(e string) bool { return !had[e] })]
	}
	what := "has %q and lacks %q"
	if c.model.chain == inList {
		what = "has %q where others have %q"
	}
	return &fault{[]*checker.Op{c.writer[only], c.writer[instead], a, b}, []string{only, instead},
		fmt.Sprintf("%s "+what+", and %s contradicts it", told(b), instead, only, told(a))}
}

func elements(r *checker.Op) map[string]bool {
	has := make(map[string]bool, len(r.Items))
	for _, e := range r.Items {
		has[e] = true
	}
	return has
}

// unseen is the rank of writes that no read has seen.
const unseen = math.MaxInt

// ranked returns the operations that act, in their order. The reads are sorted.
func (c *chain) ranked() []*checker.Op {
	for _, r := range c.reads {
		for i, e := range r.Items {
			if _, known := c.rank[e]; known {
				continue
			}
			// After all reads that saw less, and, in a list, after the elements in front of it.
			if c.rank[e] = 2*len(r.Items) - 1; c.model.chain == inList {
				c.rank[e] = 2*i + 1
			}
		}
	}
	var ops []*checker.Op
	for _, o := range c.ops {
		if o.Kind == checker.Get || o.Outcome == checker.Ok || c.rankOf(o) != unseen {
			ops = append(ops, o)
		}
	}
	slices.SortStableFunc(ops, func(a, b *checker.Op) int { return cmp.Compare(c.rankOf(a), c.rankOf(b)) })
	return ops
}

func (c *chain) rankOf(o *checker.Op) int {
	if o.Kind == checker.Get {
		return 2 * len(o.Items)
	}
	if rank, seen := c.rank[o.Value]; seen {
		return rank
	}
	return unseen
}

// inTime finds an operation that returned before one in front of it was invoked.
func (c *chain) inTime(ops []*checker.Op) *fault {
	var latest *checker.Op
	for _, o := range ops {
		switch {
		case latest != nil && o.Outcome == checker.Ok && o.Return < latest.Invoke:
			return c.contradiction(latest, o)
		case latest == nil || o.Invoke > latest.Invoke:
			latest = o
		}
	}
	return nil
}

// contradiction explains why first, which was invoked after second had returned, must have come before it all the same.
func (c *chain) contradiction(first, second *checker.Op) *fault {
	reads := func(o *checker.Op) bool { return o.Kind == checker.Get }
	switch {
	case !reads(first) && reads(second):
		return &fault{[]*checker.Op{second, first}, []string{first.Value},
			fmt.Sprintf("%s has %q, although %s was only invoked at %s", told(second), first.Value, brief(first), checker.Clock(first.Invoke))}
	case reads(first) && !reads(second):
		return &fault{[]*checker.Op{second, first}, []string{second.Value},
			fmt.Sprintf("%s lacks %q, although %s had been acknowledged at %s", told(first), second.Value, brief(second), checker.Clock(second.Return))}
	case reads(first):
		had := elements(first)
		gone := second.Items[slices.IndexFunc(second.Items, func(e string) bool { return !had[e] })]
		return &fault{[]*checker.Op{c.writer[gone], second, first}, []string{gone},
			fmt.Sprintf("%s lacks %q, although %s's get had found it by %s", told(first), gone, second.Who(), checker.Clock(second.Return))}
	}
	// A read says so: of a list the longest, of a set the first that has the one and so lacks the other.
	i := slices.IndexFunc(c.reads, func(r *checker.Op) bool { return slices.Contains(r.Items, first.Value) })
	if c.model.chain == inList {
		i = len(c.reads) - 1
	}
	return &fault{[]*checker.Op{second, first, c.reads[i]}, []string{second.Value, first.Value},
		fmt.Sprintf("%s has %q without %q in front of it, although %s had been acknowledged at %s, before %s was invoked",
			told(c.reads[i]), first.Value, second.Value, brief(second), checker.Clock(second.Return), brief(first))}
}

// brief names a write.
func brief(o *checker.Op) string { return fmt.Sprintf("%s's %s of %q", o.Who(), o.Kind, o.Value) }

// violation shows the fault.
func (f *fault) violation(key string) *checker.Violation {
	v := &checker.Violation{Check: linearizability, Key: key, Message: f.message}
	slices.SortStableFunc(f.ops, func(a, b *checker.Op) int { return cmp.Compare(a.Invoke, b.Invoke) })
	for _, o := range f.ops {
		note := ""
		if o.Kind == checker.Get {
			note = fmt.Sprintf("of the elements %q it has %q", f.elements, f.of(o))
		}
		v.Ops, v.Notes = append(v.Ops, *o), append(v.Notes, note)
	}
	return v
}

// of is the part of what a read saw that matters.
func (f *fault) of(r *checker.Op) []string {
	return slices.DeleteFunc(slices.Clone(r.Items), func(e string) bool { return !slices.Contains(f.elements, e) })
}

// projected is the operations as if no other elements had ever been. Where they have no order, there is none with the others.
func (f *fault) projected() []*checker.Op {
	var ops []*checker.Op
	for _, o := range f.ops {
		p := *o
		p.Items = f.of(o)
		ops = append(ops, &p)
	}
	return ops
}
