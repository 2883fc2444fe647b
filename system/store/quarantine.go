package store

import (
	"slices"
	"sort"

	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/raft"
	"ordeal/system/engine"
	"ordeal/system/region"
)

// A peer whose data can't be trusted, because a block on the disk is damaged or because a majority of its region has other
// data, is quarantined: it is out of service at once and for good, like one whose store has burnt down. It answers no
// request, sends no message and votes for nobody; its peer id never comes back here, since it may have promised what
// it can't keep. What it has stays on the disk, untouched, until its region is known to go on without it: if too many
// replicas are lost, it may be all that is left. So that this does not take long, it asks to be removed. The leader of
// its region proposes that; the placement driver then sees a replica too few, and makes another one.
//
// The range of a quarantined peer stays taken: no other region's snapshot comes to lie upon blocks that can't be read.
// They are cut out of the tables when the peer goes.

// corruption returns what a panic is about if that is a damaged block, nil if there was none, and panics with all else.
func corruption(panicked any) error {
	if panicked == nil {
		return nil
	}
	if err, ok := panicked.(*engine.CorruptError); ok {
		return err
	}
	panic(panicked)
}

// outcast is a quarantined peer.
type outcast struct {
	region *metapb.Region
	peer   *metapb.Peer
	// members are those of its region as far as is known: the ones of region, or what PD has answered since. Its own log tells it
	// nothing any more, and its leader may be one that came later.
	members []*metapb.Peer
	// released says that its region goes on without it, stuck that it could not be removed all the same.
	released, stuck bool
	// tried is the tick of the last attempt, alone whether it could have touched regions of other shards.
	tried uint64
	alone bool
}

// suspect notes that a peer's data can't be trusted; it is quarantined before anything else of it can leave the store.
func (s *Store) suspect(p *peer, why error) {
	s.suspects = append(s.suspects, suspicion{p, why.Error()})
}

type suspicion struct {
	p   *peer
	why string
}

// quarantineSuspects takes the peers out of service that this turn came to suspect.
func (s *Store) quarantineSuspects() {
	for _, x := range s.suspects {
		s.quarantine(x.p, x.why)
	}
	s.suspects = s.suspects[:0]
}

// quarantine takes a peer out of service.
func (s *Store) quarantine(p *peer, why string) {
	if p.dead {
		return
	}
	s.failAll(p, "the data of this replica can't be trusted")
	s.owner(p.region.GetId()).dropPeer(p)
	s.stopStreams(p)
	s.putRegionState(&ordealpb.RegionLocalState{
		State: ordealpb.PeerState_QUARANTINED, Region: p.region, Peer: p.meta, Merge: p.merge, Merged: p.merged,
	})
	s.keepOutcast(&outcast{region: p.region, peer: p.meta})
	s.commit()
	// A peer that was restarted must not come back into service: nothing waits for this, but it is soon durable.
	s.whenDurable = append(s.whenDurable, func() {})
	if f := s.cfg.Listener.Quarantined; f != nil {
		f(s.cfg.StoreID, p.region, p.meta.GetId(), why)
	}
	s.came(p, stateQuarantined)
	if p.group.IsLeader() {
		s.came(p, stateQuarantinedLeader)
	}
	if p.merging() {
		s.came(p, stateQuarantinedMerging)
	}
}

// stopStreams ends all that reads a peer's data over many turns.
func (s *Store) stopStreams(p *peer) {
	owner := s.owner(p.region.GetId())
	for _, m := range p.region.GetPeers() {
		if o := owner.outgoingTo(p, m.GetId()); o != nil {
			owner.endSending(o)
		}
	}
	s.stopHashing(p)
}

// keepOutcast enters a quarantined peer into the store's tables.
func (s *Store) keepOutcast(o *outcast) {
	id := o.region.GetId()
	own := s.owner(id)
	o.members = o.region.GetPeers()
	own.tombs[id] = max(own.tombs[id], o.peer.GetId())
	s.ranges.set(o.region)
	i := sort.Search(len(own.outcasts), func(i int) bool { return own.outcasts[i].region.GetId() >= id })
	own.outcasts = slices.Insert(own.outcasts, i, o)
}

// outcast returns the quarantined peer of a region, or nil.
func (s *Store) outcast(id uint64) *outcast {
	for _, o := range s.outcasts {
		if o.region.GetId() == id {
			return o
		}
	}
	return nil
}

// tickQuarantined has quarantined peers ask their regions for their removal, and PD now and then whether it is done.
func (s *Store) tickQuarantined() {
	for _, o := range s.outcasts {
		r, self := o.region, o.peer
		turn := s.ticks + r.GetId()
		if turn%uint64(s.cfg.ElectionTicks) == 0 {
			for _, m := range o.members {
				if m.GetId() != self.GetId() {
					s.sendNow.add(s.addr(m.GetStoreId(), r.GetId()), &ordealpb.RaftMessage{
						RegionId: r.GetId(), FromPeer: self, ToPeer: m, RegionEpoch: r.GetRegionEpoch(),
						Extra: &ordealpb.ExtraMessage{Body: &ordealpb.ExtraMessage_Quarantined{Quarantined: &ordealpb.Quarantined{}}},
					})
				}
			}
		}
		if turn%uint64(s.cfg.StaleCheckTicks) == 0 {
			s.askPD(pdCall{kind: callStale, region: r.GetId(), peer: self.GetId()},
				&ordealpb.PDRequest{Body: &ordealpb.PDRequest_GetRegionById{GetRegionById: &pdpb.GetRegionByIDRequest{
					RegionId: r.GetId(),
				}}})
		}
	}
}

// onQuarantined handles the wish of a quarantined peer to be removed. The leader proposes it, again and again until it is
// done; one that is removed already is told so.
func (s *Store) onQuarantined(m *ordealpb.RaftMessage) {
	p, from := s.peers[m.GetRegionId()], m.GetFromPeer()
	if p == nil {
		s.tellEnded(m, raft.KindVote)
		return
	}
	if !p.member() {
		return
	}
	if on := region.FindPeerByID(p.region, from.GetId()); on == nil {
		s.tellRemoved(p, m)
		return
	}
	if !contains(p.lost, from.GetId()) {
		p.lost = append(p.lost, from.GetId())
	}
	if !p.group.IsLeader() {
		return
	}
	s.wake(p)
	// A refusal is as good as a wait: it asks again.
	_ = s.proposeConfChange(p, &ordealpb.ChangePeerV2Request{Changes: []*ordealpb.ChangePeerRequest{
		{ChangeType: pdpb.ConfChangeType_RemoveNode, Peer: from},
	}}, nil)
}

// releaseOutcast ends the quarantine of a peer if its region, as of epoch and with these peers, goes on without it. If it does not
// yet, these are the ones to ask.
func (s *Store) releaseOutcast(id, peer uint64, epoch *metapb.RegionEpoch, peers []*metapb.Peer) {
	o := s.outcast(id)
	if o == nil || o.peer.GetId() != peer || epoch.GetConfVer() < o.region.GetRegionEpoch().GetConfVer() {
		return
	}
	if region.FindPeerByID(&metapb.Region{Peers: peers}, peer) != nil {
		o.members = peers
		return
	}
	s.purge(o)
}

// releaseSwallowed ends the quarantine of a peer whose region became part of region by, unless the peer of that one here is
// yet to take over its data, or is quarantined itself: then the two go together.
func (s *Store) releaseSwallowed(o *outcast, by uint64) {
	t := s.owner(by).outcast(by)
	if s.awaited(o.region.GetId(), by) || t != nil && !t.released {
		return
	}
	s.purge(o)
}

// allOutcasts are those of all shards if this one is alone, else its own.
func (s *Store) allOutcasts() []*outcast {
	if !s.alone {
		return s.outcasts
	}
	var all []*outcast
	for _, o := range s.node.shards {
		all = append(all, o.outcasts...)
	}
	return all
}

// buryOutcast takes a quarantined peer and its log out of the store, in the turn's batch, and leaves a tombstone.
func (s *Store) buryOutcast(o *outcast) {
	id := o.region.GetId()
	own := s.owner(id)
	own.outcasts = slices.DeleteFunc(own.outcasts, func(x *outcast) bool { return x == o })
	s.ranges.drop(id)
	lo, hi := engine.RegionRaftRange(id)
	s.batch.DeleteRange(lo, hi)
	s.putRegionState(&ordealpb.RegionLocalState{
		State: ordealpb.PeerState_TOMBSTONE, Region: &metapb.Region{Id: id, RegionEpoch: o.region.GetRegionEpoch()}, Peer: o.peer,
	})
	if f := s.cfg.Listener.PeerDestroyed; f != nil {
		s.whenDurable = append(s.whenDurable, func() {
			if own.peers[id] == nil {
				f(s.cfg.StoreID, id, o.peer.GetId())
			}
		})
	}
}

// takeOverOutcast is what becomes of a target when its region takes over that of a quarantined source: its peer here lacks
// those data, and so is quarantined as well, with all of the range. r is the region that comes out of it.
func (s *Store) takeOverOutcast(t *peer, o *outcast, r *metapb.Region) {
	s.reached(stateMergeOfQuarantined, t.region.GetId(), o.region.GetId())
	s.buryOutcast(o)
	t.region = r
	s.quarantine(t, "it was to take over data that are quarantined")
}
