package nemesis

import (
	"fmt"
	"slices"

	"ordeal/world"
)

// Race is what happens to two regions while one of them is frozen and not yet part of the other.
type Race uint8

// The races. All but RaceNone begin with the target's leader handing over: it takes no command for that long.
const (
	RaceNone Race = iota
	// RaceSplit splits the target.
	RaceSplit
	// RaceTarget changes the target's replicas, RaceSource those of the region that is to be merged.
	RaceTarget
	RaceSource
)

var raceWords = []string{"", "split", "target", "source"}

// Merge makes a region part of one of its neighbours.
type Merge struct {
	// Region is an ordinal among the regions. If that region can't be merged that way, one of the next ones is.
	Region uint64
	// Right says into which neighbour: the one behind it rather than the one before it.
	Right bool
	// Race is what else happens.
	Race Race
}

// Name is the family.
func (f Merge) Name() string { return "merge" }

// String is the source text.
func (f Merge) String() string {
	text := fmt.Sprintf("merge region(%d) %s", f.Region, sideWord(f.Right))
	if f.Race != RaceNone {
		text += " racing " + raceWords[f.Race]
	}
	return text
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
	f := Merge{Region: n, Right: right}
	s.space()
	if !s.accept("racing") {
		return f, nil
	}
	s.space()
	start := s.pos
	word := s.word()
	if f.Race = Race(slices.Index(raceWords, word)); word == "" || int(f.Race) >= len(raceWords) {
		s.pos = start
		return nil, s.errorAt(start, "want split, target or source, found %s", s.rest())
	}
	return f, nil
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
	if f.Race != RaceNone {
		if to := without(upOnly(t, target.stores()), []world.NodeID{target.Leader}); len(to) > 0 {
			_ = t.TransferLeader(p, target.ID, to[0]) // without it the race is a shorter one
		}
	}
	err := t.Merge(p, source.ID, target.ID)
	if err != nil {
		err = fmt.Errorf("merge region %d into region %d: %w", source.ID, target.ID, err)
	} else {
		f.race(p, t, source, target)
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

// race does what else is to happen. It comes too late or is refused more often than not, which is as it should be.
func (f Merge) race(p world.Proc, t Target, source, target Region) {
	r := target
	switch f.Race {
	case RaceNone:
		return
	case RaceSplit:
		if key := t.SplitKey(p, target.ID); key != nil {
			_ = t.Split(p, key)
		}
		return
	case RaceSource:
		r = source
	}
	away := without(upOnly(t, r.stores()), []world.NodeID{r.Leader})
	if free := roomFor(t, r); f.Race == RaceTarget && len(free) > 0 {
		_ = t.AddPeer(p, r.ID, free[0])
	} else if len(r.Peers) > replicasMin && len(away) == len(r.Peers)-1 && len(soundOnly(t, r.stores())) == len(r.Peers) {
		_ = t.RemovePeer(p, r.ID, away[0])
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
