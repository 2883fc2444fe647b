package store

import (
	"fmt"
	"slices"

	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/raft"
	"ordeal/system/engine"
	"ordeal/system/region"
)

// applySplit cuts the region in parts; the old region keeps one of them and its id. Every peer decides alike whether the
// split still fits the region. Regions, first states of the new ones, and the apply state that says that the split is
// done are in one batch: a crash leaves all of it or nothing, and then the log entry is applied again.
func (s *Store) applySplit(p *peer, epoch *metapb.RegionEpoch, c *ordealpb.SplitCommand, pr *proposal) {
	if !region.CheckEpoch(epoch, p.region.GetRegionEpoch(), true, true) {
		s.came(p, stateSplitRefused)
		s.refuseAdmin(p, pr, region.EpochNotMatch(p.region))
		return
	}
	if key, ok := splitFits(p, c); !ok {
		s.refuseAdmin(p, pr, region.KeyNotInRegion(key, p.region))
		return
	}
	parts, own := splitParts(p.region, c)
	// gofail: var bugSplitReplay struct{}
	// {
	//	early := region.Clone(p.region)
	//	early.RegionEpoch.Version = parts[own].GetRegionEpoch().GetVersion()
	//	s.putRegionState(&ordealpb.RegionLocalState{Region: early, Peer: p.meta})
	//	s.commit()
	// }

	children := s.bearChildren(p, parts, own)
	s.setRegion(p, parts[own])
	p.group.DropLease()
	share := p.size.share(uint64(len(parts)))
	p.size = share
	p.size.rest = s.ticks + uint64(s.cfg.MergeRestTicks)
	// gofail: var crashBeforeSplitChild struct{}
	// s.at("crashBeforeSplitChild", p.region.GetId())

	// The new peers are loaded from the disk, so everything up to here goes there.
	s.putApplyState(p)
	s.commit()
	// gofail: var crashAfterSplit struct{}
	// s.at("crashAfterSplit", p.region.GetId())
	for _, c := range children {
		s.raiseChild(p, c, share)
	}
	if f := s.cfg.Listener.Split; f != nil {
		f(s.cfg.StoreID, p.region, parts)
	}
	s.tellSplit(p, children)
	s.answerAdmin(p, pr, &ordealpb.AdminResponse{Regions: parts})
	if p.group.IsLeader() {
		s.heartbeatRegion(p)
	}
	for _, c := range children {
		o := s.owner(c.region.GetId())
		if m := o.takeVote(c.region.GetId()); m != nil {
			s.reached(stateVoteUsed, p.region.GetId(), c.region.GetId())
			if o == s {
				s.onRaft(m)
				continue
			}
			s.node.mail.put(o.shard, parcel{raft: m})
		}
	}
}

// tellSplit tells of what a split has met.
func (s *Store) tellSplit(p *peer, children []child) {
	for _, c := range children {
		s.reached(stateSplit, p.region.GetId(), c.region.GetId())
		if c.known {
			s.reached(stateChildByMessage, p.region.GetId(), c.region.GetId())
		}
	}
	for _, o := range s.sending {
		if o.p == p {
			s.came(p, stateSnapshotWhileSplitting)
		}
	}
}

// splitFits says whether a split can be made to p's region, and else which key can't.
func splitFits(p *peer, c *ordealpb.SplitCommand) (key []byte, ok bool) {
	var last []byte
	for _, cut := range c.GetRegions() {
		key = cut.GetSplitKey()
		if !splits(p, key) || string(key) <= string(last) || len(cut.GetPeerIds()) != len(p.region.GetPeers()) {
			return key, false
		}
		last = key
	}
	return nil, len(c.GetRegions()) > 0
}

// splitParts is what a split makes of r, in order of keys, and which part keeps r's id: its first, or its last if the
// split says so. The version rises by the number of cuts in all parts alike, as it would
// if they were made one after the other.
func splitParts(r *metapb.Region, c *ordealpb.SplitCommand) (parts []*metapb.Region, own int) {
	cuts := c.GetRegions()
	if c.GetRightDerive() {
		own = len(cuts)
	}
	for i := range len(cuts) + 1 {
		part := region.Clone(r)
		part.RegionEpoch.Version += uint64(len(cuts))
		// gofail: var bugSplitSameVersion struct{}
		// part.RegionEpoch.Version = r.GetRegionEpoch().GetVersion()
		if i > 0 {
			part.StartKey = cuts[i-1].GetSplitKey()
			// gofail: var bugSplitLosesKey struct{}
			// part.StartKey = append(append([]byte(nil), part.GetStartKey()...), 0)

		}
		if i < len(cuts) {
			part.EndKey = cuts[i].GetSplitKey()
		}
		parts = append(parts, part)
	}
	for i, part := range slices.Delete(slices.Clone(parts), own, own+1) {
		part.Id = cuts[i].GetRegionId()
		for j, m := range part.GetPeers() {
			m.Id = cuts[i].GetPeerIds()[j]
		}
	}
	return parts, own
}

// child is a region that a split has just made, with this store's peer of it.
type child struct {
	region *metapb.Region
	meta   *metapb.Peer
	// known says that the peer was here before, without knowing its region, because a message had made it.
	known bool
	// promised is that peer's group.
	promised *raft.Group
}

// bearChildren puts the first states of the regions that are split off into the batch and takes their ranges. A child
// whose peer is known to be gone already is not born, and what it would own is cleared, since nobody here owns it.
func (s *Store) bearChildren(parent *peer, parts []*metapb.Region, own int) []child {
	mine := []*metapb.Region{parts[own]}
	var children []child
	for i, r := range parts {
		if i == own {
			continue
		}
		if c, ok := s.bearChild(parent, r); ok {
			children = append(children, c)
			mine = append(mine, r)
			continue
		}
		lo, hi := engine.DataRange(r.GetStartKey(), r.GetEndKey())
		s.batch.DeleteRange(lo, hi)
	}
	s.ranges.set(mine...)
	return children
}

// bearChild puts the first state of a region that is split off into the batch, unless its peer is known to be gone.
func (s *Store) bearChild(parent *peer, r *metapb.Region) (child, bool) {
	meta := region.FindPeer(r, s.cfg.StoreID)
	if meta == nil {
		panic(fmt.Sprintf("store %d: split off %s has no peer here", s.cfg.StoreID, region.Format(r)))
	}
	o := s.owner(r.GetId())
	old := o.peers[r.GetId()]
	if meta.GetId() <= o.tombs[r.GetId()] || (old != nil && old.meta.GetId() > meta.GetId()) {
		s.reached(stateChildGone, parent.region.GetId(), r.GetId())
		return child{}, false
	}
	var promised *raft.Group
	if old != nil {
		if old.initialised() {
			panic(fmt.Sprintf("store %d: %s was split off and is here already as %s", s.cfg.StoreID, region.Format(r), region.Format(old.region)))
		}
		// It was made by a message. Its promises, term and vote, are on the disk and stay.
		promised = old.group
		o.dropPeer(old)
	}
	if err := s.writeFirstState(r, meta, promised, parent.merged); err != nil {
		panic(fmt.Sprintf("store %d: split: %v", s.cfg.StoreID, err))
	}
	return child{region: r, meta: meta, known: old != nil, promised: promised}, true
}

// writeFirstState writes what a region born on this store starts with; merged is the memory that it inherits.
func (s *Store) writeFirstState(r *metapb.Region, meta *metapb.Peer, old *raft.Group, merged *ordealpb.Merged) error {
	if err := raft.InitialState(s.batch, s.eng, r.GetId(), old); err != nil {
		return err
	}
	s.putRegionState(&ordealpb.RegionLocalState{Region: r, Peer: meta, Merged: merged})
	s.batch.Put(engine.ApplyStateKey(r.GetId()), mustMarshal(&ordealpb.ApplyState{
		AppliedIndex: raft.InitialIndex, AppliedTerm: raft.InitialTerm,
		TruncatedIndex: raft.InitialIndex, TruncatedTerm: raft.InitialTerm,
	}))
	return nil
}

// raiseChild opens the peer whose first state was just committed. Where the parent leads, the child campaigns at once.
func (s *Store) raiseChild(parent *peer, c child, size sizeState) {
	o := s.owner(c.region.GetId())
	// gofail: var bugChildOnParentsShard struct{}
	// o = s

	p, err := o.openPeer(c.region, c.meta)
	if err != nil {
		panic(fmt.Sprintf("store %d: split: %v", s.cfg.StoreID, err))
	}
	if c.promised != nil {
		p.group.Inherit(c.promised)
	}
	p.merged, p.size = parent.merged, size
	p.size.rest = o.ticks + uint64(s.cfg.MergeRestTicks)
	o.addPeer(p)
	o.tellRegionState(p, true)
	if f := s.cfg.Listener.PeerCreated; f != nil && !c.known {
		f(s.cfg.StoreID, c.region.GetId(), c.meta.GetId())
	}
	if f := s.cfg.Listener.RegionChanged; f != nil {
		f(s.cfg.StoreID, c.region)
	}
	if parent.group.IsLeader() {
		p.group.Campaign()
	}
	o.wake(p)
	s.stir(o)
}
