package store

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/raft"
	"ordeal/system/engine"
	"ordeal/system/region"
)

// The membership of a region's group is read off the roles of its peers, as in TiKV:
//
//	role            votes in the old  in the new configuration
//	Voter                 yes             yes
//	Learner               no              no
//	IncomingVoter         no              yes
//	DemotingVoter         yes             no, it becomes a learner
//
// The last two exist only in a joint configuration. A voter is never removed by a joint change, only demoted: it stays
// until the change is over and its removal, as a learner, has been committed by those who know that. conf_ver rises by the
// number of changes when they take effect, and by the number of peers whose role becomes final when a joint
// configuration is left.

// confState is the membership that a region describes for its peer self. One that is leaving goes on as it was.
func confState(r *metapb.Region, self *metapb.Peer, autoLeave bool) *raft.ConfState {
	cs := &raft.ConfState{}
	joint := region.Joint(r)
	for _, m := range r.GetPeers() {
		role, id := m.GetRole(), m.GetId()
		if region.Votes(m) {
			cs.Voters = append(cs.Voters, id)
		}
		if joint && (role == metapb.PeerRole_Voter || role == metapb.PeerRole_DemotingVoter) {
			cs.VotersOutgoing = append(cs.VotersOutgoing, id)
		}
		switch role {
		case metapb.PeerRole_Learner:
			cs.Learners = append(cs.Learners, id)
		case metapb.PeerRole_DemotingVoter:
			cs.LearnersNext = append(cs.LearnersNext, id)
		}
	}
	if len(r.GetPeers()) > 0 && region.FindPeerByID(r, self.GetId()) == nil {
		cs.Voters = append(cs.Voters, self.GetId())
	}
	if joint && autoLeave {
		cs.AutoLeave = new(true)
	}
	return cs
}

// autoLeave reads from the disk whether a region's joint configuration is left by itself.
func (s *Store) autoLeave(id uint64) (bool, error) {
	v, ok := s.eng.Get(engine.RegionStateKey(id))
	if !ok {
		return false, nil
	}
	st := &ordealpb.RegionLocalState{}
	if err := proto.Unmarshal(v, st); err != nil {
		return false, fmt.Errorf("store %d region %d: region state on disk: %w", s.cfg.StoreID, id, err)
	}
	return st.GetAutoLeave(), nil
}

// raftChange is what a request means to the group.
func raftChange(c *ordealpb.ChangePeerV2Request) raft.ConfChange {
	cc := raft.ConfChange{ExplicitLeave: c.GetExplicitLeave()}
	for _, one := range c.GetChanges() {
		cc.Changes = append(cc.Changes, raft.PeerChange{Change: changeOf(one.GetChangeType()), Peer: one.GetPeer().GetId()})
	}
	return cc
}

// changeOf converts by name: the protocol and the library number the kinds differently.
func changeOf(t pdpb.ConfChangeType) raft.Change {
	switch t {
	case pdpb.ConfChangeType_RemoveNode:
		return raft.Remove
	case pdpb.ConfChangeType_AddLearnerNode:
		return raft.AddLearner
	}
	return raft.AddVoter
}

// changed returns what r becomes by a change. It must be one that refuseChanges has let pass at r's epoch.
func changed(r *metapb.Region, c *ordealpb.ChangePeerV2Request) *metapb.Region {
	if len(c.GetChanges()) == 0 {
		return jointLeft(r)
	}
	r = region.Clone(r)
	joint := raftChange(c).EntersJoint()
	for _, one := range c.GetChanges() {
		applyPeerChange(r, one, joint)
	}
	r.RegionEpoch.ConfVer += uint64(len(c.GetChanges()))
	return r
}

// applyPeerChange carries out one change of r, which it modifies.
func applyPeerChange(r *metapb.Region, c *ordealpb.ChangePeerRequest, joint bool) {
	if c.GetChangeType() == pdpb.ConfChangeType_RemoveNode {
		region.RemovePeer(r, c.GetPeer().GetStoreId())
		return
	}
	m := region.FindPeer(r, c.GetPeer().GetStoreId())
	added := m == nil
	if added {
		m = &metapb.Peer{Id: c.GetPeer().GetId(), StoreId: c.GetPeer().GetStoreId()}
		r.Peers = append(r.Peers, m)
	}
	switch {
	case c.GetChangeType() == pdpb.ConfChangeType_AddNode && joint:
		m.Role = metapb.PeerRole_IncomingVoter
	case c.GetChangeType() == pdpb.ConfChangeType_AddNode:
		m.Role = metapb.PeerRole_Voter
	case joint && !added:
		m.Role = metapb.PeerRole_DemotingVoter
	default:
		m.Role = metapb.PeerRole_Learner
	}
}

// jointLeft returns what r becomes when its joint configuration is left.
func jointLeft(r *metapb.Region) *metapb.Region {
	r = region.Clone(r)
	for _, m := range r.GetPeers() {
		switch m.GetRole() {
		case metapb.PeerRole_IncomingVoter:
			m.Role = metapb.PeerRole_Voter
		case metapb.PeerRole_DemotingVoter:
			m.Role = metapb.PeerRole_Learner
		default:
			continue
		}
		r.RegionEpoch.ConfVer++
	}
	return r
}
