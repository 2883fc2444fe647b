package nemesis

import (
	"fmt"
	"slices"

	"ordeal/world"
)

// Merge makes a region part of one of its neighbours.
type Merge struct {
	// Region is an ordinal among the regions. If that region can't be merged that way, one of the next ones is.
	Region uint64
	// Right says into which neighbour: the one behind it rather than the one before it.
	Right bool
}

// Name is the family.
func (f Merge) Name() string { return "merge" }

// String is the source text.
func (f Merge) String() string {
	side := "left"
	if f.Right {
		side = "right"
	}
	return fmt.Sprintf("merge region(%d) %s", f.Region, side)
}

func parseMerge(s *scanner) (Fault, error) {
	n, err := s.call("region", "the ordinal of a region")
	if err != nil {
		return nil, err
	}
	right, err := s.side()
	if err != nil {
		return nil, err
	}
	return Merge{Region: n, Right: right}, nil
}

// Apply merges and waits a little for the region to be gone, or at least to be frozen. If no region has its replicas where
// its neighbour has them, it splits one first: the halves are together until the placement driver moves one of them.
func (f Merge) Apply(p world.Proc, t Target) (Receipt, error) {
	regions := t.Regions()
	source, target, ok := f.pair(regions)
	if !ok {
		if r, err := (Split{Region: f.Region}).Apply(p, t); !r.Bit {
			return r, err
		}
		regions = t.Regions()
		if source, target, ok = f.pair(regions); !ok {
			return skip("no region has its replicas on the same stores as that neighbour")
		}
	}
	err := t.Merge(p, source.ID, target.ID)
	if err != nil {
		err = fmt.Errorf("merge region %d into region %d: %w", source.ID, target.ID, err)
	}
	for poll := 0; ; poll++ {
		after := t.Regions()
		i := slices.IndexFunc(after, func(r Region) bool { return r.ID == source.ID })
		if i < 0 {
			return Receipt{Bit: true, Text: fmt.Sprintf("region %d became part of region %d, regions %d to %d",
				source.ID, target.ID, len(regions), len(after))}, err
		}
		switch now := after[i]; {
		case err == nil && poll < settlePolls:
			p.Sleep(settleEvery)
		case now.Version > source.Version:
			return Receipt{Bit: true, Text: fmt.Sprintf("region %d was to become part of region %d (version %d to %d)",
				source.ID, target.ID, source.Version, now.Version)}, err
		default:
			return Receipt{Text: fmt.Sprintf("region %d stayed at version %d", source.ID, now.Version)}, err
		}
	}
}

// pair chooses the region to be merged and its neighbour: the first, from the region named on, whose replicas are together
// with those of its neighbour.
func (f Merge) pair(regions []Region) (source, target Region, ok bool) {
	step := -1
	if f.Right {
		step = 1
	}
	for i := range regions {
		at := int((f.Region + uint64(i)) % uint64(len(regions)))
		if at+step >= 0 && at+step < len(regions) && slices.Equal(regions[at].stores(), regions[at+step].stores()) {
			return regions[at], regions[at+step], true
		}
	}
	return Region{}, Region{}, false
}

// Heal does nothing: whatever the regions are, the cluster is whole.
func (f Merge) Heal(world.Proc, Target) (Receipt, error) { return Receipt{}, nil }
