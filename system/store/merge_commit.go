package store

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/raft"
	"ordeal/system/engine"
	"ordeal/system/region"
)

// commitCommand is what the target needs to take over p's region: its end, and all entries that some peer may not have.
// It is nil while this leader can't tell, or has compacted, what a peer lacks; the group itself sees to that.
func (p *peer) commitCommand() *ordealpb.CommitMergeCommand {
	m := p.merge
	have := m.GetCommitIndex()
	for _, f := range p.group.Followers() {
		have = min(have, f.Match)
	}
	// A new leader does not know yet how far the others are, but that far they are for sure.
	have = max(have, m.GetMinIndex())
	entries, ok := p.group.Entries(have, m.GetCommitIndex())
	if !ok {
		return nil
	}
	c := &ordealpb.CommitMergeCommand{Source: p.region, CommitIndex: m.GetCommitIndex(), CommitTerm: m.GetCommitTerm()}
	for _, e := range entries {
		c.Entries = append(c.Entries, mustMarshal(e))
	}
	return c
}

// proposeCommit appends a CommitMerge to the log of t, which leads the target, if it is the target still. It is t's own shard
// that does it, in a turn of its own: what a group wants done once it has an entry comes after this turn.
func (s *Store) proposeCommit(t *peer, target *metapb.Region, c *ordealpb.CommitMergeCommand) {
	same := region.SameEpoch(target.GetRegionEpoch(), t.region.GetRegionEpoch())
	// gofail: var bugMergeStaleTarget struct{}
	// same = true

	if t.merging() || !t.group.IsLeader() || !same {
		return
	}
	o := s.owner(t.region.GetId())
	if !t.membersKnow() {
		if o.tireOfMerge(t, c.GetSource().GetId()) {
			s.stir(o)
		}
		return
	}
	// One that is on its way makes another one useless, though not harmful: at most one of them can be applied.
	if t.taking == c.GetSource().GetId() && o.ticks < t.takingSince+uint64(s.cfg.ElectionTicks) {
		return
	}
	cmd := &ordealpb.Command{
		Epoch: target.GetRegionEpoch(),
		Admin: &ordealpb.AdminCommand{Body: &ordealpb.AdminCommand_CommitMerge{CommitMerge: c}},
	}
	if o.propose(t, mustMarshal(cmd), proposal{}) == nil {
		t.taking, t.takingSince = c.GetSource().GetId(), o.ticks
		s.stir(o)
	}
}

// membersKnow says whether all peers of a region that is led here are known to know their region: one that waits for its
// first snapshot has no log.
func (p *peer) membersKnow() bool {
	known := map[uint64]bool{p.meta.GetId(): true}
	for _, f := range p.group.Followers() {
		known[f.Peer] = f.Match > 0
	}
	for _, m := range p.region.GetPeers() {
		if !known[m.GetId()] {
			return false
		}
	}
	return true
}

// applyCommitMerge takes over the source on this store, if the target is what it was when the source prepared. Every
// peer of the target decides alike. before is where t had got when it came to this entry.
func (s *Store) applyCommitMerge(t *peer, epoch *metapb.RegionEpoch, c *ordealpb.CommitMergeCommand, before raft.ID) {
	t.taking = 0
	fits := region.CheckEpoch(epoch, t.region.GetRegionEpoch(), true, true)
	// gofail: var bugMergeNoEpoch struct{}
	// fits = true
	if !fits {
		s.reached(stateMergeRefused, t.region.GetId(), c.GetSource().GetId())
		return
	}
	owner := s.owner(c.GetSource().GetId())
	p := owner.peers[c.GetSource().GetId()]
	if o := owner.outcast(c.GetSource().GetId()); p == nil && o != nil {
		s.takeOverOutcast(t, o, merged(t.region, c.GetSource()))
		return
	}
	if p == nil || !p.initialised() {
		// At its PrepareMerge every peer of the source knew its region, and none can have gone since but by this entry.
		panic(fmt.Sprintf("store %d: entry %d of %s takes over %s, which is not here", s.cfg.StoreID, t.applied.Index,
			region.Format(t.region), region.Format(c.GetSource())))
	}
	// What the source still has to apply may have to be committed by parts, and this region's apply state with them.
	at := t.applied
	t.applied = before
	s.putApplyState(t)
	s.commit()
	t.applied = at
	// gofail: var crashBeforeCommitMerge struct{}
	// s.at("crashBeforeCommitMerge", t.region.GetId())
	s.catchUp(p, c)
	if o := owner.outcast(c.GetSource().GetId()); p.dead && o != nil {
		s.takeOverOutcast(t, o, merged(t.region, c.GetSource()))
		return
	}
	s.swallow(t, p, c)
}

// catchUp applies the source's log up to its PrepareMerge. What every peer was known to have, and only that, comes from
// the log here: behind it may be entries that were never committed. The rest comes with the command, and is not committed
// before the region ends.
func (s *Store) catchUp(p *peer, c *ordealpb.CommitMergeCommand) {
	// gofail: var bugMergeNoCatchUp struct{}
	// return
	end := c.GetCommitIndex()
	var carried []*raft.Entry
	for _, b := range c.GetEntries() {
		e := &raft.Entry{}
		if err := proto.Unmarshal(b, e); err != nil {
			panic(fmt.Sprintf("store %d: the CommitMerge of %s carries what is no entry: %v", s.cfg.StoreID, region.Format(c.GetSource()), err))
		}
		if e.GetIndex() > p.applied.Index {
			carried = append(carried, e)
		}
	}
	own := end - uint64(len(c.GetEntries()))
	if entries, ok := p.group.Entries(p.applied.Index, own); !ok {
		panic(fmt.Sprintf("store %d: %s must have its log up to %d, and has not all from %d on", s.cfg.StoreID,
			region.Format(p.region), own, p.applied.Index))
	} else if len(entries) > 0 {
		s.came(p, stateMergeByLog)
		s.apply(p, entries)
	}
	batch := s.batch
	if len(carried) > 0 && !p.dead {
		s.came(p, stateMergeCarried)
		s.carrying = true
		s.apply(p, carried)
		s.carrying = false
	}
	if p.dead && s.owner(p.region.GetId()).outcast(p.region.GetId()) != nil {
		return
	}
	if s.batch != batch || p.dead || p.merge.GetCommitIndex() != end || !proto.Equal(p.region, c.GetSource()) {
		panic(fmt.Sprintf("store %d: %s, applied up to %d, merge %v, is not what it was to be when it is merged: %s, entry %d",
			s.cfg.StoreID, region.Format(p.region), p.applied.Index, p.merge, region.Format(c.GetSource()), end))
	}
}

// swallow makes p's region, which has ended, part of t's: one batch ends the one and makes the other what it is now.
func (s *Store) swallow(t, p *peer, c *ordealpb.CommitMergeCommand) {
	source := p.region
	r := merged(t.region, source)
	last := &ordealpb.MergedRegion{Id: source.GetId(), Into: r.GetId(), Version: r.GetRegionEpoch().GetVersion()}
	s.failAll(p, "its region became part of another one")
	s.bury(p, source.GetRegionEpoch(), last)
	t.merged = remember(t.merged, p.merged, last)
	t.size = sizeState{bytes: t.size.bytes + p.size.bytes, keys: t.size.keys + p.size.keys}
	s.setRegion(t, r)
	s.putApplyState(t)
	s.commit()
	// gofail: var crashAfterCommitMerge struct{}
	// s.at("crashAfterCommitMerge", t.region.GetId())

	if f := s.cfg.Listener.CommitMerge; f != nil {
		f(s.cfg.StoreID, r, source, c.GetCommitIndex())
	}
	s.reached(stateMergeCommitted, r.GetId(), source.GetId())
	if t.group.IsLeader() {
		s.heartbeatRegion(t)
	}
}

// merged is what a region is after it took over another one.
func merged(target, source *metapb.Region) *metapb.Region {
	r := region.Clone(target)
	r.RegionEpoch.Version = mergedVersion(source.GetRegionEpoch().GetVersion(), r.GetRegionEpoch().GetVersion())
	if string(source.GetStartKey()) < string(r.GetStartKey()) {
		r.StartKey = source.GetStartKey()
	} else {
		r.EndKey = source.GetEndKey()
	}
	return r
}

// bury takes p and its log, but not its data, off this store, all in the turn's batch, and leaves a tombstone. end is not
// nil if the region is known to have been swallowed; it is remembered for stragglers.
func (s *Store) bury(p *peer, epoch *metapb.RegionEpoch, end *ordealpb.MergedRegion) {
	id := p.region.GetId()
	lo, hi := engine.RegionRaftRange(id)
	s.batch.DeleteRange(lo, hi)
	o := s.owner(id)
	o.dropPeer(p)
	o.tombs[id] = max(o.tombs[id], p.meta.GetId())
	if end != nil {
		o.ended[id] = end
	}
	tomb := &ordealpb.RegionLocalState{
		State: ordealpb.PeerState_TOMBSTONE, Region: &metapb.Region{Id: id, RegionEpoch: epoch}, Peer: p.meta,
	}
	if end := o.ended[id]; end != nil {
		tomb.Merged = &ordealpb.Merged{Regions: []*ordealpb.MergedRegion{end}}
	}
	s.putRegionState(tomb)
	if f := s.cfg.Listener.PeerDestroyed; f != nil {
		s.whenDurable = append(s.whenDurable, func() {
			if o.peers[id] == nil {
				f(s.cfg.StoreID, id, p.meta.GetId())
			}
		})
	}
}
