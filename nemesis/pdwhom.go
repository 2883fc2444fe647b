package nemesis

import (
	"fmt"
	"slices"
	"strings"

	"ordeal/world"
)

// PDKind is a way to name members of the placement driver.
type PDKind uint8

// The ways to name members.
const (
	// PDAll is every member.
	PDAll PDKind = iota
	// PDLeader is the one that leads.
	PDLeader
	// PDAny is the N-th, up or down.
	PDAny
)

// PDWhom names the members that a fault strikes, to be looked up when it strikes. The zero value is all of them.
type PDWhom struct {
	Kind PDKind
	N    uint64
}

// String is the source text.
func (w PDWhom) String() string {
	switch w.Kind {
	case PDLeader:
		return "leader"
	case PDAny:
		return fmt.Sprintf("any(%d)", w.N)
	}
	return "all"
}

// pdWhom reads a PDWhom.
func (s *scanner) pdWhom() (PDWhom, error) {
	s.space()
	start := s.pos
	switch s.word() {
	case "all":
		return PDWhom{}, nil
	case "leader":
		return PDWhom{Kind: PDLeader}, nil
	case "any":
		s.pos = start
		n, err := s.call("any", "the ordinal of a member")
		return PDWhom{Kind: PDAny, N: n}, err
	}
	s.pos = start
	return PDWhom{}, s.errorAt(start, "want all, leader or any(K), found %s", s.rest())
}

// resolve looks up the members, ascending. If there are none, why says so.
func (w PDWhom) resolve(t Target) (nodes []world.NodeID, why string) {
	switch w.Kind {
	case PDLeader:
		if leader := t.PDLeader(); leader != 0 {
			return []world.NodeID{leader}, ""
		}
		return nil, "no member of the placement driver is known to lead"
	case PDAny:
		return []world.NodeID{pick(t.PDs(), w.N)}, ""
	}
	return t.PDs(), ""
}

// pdNames prints members by their places: pd1 pd2; pd if they are all that there are.
func pdNames(t Target, nodes []world.NodeID) string {
	all := t.PDs()
	if len(nodes) == len(all) {
		return "pd"
	}
	var words []string
	for _, n := range nodes {
		words = append(words, fmt.Sprintf("pd%d", slices.Index(all, n)+1))
	}
	return strings.Join(words, " ")
}
