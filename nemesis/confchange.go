package nemesis

import (
	"fmt"

	"ordeal/world"
)

// ConfChangeKind is what is done to the replicas of a region.
type ConfChangeKind uint8

// The kinds of conf changes; a replacement is an addition followed by a removal.
const (
	AddReplica ConfChangeKind = iota + 1
	RemoveReplica
	ReplaceReplica
)

// replicasMin is the number of replicas below which no removal goes: one replica alone survives nothing.
const replicasMin = 2

// ConfChange changes the replicas of a region.
type ConfChange struct {
	Kind ConfChangeKind
	// Region is an ordinal among the regions.
	Region uint64
	// From is an ordinal among the stores that hold the region, for a removal or a replacement.
	From uint64
	// To is an ordinal among the stores that are up and do not hold it, for an addition or a replacement.
	To uint64
}

// Name is the family.
func (f ConfChange) Name() string { return "conf-change" }

// String is the source text.
func (f ConfChange) String() string {
	switch f.Kind {
	case AddReplica:
		return fmt.Sprintf("conf-change add region(%d) on(%d)", f.Region, f.To)
	case RemoveReplica:
		return fmt.Sprintf("conf-change remove region(%d) from(%d)", f.Region, f.From)
	default:
		return fmt.Sprintf("conf-change replace region(%d) %d->%d", f.Region, f.From, f.To)
	}
}

func parseConfChange(s *scanner) (Fault, error) {
	s.space()
	start := s.pos
	var f ConfChange
	switch s.word() {
	case "add":
		f.Kind = AddReplica
	case "remove":
		f.Kind = RemoveReplica
	case "replace":
		f.Kind = ReplaceReplica
	default:
		s.pos = start
		return nil, s.errorAt(start, "want add, remove or replace, found %s", s.rest())
	}
	var err error
	if f.Region, err = s.call("region", "the ordinal of a region"); err != nil {
		return nil, err
	}
	switch f.Kind {
	case AddReplica:
		f.To, err = s.call("on", "the ordinal of a store")
	case RemoveReplica:
		f.From, err = s.call("from", "the ordinal of a replica")
	default:
		s.space()
		if f.From, err = s.number("the ordinal of a replica"); err != nil {
			return nil, err
		}
		if err = s.expect("->"); err == nil {
			f.To, err = s.number("the ordinal of a store")
		}
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Apply asks for the change and waits a little for the epoch to rise.
func (f ConfChange) Apply(p world.Proc, t Target) (Receipt, error) {
	before, ok := regionAt(t, f.Region)
	if !ok || len(before.Peers) == 0 {
		return skip("no region is known")
	}
	holders := before.stores()
	free := roomFor(t, before)
	if f.Kind != RemoveReplica && len(free) == 0 {
		return skip("every store that is up holds region %d", before.ID)
	}
	if why := f.unsafe(t, before, holders, free); why != "" {
		return skip("%s", why)
	}
	steps := uint64(1)
	if f.Kind == ReplaceReplica {
		steps = 2
	}
	err := f.change(p, t, before.ID, holders, free)
	now, _ := settle(p, t, before.ID, err == nil, func(r Region) bool { return r.ConfVer >= before.ConfVer+steps })
	if now.ConfVer <= before.ConfVer {
		return Receipt{Text: fmt.Sprintf("region %d stayed at conf_ver %d", before.ID, before.ConfVer)}, err
	}
	return Receipt{Bit: true, Text: fmt.Sprintf("region %d %s to %s (conf_ver %d to %d)",
		before.ID, names(holders), names(now.stores()), before.ConfVer, now.ConfVer)}, err
}

// change gives the commands.
func (f ConfChange) change(p world.Proc, t Target, region uint64, holders, free []world.NodeID) error {
	if f.Kind != RemoveReplica {
		on := pick(free, f.To)
		if err := t.AddPeer(p, region, on); err != nil {
			return fmt.Errorf("add a peer of region %d on s%d: %w", region, on, err)
		}
	}
	if f.Kind != AddReplica {
		from := pick(holders, f.From)
		err := mayGo(t, region, from)
		if err == nil {
			err = t.RemovePeer(p, region, from)
		}
		if err != nil {
			return fmt.Errorf("remove the peer of region %d from s%d: %w", region, from, err)
		}
	}
	return nil
}

// unsafe says why a replica must stay.
func (f ConfChange) unsafe(t Target, before Region, holders, free []world.NodeID) string {
	if f.Kind == AddReplica {
		return ""
	}
	left := without(before.voters(), []world.NodeID{pick(holders, f.From)})
	if f.Kind == ReplaceReplica {
		left = append(left, pick(free, f.To))
	}
	if len(left) == len(before.voters()) && f.Kind == RemoveReplica {
		return "" // a learner goes
	}
	return endangers(t, before, left)
}

// Heal does nothing: bringing replicas back to the wanted number is the placement driver's work.
func (f ConfChange) Heal(world.Proc, Target) (Receipt, error) { return Receipt{}, nil }
