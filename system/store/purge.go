package store

import (
	"errors"

	"ordeal/proto/metapb"
	"ordeal/system/engine"
)

// What a quarantined peer leaves is cut out of the tables, damaged blocks and all; see engine.Excise. A block that holds
// data of two regions can only be cut out as a whole: then the other region's peer, which can't read its part of the block
// any better, is quarantined as well, and the two go together once both are released.

// purge removes what a quarantined peer left, and leaves a tombstone. If a damaged block keeps it from that, the peer stays
// until those around it that share the block can go as well, and false is returned. An attempt writes out and compacts all
// that the store has, and each message of a newer peer asks for one: a peer that is stuck is tried once in an election
// timeout, or sooner if only now what is on other shards may be touched.
func (s *Store) purge(o *outcast) bool {
	o.released = true
	if o.stuck && s.ticks-o.tried < uint64(s.cfg.ElectionTicks) && (o.alone || !s.alone) {
		return false
	}
	o.tried, o.alone = s.ticks, s.alone
	group := s.releasedAround(o)
	err := s.cutOut(group)
	if o.stuck = err != nil; o.stuck {
		s.reached(stateQuarantineStuck, o.region.GetId(), 0)
		s.suspectAround(group, err)
		return false
	}
	for _, x := range group {
		s.reached(stateQuarantineEnded, x.region.GetId(), 0)
		s.buryOutcast(x)
	}
	s.commit()
	return true
}

// releasedAround returns the quarantined peers that are released and between whose ranges, and that of o, nobody here has
// another, in the order of keys.
func (s *Store) releasedAround(o *outcast) []*outcast {
	group := []*outcast{o}
	for {
		before, behind := s.around(group)
		switch x, y := s.released(before), s.released(behind); {
		case x != nil:
			group = append([]*outcast{x}, group...)
		case y != nil:
			group = append(group, y)
		default:
			return group
		}
	}
}

// around returns the regions that have the next keys on this store before and behind the ranges of a group, which is in the
// order of keys; nil where there is none.
func (s *Store) around(group []*outcast) (before, behind *metapb.Region) {
	return s.ranges.around(group[0].region.GetStartKey(), group[len(group)-1].region.GetEndKey())
}

// released returns the quarantined peer of a region if its quarantine may end and this shard may end it.
func (s *Store) released(r *metapb.Region) *outcast {
	for _, x := range s.allOutcasts() {
		if x.released && x.region.GetId() == r.GetId() {
			return x
		}
	}
	return nil
}

// cutOut removes the data of a group. If that needs a damaged block to be cut through, it removes what lies beyond the
// group's range as well, up to what somebody has: others that were here may have left something in the block.
func (s *Store) cutOut(group []*outcast) error {
	lo, hi := engine.DataRange(group[0].region.GetStartKey(), group[len(group)-1].region.GetEndKey())
	if s.eng.Excise(lo, hi) == nil {
		return nil
	}
	before, behind := s.around(group)
	lo, hi = engine.DataRange(before.GetEndKey(), behind.GetStartKey())
	return s.eng.Excise(lo, hi)
}

// suspectAround suspects the peers around a group whose data lie in the damaged block that can't be cut through. One on
// another shard has to wait for a turn that is alone, which the placement driver's next answer about the quarantined peer
// brings.
func (s *Store) suspectAround(group []*outcast, cut error) {
	var bad *engine.CorruptError
	if !errors.As(cut, &bad) {
		return
	}
	before, behind := s.around(group)
	for _, r := range []*metapb.Region{before, behind} {
		p := s.within(r)
		if p == nil {
			continue
		}
		lo, hi := engine.DataRange(p.region.GetStartKey(), p.region.GetEndKey())
		if s.eng.Harms(bad.In, lo, hi) {
			s.suspect(p, cut)
		}
	}
}

// within returns the peer of a region if this shard may do something to it now.
func (s *Store) within(r *metapb.Region) *peer {
	if r == nil || (s.cfg.shardOf(r.GetId()) != s.shard && !s.alone) {
		return nil
	}
	return s.owner(r.GetId()).peers[r.GetId()]
}
