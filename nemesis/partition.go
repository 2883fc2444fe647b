package nemesis

import (
	"fmt"

	"ordeal/world"
)

// Side says where the nodes of a kind are in a partition. The zero value is the second group.
type Side struct {
	// Both is the place of nodes that reach everybody; In is ignored then.
	Both bool
	// In is a mask of the nodes that are with the first group; the others are with the second.
	In uint64
}

// The three places that have a name.
var (
	SideBoth = Side{Both: true}
	SideIn   = Side{In: ^uint64(0)}
	SideOut  = Side{}
)

// String is the source text.
func (s Side) String() string {
	switch s {
	case SideIn:
		return "in"
	case SideOut:
		return "out"
	}
	if s.Both {
		return "both"
	}
	return fmt.Sprintf("%#x", s.In)
}

// Partition cuts the stores of First from those of Second. Clients and the placement driver are placed beside them.
type Partition struct {
	First Whom
	// Second is WhomRest unless the partition is one-way.
	Second Whom
	// OneWay loses only the messages from the first group to the second; what the second sends arrives.
	OneWay bool
	// PD and Clients say where those nodes are.
	PD, Clients Side
}

// Name is the family.
func (f Partition) Name() string { return "partition" }

// String is the source text.
func (f Partition) String() string {
	var text string
	switch {
	case f.OneWay:
		text = fmt.Sprintf("partition oneway(%v->%v)", f.First, f.Second)
	case f.First.Kind == WhomStores:
		text = fmt.Sprintf("partition halves(%#x)", f.First.N)
	default:
		text = fmt.Sprintf("partition isolate(%v)", f.First)
	}
	if !f.PD.Both {
		text += " pd=" + f.PD.String()
	}
	if !f.Clients.Both {
		text += " clients=" + f.Clients.String()
	}
	return text
}

const partitionShapes = "halves(MASK), isolate(WHOM), oneway(WHOM->WHOM), bridge(MASK), ring, flap(WHOM) or swizzle(MASK)"

func parsePartition(s *scanner) (Fault, error) {
	f := Partition{Second: Whom{Kind: WhomRest}, PD: SideBoth, Clients: SideBoth}
	s.space()
	start := s.pos
	shape := s.word()
	for _, w := range shapeWords {
		if w.word == shape {
			return s.shape(w.kind)
		}
	}
	if shape != "halves" && shape != "isolate" && shape != "oneway" {
		s.pos = start
		return nil, s.errorAt(start, "want %s, found %s", partitionShapes, s.rest())
	}
	err := s.expect("(")
	if err != nil {
		return nil, err
	}
	switch shape {
	case "halves":
		f.First.Kind = WhomStores
		f.First.N, err = s.mask()
	case "isolate":
		f.First, err = s.whom("")
	case "oneway":
		f.OneWay = true
		err = s.groups(&f)
	}
	if err == nil {
		err = s.expect(")")
	}
	if err == nil {
		err = s.sides(&f)
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// groups reads WHOM->WHOM.
func (s *scanner) groups(f *Partition) (err error) {
	at := s.pos
	if f.First, err = s.whom(orRest); err != nil {
		return err
	}
	s.space()
	if err = s.expect("->"); err != nil {
		return err
	}
	if f.Second, err = s.whom(orRest); err != nil {
		return err
	}
	if f.First.Kind == WhomRest && f.Second.Kind == WhomRest {
		return s.errorAt(at, "only one of the two groups can be the rest")
	}
	return nil
}

// sides reads pd= and clients=, each at most once and in this order.
func (s *scanner) sides(f *Partition) error {
	for _, part := range []struct {
		key  string
		side *Side
	}{{"pd=", &f.PD}, {"clients=", &f.Clients}} {
		s.space()
		if !s.accept(part.key) {
			continue
		}
		start := s.pos
		switch s.word() {
		case "both":
			*part.side = SideBoth
		case "in":
			*part.side = SideIn
		case "out":
			*part.side = SideOut
		default:
			s.pos = start
			mask, err := s.mask()
			if err != nil {
				return s.errorAt(start, "want in, out, both or a mask such as 0x15, found %s", s.rest())
			}
			*part.side = Side{In: mask}
		}
	}
	s.space()
	if s.pos < len(s.text) {
		return s.errorAt(s.pos, "want pd=SIDE, then clients=SIDE, or nothing, found %s", s.rest())
	}
	return nil
}

// split sorts nodes into the two groups.
func (s Side) split(nodes, first, second []world.NodeID) (a, b []world.NodeID) {
	if s.Both {
		return first, second
	}
	for i, n := range nodes {
		if inMask(s.In, i) {
			first = append(first, n)
		} else {
			second = append(second, n)
		}
	}
	return first, second
}

// Apply cuts the links. Whether that mattered is known only when messages have been lost: the runner counts them.
func (f Partition) Apply(_ world.Proc, t Target) (Receipt, error) {
	first, second, why := f.storeGroups(t)
	if why != "" {
		return skip("%s", why)
	}
	text := fmt.Sprintf("%s | %s", names(first), names(second))
	if f.OneWay {
		text = fmt.Sprintf("%s -> %s", names(first), names(second))
	}
	first, second = f.PD.split(t.PDs(), first, second)
	first, second = f.Clients.split(t.Procs(), first, second)
	for _, a := range first {
		for _, b := range second {
			t.Cut(a, b)
			if !f.OneWay {
				t.Cut(b, a)
			}
		}
	}
	return Receipt{Text: text}, nil
}

// storeGroups looks up the two groups of stores. A store named by both stays in the first.
func (f Partition) storeGroups(t Target) (first, second []world.NodeID, why string) {
	if f.First.Kind == WhomRest {
		if second, why = f.Second.resolve(t); why == "" {
			first = without(t.Stores(), second)
		}
	} else if first, why = f.First.resolve(t); why == "" {
		if second = t.Stores(); f.Second.Kind != WhomRest {
			second, why = f.Second.resolve(t)
		}
		second = without(second, first)
	}
	if why == "" && (len(first) == 0 || len(second) == 0) {
		why = "no store is left on one of the sides"
	}
	return first, second, why
}

// Heal removes all cuts.
func (f Partition) Heal(_ world.Proc, t Target) (Receipt, error) {
	t.HealNetwork()
	return Receipt{}, nil
}
