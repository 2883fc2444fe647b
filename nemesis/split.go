package nemesis

import (
	"fmt"

	"ordeal/world"
)

// splitTries is how many regions, in key order, a split looks at for one that has enough data.
const splitTries = 4

// Split splits a region.
type Split struct {
	// Region is an ordinal among the regions. If that region has too little data, one of the next few is split.
	Region uint64
}

// Name is the family.
func (f Split) Name() string { return "split" }

// String is the source text.
func (f Split) String() string { return fmt.Sprintf("split region(%d)", f.Region) }

func parseSplit(s *scanner) (Fault, error) {
	n, err := s.call("region", "the ordinal of a region")
	if err != nil {
		return nil, err
	}
	return Split{Region: n}, nil
}

// Apply splits and waits a little for the version to rise.
func (f Split) Apply(p world.Proc, t Target) (Receipt, error) {
	regions := t.Regions()
	for i := range min(splitTries, len(regions)) {
		before := regions[(f.Region+uint64(i))%uint64(len(regions))]
		key := t.SplitKey(p, before.ID)
		if key == nil {
			continue
		}
		err := t.Split(p, key)
		if err != nil {
			err = fmt.Errorf("split region %d at %q: %w", before.ID, key, err)
		}
		now, risen := settle(p, t, before.ID, err == nil, func(r Region) bool { return r.Version > before.Version })
		if !risen {
			return Receipt{Text: fmt.Sprintf("region %d stayed at version %d", before.ID, before.Version)}, err
		}
		return Receipt{Bit: true, Text: fmt.Sprintf("region %d split at %q (version %d to %d), regions %d to %d",
			before.ID, key, before.Version, now.Version, len(regions), len(t.Regions()))}, err
	}
	return skip("no region from the %d. on has enough data to split", f.Region)
}

// Heal does nothing: a split is for ever.
func (f Split) Heal(world.Proc, Target) (Receipt, error) { return Receipt{}, nil }
