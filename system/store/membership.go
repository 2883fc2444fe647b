package store

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/raft"
	"ordeal/system/engine"
	"ordeal/system/region"
)

// applyConfChange carries out a committed membership change, or rejects it if the region is not the one it was made
// for; every peer decides alike, by the entry and its region alone.
func (s *Store) applyConfChange(p *peer, e *raft.Entry, pr *proposal) {
	cc, c, fits := s.decodeChange(p, e)
	if e.GetTerm() < p.group.Term() && p.group.IsLeader() {
		s.came(p, stateChangeByDeposed)
	}
	if !p.takesChanges() {
		s.refuseAdmin(p, pr, region.ProposalInMergingMode(p.region.GetId()))
		return
	}
	if !fits {
		s.came(p, stateChangeRefused)
		s.refuseAdmin(p, pr, region.EpochNotMatch(p.region))
		return
	}
	r := changed(p.region, c)
	m := region.FindPeerByID(r, p.meta.GetId())
	if !p.member() {
		m = p.meta // it is leaving; the change is not about it
	}
	if m == nil && p.meta.GetRole() == metapb.PeerRole_Voter && region.Voters(p.region) == 2 {
		s.came(p, stateSecondVoterLeaves)
		s.leave(p, r)
		return
	}
	s.tellChange(p, cc, e, m == nil)
	now := p.group.ApplyConfChange(cc)
	if m == nil {
		s.destroy(p, r, "it was removed from its region")
		return
	}
	if is, want := raft.FormatConf(now), raft.FormatConf(confState(r, m, now.GetAutoLeave())); is != want {
		panic(fmt.Sprintf("store %d %s: its group has %s, want %s", s.cfg.StoreID, region.Format(r), is, want))
	}
	p.meta = m
	// gofail: var bugConfStateLost struct{}
	// defer func(before *metapb.Region) {
	//	s.putRegionState(&ordealpb.RegionLocalState{Region: before, Peer: m})
	// }(p.region)

	s.setRegion(p, r)
	for _, one := range c.GetChanges() {
		id := one.GetPeer().GetId()
		delete(p.heard, id)
		p.lost = slices.DeleteFunc(p.lost, func(l uint64) bool { return l == id && region.FindPeerByID(r, id) == nil })
	}
	s.answerAdmin(p, pr, &ordealpb.AdminResponse{Regions: []*metapb.Region{r}})
	if p.group.IsLeader() {
		s.heartbeatRegion(p)
	}
}

// tellChange tells of a membership change that is about to take effect; gone says that it removes the peer itself.
func (s *Store) tellChange(p *peer, cc raft.ConfChange, e *raft.Entry, gone bool) {
	switch {
	case gone && p.group.IsLeader():
		s.came(p, stateLeaderRemoved)
	case cc.EntersJoint():
		p.jointTerm = e.GetTerm()
		s.came(p, stateJoint)
	case cc.Leaves() && p.jointTerm != 0 && p.jointTerm != e.GetTerm():
		s.came(p, stateJointLeftByOther)
	}
}

// decodeChange reads a membership change and says whether it fits the region. The one by which a joint configuration is
// left by itself comes from the library and names no epoch: it fits whatever joint configuration the region is in, since
// the leader that wrote it had applied that, and no other can be entered before it is left.
func (s *Store) decodeChange(p *peer, e *raft.Entry) (cc raft.ConfChange, c *ordealpb.ChangePeerV2Request, fits bool) {
	cc, err := raft.DecodeConfChange(e)
	if err == nil && cc.Leaves() && len(cc.Context) == 0 {
		return cc, &ordealpb.ChangePeerV2Request{}, region.Joint(p.region)
	}
	cmd := &ordealpb.Command{}
	if err == nil {
		err = proto.Unmarshal(cc.Context, cmd)
	}
	c = cmd.GetAdmin().GetChangePeerV2()
	if err != nil || c == nil {
		panic(fmt.Sprintf("store %d %s: conf change at %d can't be read: %v", s.cfg.StoreID, region.Format(p.region), e.GetIndex(), err))
	}
	// gofail: var bugChangeNoEpoch struct{}
	// return cc, c, true

	return cc, c, region.CheckEpoch(cmd.GetEpoch(), p.region.GetRegionEpoch(), true, false)
}

// leave is what the second of two voters does when it is removed. It knows that its removal is committed, but the one who
// stays may not know, or forget it in a crash, and then needs this one's vote: it must not be gone. So it stays in the
// group as it was, while its region is already without it. That is safe: whatever it takes part in needs the other one
// as well. It hands leadership over if it leads, serves nobody, and is destroyed once the other one, or PD, says so; what
// these two say, they do not forget.
//
// In a larger region those who stay are a majority of those before, and need nobody who left.
func (s *Store) leave(p *peer, r *metapb.Region) {
	s.setRegion(p, r)
	s.handOver(p)
}

// handOver lets a leader that is leaving try to transfer leadership to a voter that stays.
func (s *Store) handOver(p *peer) {
	for _, m := range p.region.GetPeers() {
		if region.Votes(m) {
			_ = s.transferLeader(p, m) // a refusal is as good as a wait: the next tick tries again
		}
	}
}

// destroy removes a peer and its data from this store and leaves a tombstone. r is the region as of which it is known
// to be gone.
func (s *Store) destroy(p *peer, r *metapb.Region, why string) {
	s.failAll(p, why)
	if p.initialised() {
		lo, hi := engine.DataRange(p.region.GetStartKey(), p.region.GetEndKey())
		s.batch.DeleteRange(lo, hi)
	}
	s.bury(p, r.GetRegionEpoch(), nil)
	// What is deleted by range is not in the overlay: later reads of this turn must see it gone.
	s.commit()
	// gofail: var crashAfterDestroy struct{}
	// s.at("crashAfterDestroy", p.region.GetId())
}

// createByMessage makes an uninitialised peer for a message that says this store has one, or returns nil.
func (s *Store) createByMessage(m *ordealpb.RaftMessage, kind raft.Kind) *peer {
	id, to := m.GetRegionId(), m.GetToPeer()
	if kind != raft.KindVote && kind != raft.KindHeartbeat {
		return nil
	}
	if to.GetId() <= s.tombs[id] {
		return nil
	}
	// A newer peer of its region proves that a quarantined one is not needed any more.
	if o := s.outcast(id); o != nil && !s.purge(o) {
		return nil
	}
	taken := s.ranges.overlapping(id, m.GetStartKey(), m.GetEndKey()) != nil
	// gofail: var bugChildByMessage struct{}
	// taken = false

	if taken {
		// Most likely the sender has applied a split that this store has not. Its vote request must not be lost with
		// it, or the new region waits for another election timeout.
		if kind == raft.KindVote {
			s.keepVote(m)
		}
		return nil
	}
	s.takeVote(id)
	p, err := s.openPeer(&metapb.Region{Id: id}, to)
	if err != nil {
		panic(fmt.Sprintf("store %d: create peer %d of region %d: %v", s.cfg.StoreID, to.GetId(), id, err))
	}
	p.creator = &metapb.Region{Id: id, RegionEpoch: m.GetRegionEpoch(), StartKey: m.GetStartKey(), EndKey: m.GetEndKey()}
	s.came(p, statePeerByMessage)
	s.addPeer(p)
	if f := s.cfg.Listener.PeerCreated; f != nil {
		f(s.cfg.StoreID, id, to.GetId())
	}
	return p
}

// keepVote keeps the last vote request for a region that a split is about to create. When there are too many, the oldest
// gives way: its region must have come here some other way, or not at all.
func (s *Store) keepVote(m *ordealpb.RaftMessage) {
	s.reached(stateVoteKept, m.GetRegionId(), 0)
	s.takeVote(m.GetRegionId())
	if len(s.votes) >= MaxPendingVotes {
		s.votes = s.votes[1:]
	}
	s.votes = append(s.votes, m)
}

// takeVote returns what is kept for a region, or nil, and forgets it.
func (s *Store) takeVote(region uint64) *ordealpb.RaftMessage {
	for i, m := range s.votes {
		if m.GetRegionId() == region {
			s.votes = append(s.votes[:i:i], s.votes[i+1:]...)
			return m
		}
	}
	return nil
}
