package store

import (
	"ordeal/proto/metapb"
)

// mergeChecks is at how many checks in a row a region must be small before it merges.
const mergeChecks = 3

func (c *Config) merges() bool { return c.RegionMergeBytes > 0 || c.RegionMergeKeys > 0 }

// isSmall says whether a region should not be one of its own: it is within every bound that is set.
func (z *sizeState) isSmall(c *Config) bool {
	return z.known && (c.RegionMergeBytes == 0 || z.bytes <= c.RegionMergeBytes) &&
		(c.RegionMergeKeys == 0 || z.keys <= c.RegionMergeKeys)
}

// checkMerge merges a leader's region into a neighbour if it has been small for some checks, does not grow, and was not
// split a short while ago. The neighbours may be on other shards, so they are looked at in a turn that is alone.
func (s *Store) checkMerge(p *peer) {
	z := &p.size
	switch {
	case !s.cfg.merges() || !z.isSmall(&s.cfg) || s.ticks < z.rest:
		z.small = 0
		return
	case z.small > 0 && z.bytes-min(z.bytes, z.smallBytes) > s.cfg.RegionMergeBytes/lookAgain:
		z.small = 0 // it grows
	}
	if z.small++; z.small == 1 {
		z.smallBytes = z.bytes
	}
	if z.small < mergeChecks {
		return
	}
	z.small, z.sought = 0, true
	if s.alone {
		s.seekMerge(p)
		return
	}
	s.seeking = append(s.seeking, p)
	s.askAlone()
}

// seekMerge looks for a neighbour that p's region can become a part of, and begins to merge. Of two neighbours only the one
// with the higher id seeks the other one: if both did, each would change the epoch that the other one counts on.
func (s *Store) seekMerge(p *peer) {
	before, behind := s.ranges.neighbours(p.region)
	var best *peer
	for _, r := range []*metapb.Region{before, behind} {
		if r == nil || r.GetId() > p.region.GetId() {
			continue
		}
		t := s.owner(r.GetId()).peers[r.GetId()]
		if refuseMerge(p, t) != "" || t.merging() || !s.leavesRoom(p, t) {
			continue
		}
		// One that is led here saves the leaders a meeting.
		if best == nil || (t.group.IsLeader() && !best.group.IsLeader()) {
			best = t
		}
	}
	if best != nil {
		_ = s.startMerge(p, best.region) // a refusal is as good as a wait: some checks later it tries again
	}
}

// leavesRoom says whether p and t together are so far below the bounds of the split that they will not be split again
// soon. This store may not lead t, but it has its data.
func (s *Store) leavesRoom(p, t *peer) bool {
	if t.size.due(&s.cfg) && !s.lookOn(t) {
		return false
	}
	fits := func(n, bound uint64) bool { return bound == 0 || n <= bound/2 }
	return fits(p.size.bytes+t.size.bytes, s.cfg.RegionSplitBytes) && fits(p.size.keys+t.size.keys, s.cfg.RegionSplitKeys)
}
