package nemesis

import (
	"fmt"

	"ordeal/world"
)

// BatchSplit cuts a region at several keys, all at once.
type BatchSplit struct {
	// Region is an ordinal among the regions. If no keys are found in that region, one of the next few is split.
	Region uint64
	// Keys is how many keys it is cut at.
	Keys uint64
	// Right has the old region keep its last part instead of its first.
	Right bool
}

// Name is the family.
func (f BatchSplit) Name() string { return "batch-split" }

// String is the source text.
func (f BatchSplit) String() string {
	side := "left"
	if f.Right {
		side = "right"
	}
	return fmt.Sprintf("batch-split region(%d) keys(%d) %s", f.Region, f.Keys, side)
}

func parseBatchSplit(s *scanner) (Fault, error) {
	var f BatchSplit
	var err error
	if f.Region, err = s.call("region", "the ordinal of a region"); err != nil {
		return nil, err
	}
	if f.Keys, err = s.call("keys", "how many keys to cut at"); err != nil {
		return nil, err
	}
	f.Right, err = s.side()
	if err != nil {
		return nil, err
	}
	return f, nil
}

// side reads blanks and left or right.
func (s *scanner) side() (right bool, err error) {
	s.space()
	start := s.pos
	switch s.word() {
	case "left":
		return false, nil
	case "right":
		return true, nil
	}
	s.pos = start
	return false, s.errorAt(start, "want left or right, found %s", s.rest())
}

// sideWord is what side reads.
func sideWord(right bool) string {
	if right {
		return "right"
	}
	return "left"
}

// batchSplitMin is the fewest keys that make a batch.
const batchSplitMin = 2

// Apply splits and waits a little for the version to rise.
func (f BatchSplit) Apply(p world.Proc, t Target) (Receipt, error) {
	regions := t.Regions()
	for i := range min(splitTries, len(regions)) {
		before := regions[(f.Region+uint64(i))%uint64(len(regions))]
		keys := t.SplitKeys(p, before.ID, int(f.Keys))
		if len(keys) < batchSplitMin {
			continue
		}
		err := t.BatchSplit(p, keys, f.Right)
		if err != nil {
			err = fmt.Errorf("split region %d at %d keys: %w", before.ID, len(keys), err)
		}
		now, risen := settle(p, t, before.ID, err == nil, func(r Region) bool { return r.Version > before.Version })
		if !risen {
			return Receipt{Text: fmt.Sprintf("region %d stayed at version %d", before.ID, before.Version)}, err
		}
		return Receipt{Bit: true, Text: fmt.Sprintf("region %d split at %d keys (version %d to %d), regions %d to %d",
			before.ID, len(keys), before.Version, now.Version, len(regions), len(t.Regions()))}, err
	}
	return skip("no region from the %d. on has several keys to split at", f.Region)
}

// Heal does nothing: a split is for ever.
func (f BatchSplit) Heal(world.Proc, Target) (Receipt, error) { return Receipt{}, nil }
