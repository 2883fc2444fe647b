package nemesis

import (
	"fmt"

	"ordeal/world"
)

// PDPartition cuts members of the placement driver off from others, from stores, or from both. Clients reach everybody, so that
// they may go on asking a member that does not lead any more.
type PDPartition struct {
	Whom PDWhom
	// Members cuts them off from the other members, or, if they are all, every member from every other one.
	Members bool
	// Stores is a mask of the stores that they are cut off from.
	Stores uint64
	// OneWay loses only what they say; what is said to them arrives.
	OneWay bool
}

// Name is the family.
func (f PDPartition) Name() string { return "pd-partition" }

// String is the source text.
func (f PDPartition) String() string {
	text := fmt.Sprintf("pd-partition %v", f.Whom)
	if f.Members {
		text += " members"
	}
	if f.Stores != 0 {
		text += fmt.Sprintf(" stores=%#x", f.Stores)
	}
	if f.OneWay {
		text += " oneway"
	}
	return text
}

func parsePDPartition(s *scanner) (Fault, error) {
	var f PDPartition
	var err error
	if f.Whom, err = s.pdWhom(); err != nil {
		return nil, err
	}
	s.space()
	from := s.pos
	f.Members = s.accept("members")
	s.space()
	if s.accept("stores=") {
		if f.Stores, err = s.mask(); err != nil {
			return nil, err
		}
	}
	if !f.Members && f.Stores == 0 {
		s.pos = from
		return nil, s.errorAt(from, "want members, stores=MASK with a store, or both, found %s", s.rest())
	}
	s.space()
	f.OneWay = s.accept("oneway")
	return f, nil
}

// Apply cuts the links. Whether that mattered is known only when messages have been lost: the runner counts them.
func (f PDPartition) Apply(_ world.Proc, t Target) (Receipt, error) {
	whom, why := f.Whom.resolve(t)
	if why != "" {
		return skip("%s", why)
	}
	var others, stores []world.NodeID
	if f.Members {
		if others = t.PDs(); f.Whom.Kind != PDAll {
			others = without(others, whom)
		}
	}
	for i, n := range t.Stores() {
		if inMask(f.Stores, i) {
			stores = append(stores, n)
		}
	}
	cut := 0
	for _, a := range whom {
		for _, b := range append(without(others, []world.NodeID{a}), stores...) {
			cut++
			t.Cut(a, b)
			if !f.OneWay {
				t.Cut(b, a)
			}
		}
	}
	if cut == 0 {
		return skip("the placement driver has one member, and no store is to be cut off")
	}
	text := pdNames(t, whom)
	if len(others) > 0 {
		text += " | " + pdNames(t, others)
	}
	if len(stores) > 0 {
		text += " | " + names(stores)
	}
	return Receipt{Text: text}, nil
}

// Heal removes all cuts.
func (f PDPartition) Heal(_ world.Proc, t Target) (Receipt, error) {
	t.HealNetwork()
	return Receipt{}, nil
}
