package nemesis

import (
	"fmt"

	"ordeal/world"
)

// Replace moves a replica of a region to another store, as the placement driver would: the new one is a learner until it
// has caught up, and then takes the place of the old one.
type Replace struct {
	// Region is an ordinal among the regions.
	Region uint64
	// From is an ordinal among the stores of the region's voters, To one among the stores that are up and do not hold it.
	From, To uint64
	// Joint has the two change places at once, rather than one after the other.
	Joint bool
}

// Name is the family.
func (f Replace) Name() string { return "replace" }

// String is the source text.
func (f Replace) String() string {
	text := fmt.Sprintf("replace region(%d) %d->%d", f.Region, f.From, f.To)
	if f.Joint {
		text += " joint"
	}
	return text
}

func parseReplace(s *scanner) (Fault, error) {
	var f Replace
	var err error
	if f.Region, f.From, f.To, err = s.move(); err != nil {
		return nil, err
	}
	f.Joint = s.flag("joint")
	return f, nil
}

// Apply gives one command after the other, up to the first that fails.
func (f Replace) Apply(p world.Proc, t Target) (Receipt, error) {
	before, ok := regionAt(t, f.Region)
	if !ok || len(before.Peers) == 0 {
		return skip("no region is known")
	}
	voters := before.voters()
	free := roomFor(t, before)
	if len(voters) == 0 || len(free) == 0 {
		return skip("every store that is up holds region %d", before.ID)
	}
	from, to := pick(voters, f.From), pick(free, f.To)
	if why := endangers(t, before, append(without(voters, []world.NodeID{from}), to)); why != "" {
		return skip("%s", why)
	}
	err := f.move(p, t, before.ID, from, to)
	return changedMembers(p, t, before, 1, err == nil), err
}

func (f Replace) move(p world.Proc, t Target, region uint64, from, to world.NodeID) error {
	if err := changePeer(p, t, region, MakeLearner, to); err != nil {
		return err
	}
	if !f.Joint {
		if err := changePeer(p, t, region, MakeVoter, to); err != nil {
			return err
		}
		return changePeer(p, t, region, Drop, from)
	}
	swap := []PeerChange{{MakeVoter, to}, {MakeLearner, from}}
	if err := insist(p, func() error { return t.ChangePeers(p, region, swap, false) }); err != nil {
		return fmt.Errorf("joint change of region %d: %w", region, err)
	}
	// Its leader leaves the joint configuration by itself, and no other change is taken before.
	settle(p, t, region, true, func(r Region) bool { return !r.Joint })
	return changePeer(p, t, region, Drop, from)
}

// Heal does nothing: bringing replicas to where they should be is the placement driver's work.
func (f Replace) Heal(world.Proc, Target) (Receipt, error) { return Receipt{}, nil }
