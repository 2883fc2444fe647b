package store

import (
	"bytes"
	"errors"

	"ordeal/system/engine"
)

// A read that comes to a damaged block tells whoever reads. A compaction that comes to one is nobody's, and can't be done
// as long as the block is there, so that tables and what was deleted pile up. A read can come to one in which its region has
// nothing, behind the end of a range that was deleted when the region was larger. In both cases all peers of the store are
// looked at: those who have keys in the block are quarantined. It may be nobody's any more, since what a destroyed peer had stays
// in the tables until they are compacted; that is cut out at once. A read that has failed for another's damage can be tried
// again: the block is gone now, or will be with the peer that is quarantined for it.

// errMetByOthers is why a peer is quarantined that nobody has read.
var errMetByOthers = errors.New("a compaction, or a read of other data, came to a damaged block of its data")

// readFailed does something about a read of p's data that could not be done, and says whether its data are what is damaged.
func (s *Store) readFailed(p *peer, err error) bool {
	var bad *engine.CorruptError
	if errors.As(err, &bad) && bad.In.Known() {
		lo, hi := engine.DataRange(p.region.GetStartKey(), p.region.GetEndKey())
		if !s.eng.Harms(bad.In, lo, hi) {
			s.eng.NoteDamage(bad.In)
			s.nudge(s.cfg.shardOf(FirstRegion))
			return false
		}
	}
	s.suspect(p, err)
	return true
}

// seeDamage does something about the damaged tables that compactions and reads of other data came to, in a turn that is alone.
func (s *Store) seeDamage() {
	if !s.registrar() || !s.eng.Damaged() {
		return
	}
	if !s.alone {
		s.askAlone()
		return
	}
	for _, d := range s.eng.TakeDamages() {
		s.suspectIn(d)
		s.cutOutUnowned(d)
	}
}

// suspectIn suspects the peers that can't read all that a damaged table has of their data.
func (s *Store) suspectIn(d engine.Damage) {
	for _, o := range s.node.shards {
		for _, p := range o.order {
			lo, hi := engine.DataRange(p.region.GetStartKey(), p.region.GetEndKey())
			if p.initialised() && s.eng.Harms(d, lo, hi) {
				s.suspect(p, errMetByOthers)
			}
		}
	}
}

// cutOutUnowned cuts out what a damaged table has between the regions of the store. If a part of the block is a region's, it
// can't be cut, and all of it goes when that region's peer does; see cutOut.
func (s *Store) cutOutUnowned(d engine.Damage) {
	var from []byte
	for _, r := range s.ranges.overlap(0, nil, nil) {
		if bytes.Compare(from, r.GetStartKey()) < 0 {
			s.cutOutHarm(d, from, r.GetStartKey())
		}
		if from = r.GetEndKey(); len(from) == 0 {
			return
		}
	}
	s.cutOutHarm(d, from, nil)
}

// cutOutHarm cuts out a range that is nobody's if a damaged table is in the way of reading it.
func (s *Store) cutOutHarm(d engine.Damage, start, end []byte) {
	lo, hi := engine.DataRange(start, end)
	if s.eng.Harms(d, lo, hi) {
		_ = s.eng.Excise(lo, hi) // if it can't be cut, the next compaction comes to it again
	}
}
