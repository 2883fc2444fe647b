package nemesis

import "ordeal/world"

// Victims names nodes that a fault strikes: stores, or members of the placement driver.
type Victims struct {
	// Stores is whom, unless PD is set; Members is whom then.
	Stores  Whom
	PD      bool
	Members PDWhom
}

// String is the source text.
func (v Victims) String() string {
	if v.PD {
		return "pd " + v.Members.String()
	}
	return v.Stores.String()
}

// victims reads Victims.
func (s *scanner) victims() (Victims, error) {
	s.space()
	start := s.pos
	if s.word() == "pd" {
		w, err := s.pdWhom()
		return Victims{PD: true, Members: w}, err
	}
	s.pos = start
	w, err := s.whom(orPD)
	return Victims{Stores: w}, err
}

// resolve looks up those that have power, ascending. If there are none, why says so.
func (v Victims) resolve(t Target) (nodes []world.NodeID, why string) {
	if v.PD {
		nodes, why = v.Members.resolve(t)
	} else {
		nodes, why = v.Stores.resolve(t)
	}
	if why != "" {
		return nil, why
	}
	up := upOnly(t, nodes)
	if len(up) == 0 {
		return nil, v.names(t, nodes) + " down already"
	}
	return up, ""
}

// names prints nodes that were looked up.
func (v Victims) names(t Target, nodes []world.NodeID) string {
	if v.PD {
		return pdNames(t, nodes)
	}
	return names(nodes)
}

// victims draws a leader of a region, one store, or, one time in pd, a member of the placement driver.
func (d *drawer) victims(pd int) Victims {
	switch {
	case d.rng.IntN(pd) == 0:
		return Victims{PD: true, Members: d.member(3, 1, 0)}
	case d.rng.IntN(2) == 0:
		return Victims{Stores: Leader(d.region())}
	default:
		return Victims{Stores: d.store()}
	}
}
