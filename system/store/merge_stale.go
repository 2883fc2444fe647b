package store

import (
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/raft"
	"ordeal/system/engine"
	"ordeal/system/region"
)

// A peer that was away while its region was merged is found out in three ways: the target's log or a snapshot of the
// target takes its data over or replaces them; a store where the region has ended tells it when it asks for votes; or it
// asks PD, which does not know its region any more, who has the range now, and that one what it remembers.

// seekHeir asks for the region that may have swallowed p's, which PD does not know. That PD does not know it proves
// nothing: it may only be out of date. If p's region was swallowed, who did it has, or its heirs have, some key of the
// range that p's region last had, so one after the other is asked.
func (s *Store) seekHeir(p *peer) {
	key := p.seek
	if key == nil {
		key = p.sought().GetStartKey()
	}
	s.findHeir(p, key)
}

// seekBehind goes on behind a region that knows nothing of p's.
func (p *peer) seekBehind(r *metapb.Region) {
	p.seek = nil
	if end := r.GetEndKey(); len(end) > 0 && region.Contains(p.sought(), end) {
		p.seek = end
	}
}

// sought is the newest that a peer knows of its region: what it was created for, if it is uninitialised.
func (p *peer) sought() *metapb.Region {
	if p.initialised() {
		return p.region
	}
	return p.creator
}

// awaited says whether a peer here will still take over the data of region id, which region by swallowed. When the
// CommitMerge was proposed, every peer of by knew its region; so one that does not, or is yet to come, begins behind it.
func (s *Store) awaited(id, by uint64) bool {
	t := s.owner(by).peers[by]
	return t != nil && t.initialised() && swallowed(t.merged, id) == nil
}

// onSwallowed takes note that p's region was swallowed by another one. The peer goes, with its data, unless a peer of that
// one needs them.
func (s *Store) onSwallowed(p *peer, by uint64) {
	if s.awaited(p.region.GetId(), by) {
		return
	}
	s.reached(stateMergeUnnoticed, p.region.GetId(), by)
	s.failAll(p, "its region became part of another one")
	s.clearMerged(p, &ordealpb.MergedRegion{Id: p.region.GetId(), Into: by})
	// What is deleted by range is not in the overlay: later reads of this turn must see it gone.
	s.commit()
}

// clearMerged puts the end of a peer of a region that was swallowed into the turn's batch, data and all.
func (s *Store) clearMerged(p *peer, end *ordealpb.MergedRegion) {
	if p.initialised() {
		lo, hi := engine.DataRange(p.region.GetStartKey(), p.region.GetEndKey())
		s.batch.DeleteRange(lo, hi)
	}
	s.bury(p, p.region.GetRegionEpoch(), end)
}

// tellEnded answers a straggler that asks for votes in a region that was swallowed here. It reports whether it did.
func (s *Store) tellEnded(m *ordealpb.RaftMessage, kind raft.Kind) bool {
	end := s.ended[m.GetRegionId()]
	if end == nil {
		return false
	}
	if kind == raft.KindVote {
		s.answerMerge(m.GetFromPeer(), &ordealpb.MergeAnswer{
			SourceId: m.GetRegionId(), ToPeer: m.GetFromPeer(), Outcome: ordealpb.MergeAnswer_MERGED, Into: end.GetInto(),
		})
	}
	return true
}

// heir is this store's peer of a region, or of the one that swallowed it, and so on; nil if it has none that knows its
// region and is a member of it.
func (s *Store) heir(id uint64) *peer {
	for {
		o := s.owner(id)
		if t := o.peers[id]; t != nil {
			if t.initialised() && t.member() {
				return t
			}
			return nil
		}
		end := o.ended[id]
		if end == nil {
			return nil
		}
		id = end.GetInto() // who swallowed it has not been swallowed by it
	}
}

// obsolete says whether a peer here has no use any more once this store has region r with the memory m: its region was
// swallowed, and by r, or by one whose peer here does not await its data, or is obsolete itself. That r remembers it is
// not enough: a child inherits the memory, but is no reason to destroy what its parent still has to take over here.
func (s *Store) obsolete(p *peer, r *metapb.Region, m *ordealpb.Merged) bool {
	for e := swallowed(m, p.region.GetId()); e != nil; e = swallowed(m, e.GetInto()) {
		if e.GetInto() == r.GetId() || !s.awaited(e.GetId(), e.GetInto()) {
			return true
		}
	}
	return false
}

// blocked says whether a region other than r, and not made obsolete by r, has a part of r's range here.
func (s *Store) blocked(r *metapb.Region, m *ordealpb.Merged) bool {
	for _, o := range s.ranges.overlap(r.GetId(), r.GetStartKey(), r.GetEndKey()) {
		if p := s.owner(o.GetId()).peers[o.GetId()]; p == nil || !s.obsolete(p, r, m) {
			return true
		}
	}
	return false
}

// claimRange takes the range that a snapshot of r needs, unless it is blocked. Regions that the snapshot makes obsolete give
// theirs up; if the snapshot is not taken after all, unclaimRange gives them back.
func (s *Store) claimRange(r *metapb.Region, m *ordealpb.Merged) bool {
	if s.blocked(r, m) {
		return false
	}
	for _, o := range s.ranges.overlap(r.GetId(), r.GetStartKey(), r.GetEndKey()) {
		s.ranges.drop(o.GetId())
	}
	return s.ranges.claim(r)
}

func (s *Store) unclaimRange(m *ordealpb.Merged) {
	for _, e := range m.GetRegions() {
		if p := s.owner(e.GetId()).peers[e.GetId()]; p != nil && p.initialised() {
			s.ranges.set(p.region)
		}
	}
}

// makeRoom removes, in the turn's batch, all peers that are obsolete with a snapshot of r. Their data go first: the snapshot
// has what r took over of them.
func (s *Store) makeRoom(r *metapb.Region, m *ordealpb.Merged) {
	for _, e := range m.GetRegions() {
		p := s.owner(e.GetId()).peers[e.GetId()]
		if p == nil || !s.obsolete(p, r, m) {
			continue
		}
		s.reached(stateSnapshotSwallows, r.GetId(), e.GetId())
		s.failAll(p, "a snapshot shows that its region became part of another one")
		s.clearMerged(p, e)
	}
}
