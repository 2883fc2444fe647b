package store

import (
	"errors"
	"fmt"

	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/raft"
	"ordeal/system/region"
)

// proposeConfChange checks a membership change against the region as it is now and appends it. What can never be done
// to such a region is an error for good; what can't be done at this moment is one that is worth another try.
func (s *Store) proposeConfChange(p *peer, c *ordealpb.ChangePeerV2Request, req *request) error {
	if !p.takesChanges() {
		return regionError{region.ProposalInMergingMode(p.region.GetId())}
	}
	if why := refuseChanges(p.region, c); why != "" {
		return errors.New("change peer: " + why + " in " + region.Format(p.region))
	}
	if why := s.delayChanges(p, c); why != "" {
		return regionError{region.ServerIsBusy(why)}
	}
	// gofail: var errorConfChange struct{}
	// if s.at("errorConfChange", p.region.GetId()) {
	//	return regionError{region.ServerIsBusy("a failpoint refuses changes of members")}
	// }

	cmd := &ordealpb.Command{
		Epoch: p.region.GetRegionEpoch(),
		Admin: &ordealpb.AdminCommand{Body: &ordealpb.AdminCommand_ChangePeerV2{ChangePeerV2: c}},
	}
	cc := raftChange(c)
	cc.Context = mustMarshal(cmd)
	s.nextToken++
	if err := p.group.ProposeConfChange(s.nextToken, cc); err != nil {
		return regionError{s.groupError(p, err)}
	}
	p.unplaced = append(p.unplaced, proposal{token: s.nextToken, admin: req})
	s.wake(p)
	return nil
}

// refuseChanges says why a change can't be made to r, or nothing.
func refuseChanges(r *metapb.Region, c *ordealpb.ChangePeerV2Request) string {
	cc := raftChange(c)
	switch joint := region.Joint(r); {
	case cc.Leaves() && !joint:
		return "there is no joint configuration to leave"
	case cc.Leaves():
		return ""
	case joint:
		return "the joint configuration must be left first"
	case len(cc.Changes) > region.PeersMax:
		return "too many changes at once"
	}
	voting := false
	for i, one := range c.GetChanges() {
		for _, other := range c.GetChanges()[:i] {
			if one.GetPeer().GetStoreId() == other.GetPeer().GetStoreId() || one.GetPeer().GetId() == other.GetPeer().GetId() {
				return "two changes of one peer or on one store"
			}
		}
		if why := refuseChange(r, one, cc.EntersJoint()); why != "" {
			return why
		}
		on := region.FindPeer(r, one.GetPeer().GetStoreId())
		voting = voting || one.GetChangeType() == pdpb.ConfChangeType_AddNode || (on != nil && region.Votes(on))
	}
	after := changed(r, c)
	switch {
	case cc.EntersJoint() && !voting:
		// Nobody's role would show that the configuration is a joint one.
		return "a joint change without a change of voters"
	case region.Voters(after) == 0:
		return "the last voter stays"
	case len(after.GetPeers()) > region.PeersMax:
		return "no more peers are allowed"
	}
	return ""
}

// refuseChange says why one change can't be made to r, or nothing.
func refuseChange(r *metapb.Region, c *ordealpb.ChangePeerRequest, joint bool) string {
	id := c.GetPeer().GetId()
	on := region.FindPeer(r, c.GetPeer().GetStoreId())
	if c.GetChangeType() == pdpb.ConfChangeType_RemoveNode {
		switch {
		case on == nil || on.GetId() != id:
			return "no such peer to remove"
		case joint && region.Votes(on):
			return "a joint change demotes a voter and does not remove it"
		}
		return ""
	}
	wantsVote := c.GetChangeType() == pdpb.ConfChangeType_AddNode
	switch {
	case id == 0 || c.GetPeer().GetStoreId() == 0:
		return "a new peer needs an id and a store"
	case on != nil && on.GetId() != id:
		return "the store has another peer"
	case on != nil && region.Votes(on) == wantsVote:
		return "the peer is there already"
	case on == nil && region.FindPeerByID(r, id) != nil:
		return "the peer is there already, on another store"
	}
	return ""
}

// delayChanges says why a change that makes sense must wait, or nothing. It must, if it takes the vote from the leader,
// who then hands leadership over first; if it gives a vote to a learner that lags; and if those voters of each
// configuration who are known to be there and to have caught up would be no majority of it.
func (s *Store) delayChanges(p *peer, c *ordealpb.ChangePeerV2Request) string {
	after := changed(p.region, c)
	self := region.FindPeerByID(after, p.meta.GetId())
	if (self == nil || !region.Votes(self)) && region.Votes(p.meta) ||
		len(c.GetChanges()) == 0 && p.meta.GetRole() == metapb.PeerRole_DemotingVoter {
		return s.stepAside(p, after)
	}
	followers := map[uint64]raft.Follower{}
	for _, f := range p.group.Followers() {
		followers[f.Peer] = f
	}
	for _, one := range c.GetChanges() {
		m := region.FindPeerByID(p.region, one.GetPeer().GetId())
		if m == nil || one.GetChangeType() != pdpb.ConfChangeType_AddNode {
			continue
		}
		if f := followers[m.GetId()]; !s.keepsUp(p, f) || f.Match+s.cfg.PromoteLagMax < p.group.LastIndex() {
			return fmt.Sprintf("learner %s has not caught up", region.FormatPeer(m))
		}
	}
	if region.Voters(p.region) == 1 && !raftChange(c).EntersJoint() {
		return "" // a single voter's first companion is never there yet
	}
	return s.quorumDanger(p, after, followers)
}

// quorumDanger says why after could not commit anything, or nothing.
func (s *Store) quorumDanger(p *peer, after *metapb.Region, followers map[uint64]raft.Follower) string {
	// gofail: var bugQuorumDanger struct{}
	// return ""

	cs := confState(after, p.meta, false)
	for _, half := range [][]uint64{cs.GetVoters(), cs.GetVotersOutgoing()} {
		well := 0
		for _, id := range half {
			if f, ok := followers[id]; id == p.meta.GetId() || (ok && s.keepsUp(p, f)) {
				well++
			}
		}
		if len(half) > 0 && well <= len(half)/2 {
			return fmt.Sprintf("only %d of %d voters would keep up after the change", well, len(half))
		}
	}
	return ""
}

// keepsUp says whether a follower was heard from in the last election timeout, is not quarantined, and needs no snapshot.
func (s *Store) keepsUp(p *peer, f raft.Follower) bool {
	last, ok := p.heard[f.Peer]
	return ok && !contains(p.lost, f.Peer) && s.ticks-last <= uint64(s.cfg.ElectionTicks) && !f.Snapshotting && f.Match >= p.group.Truncated().Index
}

// stepAside lets a leader that is about to lose its vote hand leadership to the one who lacks least of those that keep
// theirs; who wanted the change finds the new leader and asks again. It says why the change must wait.
func (s *Store) stepAside(p *peer, after *metapb.Region) string {
	var to *metapb.Peer
	best := uint64(0)
	for _, f := range p.group.Followers() {
		m := region.FindPeerByID(p.region, f.Peer)
		then := region.FindPeerByID(after, f.Peer)
		if m != nil && region.Votes(m) && then != nil && region.Votes(then) && s.keepsUp(p, f) && f.Match > best {
			to, best = m, f.Match
		}
	}
	if to == nil {
		return "the leader would lose its vote, and nobody can take over"
	}
	if err := s.transferLeader(p, to); err != nil {
		return "the leader would lose its vote, and can't hand over: " + err.Error()
	}
	return "the leader would lose its vote and hands over to " + region.FormatPeer(to)
}
