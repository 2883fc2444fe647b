package nemesis

import (
	"fmt"
	"slices"

	"ordeal/world"
)

// WhomKind is a way to name stores.
type WhomKind uint8

// The ways to name stores; N is what stands in the brackets of the text.
const (
	// WhomStore is the store whose node id is N, or, if that is gone, the one that has taken its place.
	WhomStore WhomKind = iota + 1
	// WhomAny is the N-th of the stores that are up.
	WhomAny
	// WhomLeader is the store that leads the N-th region, or the next region whose leader is known and up.
	WhomLeader
	// WhomMajority is as many of the stores that hold the N-th region as make a majority, its leader left out.
	WhomMajority
	// WhomStores is the stores whose ordinals are set in the mask N.
	WhomStores
	// WhomAll is every store.
	WhomAll
	// WhomRest is every store that the other group of a one-way partition does not hold.
	WhomRest
	// WhomThere is the store on which a fault's condition came true, WhomItsLeader the one that leads the region with which
	// it did, and WhomOtherLeader the one that leads the other region that had to do with it.
	WhomThere
	WhomItsLeader
	WhomOtherLeader
)

// whomWords gives each kind its word and says what stands in its brackets.
var whomWords = []struct {
	kind WhomKind
	word string
	args string // "" (no brackets), "number" or "mask"
}{
	{WhomStore, "store", "number"},
	{WhomAny, "any", "number"},
	{WhomLeader, "leader", "number"},
	{WhomMajority, "majority", "number"},
	{WhomStores, "stores", "mask"},
	{WhomAll, "all", ""},
	{WhomRest, "rest", ""},
	{WhomThere, "there", ""},
	{WhomItsLeader, "its-leader", ""},
	{WhomOtherLeader, "other-leader", ""},
}

// whomAllowed is what an error offers.
const (
	whomAllowed = "store(ID), any(K), leader(K), majority(K), stores(MASK) or all"
	// whomSeen is what it offers in a fault that waits.
	whomSeen = "there, its-leader, other-leader, "
)

// Whom names the stores that a fault strikes, to be looked up when it strikes.
type Whom struct {
	Kind WhomKind
	N    uint64
}

// Store is the store with a node id.
func Store(id world.NodeID) Whom { return Whom{Kind: WhomStore, N: uint64(id)} }

// Leader is the store that leads the k-th region.
func Leader(k uint64) Whom { return Whom{Kind: WhomLeader, N: k} }

// Stores is the stores whose ordinals are set in the mask.
func Stores(mask uint64) Whom { return Whom{Kind: WhomStores, N: mask} }

// String is the source text.
func (w Whom) String() string {
	for _, k := range whomWords {
		if k.kind != w.Kind {
			continue
		}
		switch k.args {
		case "number":
			return fmt.Sprintf("%s(%d)", k.word, w.N)
		case "mask":
			return fmt.Sprintf("%s(%#x)", k.word, w.N)
		default:
			return k.word
		}
	}
	return fmt.Sprintf("whom(%d)", w.Kind)
}

// Words that may stand besides those of whomAllowed.
const (
	orPD   = "pd, "
	orRest = "rest, "
)

// whom reads blanks and a Whom. also is what else would be allowed there, for an error; orRest allows WhomRest.
func (s *scanner) whom(also string) (Whom, error) {
	s.space()
	start := s.pos
	word := s.word()
	for _, k := range whomWords {
		if k.word != word || k.kind == WhomRest && also != orRest || k.kind > WhomRest && !s.waits {
			continue
		}
		if k.args == "" {
			return Whom{Kind: k.kind}, nil
		}
		if err := s.expect("("); err != nil {
			return Whom{}, err
		}
		var n uint64
		var err error
		if k.args == "mask" {
			n, err = s.mask()
		} else {
			n, err = s.number("the number of " + word)
		}
		if err != nil {
			return Whom{}, err
		}
		return Whom{Kind: k.kind, N: n}, s.expect(")")
	}
	s.pos = start
	if s.waits {
		also += whomSeen
	}
	return Whom{}, s.errorAt(start, "want %s%s, found %s", also, whomAllowed, s.rest())
}

// staying is the first of the stores that is not to leave already. If there is none, why says so.
func (w Whom) staying(t Target) (on world.NodeID, why string) {
	nodes, why := w.resolve(t)
	if why != "" {
		return 0, why
	}
	staying := without(nodes, t.Leaving())
	if len(staying) == 0 {
		return 0, names(nodes) + " is to leave already"
	}
	return staying[0], ""
}

// resolve looks up the stores, ascending. If there are none, why says so.
func (w Whom) resolve(t Target) (nodes []world.NodeID, why string) {
	switch w.Kind {
	case WhomStore:
		stores := t.Stores()
		for n := world.NodeID(w.N); n != 0; n = t.Heir(n) {
			if slices.Contains(stores, n) {
				return []world.NodeID{n}, ""
			}
		}
		return nil, fmt.Sprintf("there is no store %d", w.N)
	case WhomAny:
		up := upOnly(t, t.Stores())
		if len(up) == 0 {
			return nil, "no store is up"
		}
		return []world.NodeID{pick(up, w.N)}, ""
	case WhomLeader:
		if r, ok := ledRegion(t, w.N); ok {
			return []world.NodeID{r.Leader}, ""
		}
		return nil, "no region has a known leader"
	case WhomMajority:
		r, ok := regionAt(t, w.N)
		if !ok || len(r.Peers) == 0 {
			return nil, "no region is known"
		}
		others := without(r.stores(), []world.NodeID{r.Leader})
		if quorum := len(r.Peers)/2 + 1; len(others) > quorum {
			others = others[:quorum]
		}
		if len(others) == 0 {
			return nil, fmt.Sprintf("region %d has no replica besides its leader", r.ID)
		}
		return others, ""
	case WhomStores:
		for i, n := range t.Stores() {
			if inMask(w.N, i) {
				nodes = append(nodes, n)
			}
		}
		if len(nodes) == 0 {
			return nil, fmt.Sprintf("mask %#x names no store", w.N)
		}
		return nodes, ""
	case WhomAll:
		return t.Stores(), ""
	case WhomThere, WhomItsLeader, WhomOtherLeader:
		return w.resolveSeen(t)
	default:
		return nil, fmt.Sprintf("%v names nobody here", w)
	}
}

// ledRegion returns the k-th region or the next one after it that has a leader that is known and up.
func ledRegion(t Target, k uint64) (Region, bool) {
	regions := t.Regions()
	for i := range regions {
		r := regions[(k+uint64(i))%uint64(len(regions))]
		if r.Leader != 0 && t.Up(r.Leader) {
			return r, true
		}
	}
	return Region{}, false
}

// inMask tells whether the i-th node is set in a mask; nodes beyond the 64th share bits.
func inMask(mask uint64, i int) bool { return mask>>(uint(i)%64)&1 == 1 }
