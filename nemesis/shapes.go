package nemesis

import (
	"fmt"
	"slices"
	"time"

	"ordeal/world"
)

// ShapeKind is a way to cut links that is no split into two groups.
type ShapeKind uint8

// The shapes.
const (
	// ShapeBridge: two groups, and one store that reaches both.
	ShapeBridge ShapeKind = iota + 1
	// ShapeRing: each store reaches the one before and the one behind it only, in the order of their ids.
	ShapeRing
	// ShapeFlap: stores are cut off and come back several times before they stay cut off.
	ShapeFlap
	// ShapeSwizzle: stores are cut off one by one and come back in the same order, but for the last, as in FoundationDB's
	// swizzle-clogging.
	ShapeSwizzle
)

var shapeWords = []struct {
	kind ShapeKind
	word string
}{{ShapeBridge, "bridge"}, {ShapeRing, "ring"}, {ShapeFlap, "flap"}, {ShapeSwizzle, "swizzle"}}

// Shape is a partition of such a shape. It is one of stores: clients and the placement driver reach everybody.
type Shape struct {
	Kind ShapeKind
	// Mask is the first group of a bridge, or those that are swizzled.
	Mask uint64
	// Over is the ordinal of the store that is the bridge.
	Over uint64
	// Whom flaps, Times times.
	Whom  Whom
	Times uint64
}

// flapEvery is how long a store is cut off, and back, while links flap, and how long until the next one is cut off in a
// swizzle. Times is flapsMax at most, which bounds how late the next fault may come.
const (
	flapEvery = 60 * time.Millisecond
	flapsMax  = 10
)

// Name is the family.
func (f Shape) Name() string { return "partition" }

// String is the source text.
func (f Shape) String() string {
	switch f.Kind {
	case ShapeBridge:
		return fmt.Sprintf("partition bridge(%#x) over(%d)", f.Mask, f.Over)
	case ShapeFlap:
		return fmt.Sprintf("partition flap(%v) times(%d)", f.Whom, f.Times)
	case ShapeSwizzle:
		return fmt.Sprintf("partition swizzle(%#x)", f.Mask)
	}
	return "partition ring"
}

// shape reads what follows the word of a shape.
func (s *scanner) shape(kind ShapeKind) (Fault, error) {
	f := Shape{Kind: kind}
	if kind == ShapeRing {
		return f, nil
	}
	err := s.expect("(")
	if err != nil {
		return nil, err
	}
	if kind == ShapeFlap {
		f.Whom, err = s.whom("")
	} else {
		f.Mask, err = s.mask()
	}
	if err == nil {
		err = s.expect(")")
	}
	if err != nil {
		return nil, err
	}
	switch kind {
	case ShapeBridge:
		f.Over, err = s.call("over", "the ordinal of a store")
	case ShapeFlap:
		s.space()
		start := s.pos
		if f.Times, err = s.call("times", "how often"); err == nil && (f.Times < 1 || f.Times > flapsMax) {
			err = s.errorAt(start, "want 1 to %d times, found %d", flapsMax, f.Times)
		}
	}
	return f, err
}

// Apply cuts the links. Whether that mattered is known only when messages have been lost: the runner counts them.
func (f Shape) Apply(p world.Proc, t Target) (Receipt, error) {
	switch f.Kind {
	case ShapeBridge:
		return f.bridge(t)
	case ShapeRing:
		return ring(t)
	case ShapeFlap:
		return f.flap(p, t)
	}
	return f.swizzle(p, t)
}

func (f Shape) bridge(t Target) (Receipt, error) {
	all := t.Stores()
	over := pick(all, f.Over)
	var first, second []world.NodeID
	for i, n := range all {
		switch {
		case n == over:
		case inMask(f.Mask, i):
			first = append(first, n)
		default:
			second = append(second, n)
		}
	}
	if len(first) == 0 || len(second) == 0 {
		return skip("no store is left on one side of the bridge")
	}
	for _, a := range first {
		for _, b := range second {
			cutBoth(t, a, b)
		}
	}
	return Receipt{Text: fmt.Sprintf("%s | %s, but for s%d between them", names(first), names(second), over)}, nil
}

// ringMin is how many stores a ring needs to be something else than a full mesh.
const ringMin = 4

func ring(t Target) (Receipt, error) {
	all := t.Stores()
	n := len(all)
	if n < ringMin {
		return skip("a ring needs %d stores, there are %d", ringMin, n)
	}
	for i := range n {
		for j := i + 2; j < n; j++ {
			if (j+1)%n != i {
				cutBoth(t, all[i], all[j])
			}
		}
	}
	return Receipt{Text: "each store reaches its two neighbours"}, nil
}

func (f Shape) flap(p world.Proc, t Target) (Receipt, error) {
	nodes, why := f.Whom.resolve(t)
	if why != "" {
		return skip("%s", why)
	}
	others := without(t.Stores(), nodes)
	for i := range f.Times {
		if i > 0 {
			p.Sleep(flapEvery)
			between(nodes, others, func(a, b world.NodeID) { uncutBoth(t, a, b) })
			p.Sleep(flapEvery)
		}
		between(nodes, others, func(a, b world.NodeID) { cutBoth(t, a, b) })
	}
	return Receipt{Text: fmt.Sprintf("%s cut off %d times", names(nodes), f.Times)}, nil
}

func (f Shape) swizzle(p world.Proc, t Target) (Receipt, error) {
	nodes, why := Stores(f.Mask).resolve(t)
	if why != "" {
		return skip("%s", why)
	}
	for _, n := range nodes {
		between([]world.NodeID{n}, t.Stores(), func(a, b world.NodeID) { cutBoth(t, a, b) })
		p.Sleep(flapEvery)
	}
	for i, n := range nodes[:len(nodes)-1] {
		// Those that come back later stay cut off from this one.
		back := without(t.Stores(), slices.Clone(nodes[i+1:]))
		between([]world.NodeID{n}, back, func(a, b world.NodeID) { uncutBoth(t, a, b) })
		p.Sleep(flapEvery)
	}
	return Receipt{Text: fmt.Sprintf("%s cut off one by one", names(nodes))}, nil
}

// between calls f with each pair of two different nodes.
func between(first, second []world.NodeID, f func(a, b world.NodeID)) {
	for _, a := range first {
		for _, b := range second {
			if a != b {
				f(a, b)
			}
		}
	}
}

func uncutBoth(t Target, a, b world.NodeID) {
	t.Uncut(a, b)
	t.Uncut(b, a)
}

// Heal removes all cuts.
func (f Shape) Heal(_ world.Proc, t Target) (Receipt, error) {
	t.HealNetwork()
	return Receipt{}, nil
}

func drawShape(d *drawer) Fault {
	kinds := []float64{2, 1, 2, 1}
	if d.stores < ringMin {
		kinds[ShapeRing-1] = 0
	}
	f := Shape{Kind: ShapeKind(1 + d.weighted(kinds))}
	switch f.Kind {
	case ShapeBridge:
		f.Mask, f.Over = d.mask(d.stores), d.rng.Uint64N(uint64(d.stores))
	case ShapeFlap:
		f.Whom, f.Times = d.store(), 2+d.rng.Uint64N(flapsMax-1)
		if d.rng.IntN(2) == 0 {
			f.Whom = Leader(d.region())
		}
	case ShapeSwizzle:
		f.Mask = d.mask(d.stores)
	}
	return f
}
