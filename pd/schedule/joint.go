package schedule

import (
	"fmt"
	"slices"
	"strings"

	"ordeal/pd/core"
	"ordeal/proto/metapb"
	"ordeal/proto/pdpb"
	"ordeal/system/region"
)

// PeerOn names a peer and the store it is on.
type PeerOn struct{ Store, PeerID uint64 }

// String prints it as regions print their peers.
func (p PeerOn) String() string { return fmt.Sprintf("s%d:%d", p.Store, p.PeerID) }

func (p PeerOn) peer() *metapb.Peer { return &metapb.Peer{Id: p.PeerID, StoreId: p.Store} }

// AddLearner adds a peer without a vote. The step is done when it has caught up.
type AddLearner PeerOn

// String prints the step.
func (a AddLearner) String() string { return fmt.Sprintf("add learner s%d:%d", a.Store, a.PeerID) }

// Done reports whether the peer is there and does not lag.
func (a AddLearner) Done(r *core.RegionInfo) bool {
	return AddPeer(a).has(r) && AddPeer(a).keepsUp(r)
}

// Hazard protects against a learner that cannot catch up: whoever waits for it would wait in vain.
func (a AddLearner) Hazard(s *core.Snapshot, r *core.RegionInfo) string {
	if why := AddPeer(a).place(s, r); why != "" || AddPeer(a).has(r) {
		return why
	}
	return quorumHazard(s, r, nil, 0)
}

func (a AddLearner) confChanges(r *core.RegionInfo) uint64 { return one(AddPeer(a).has(r)) }

func (a AddLearner) ask(r *core.RegionInfo, cmd *pdpb.RegionHeartbeatResponse) bool {
	if AddPeer(a).has(r) {
		return false
	}
	cmd.ChangePeer = &pdpb.ChangePeer{Peer: PeerOn(a).peer(), ChangeType: pdpb.ConfChangeType_AddLearnerNode}
	return true
}

// Swap gives votes to learners and takes them from voters, all in one joint change, so that the region never has fewer
// voters than before or after. Those that lose their vote become learners: removing them is another step. The region
// leaves its joint configuration by itself.
type Swap struct{ Promote, Demote []PeerOn }

// String prints the step.
func (w Swap) String() string {
	var parts []string
	for _, p := range w.Promote {
		parts = append(parts, "promote "+p.String())
	}
	for _, p := range w.Demote {
		parts = append(parts, "demote "+p.String())
	}
	return strings.Join(parts, " and ")
}

// roleOf returns the role of a peer; ok is false if it is not there.
func roleOf(r *core.RegionInfo, p PeerOn) (role metapb.PeerRole, ok bool) {
	if q := region.FindPeerByID(r.Region, p.PeerID); q != nil {
		return q.GetRole(), true
	}
	return 0, false
}

// Done reports whether all votes are where they should be and the joint configuration has been left.
func (w Swap) Done(r *core.RegionInfo) bool {
	for _, p := range w.Promote {
		if role, ok := roleOf(r, p); !ok || role != metapb.PeerRole_Voter {
			return false
		}
	}
	for _, p := range w.Demote {
		if role, ok := roleOf(r, p); ok && role != metapb.PeerRole_Learner {
			return false
		}
	}
	return !region.Joint(r.Region)
}

// Hazard protects the leader, and the quorum of both configurations.
func (w Swap) Hazard(s *core.Snapshot, r *core.RegionInfo) string {
	if region.Joint(r.Region) {
		return "" // it has begun
	}
	for _, p := range w.Promote {
		role, ok := roleOf(r, p)
		if !ok || (role == metapb.PeerRole_Learner && !AddPeer(p).keepsUp(r)) {
			return fmt.Sprintf("%s has not caught up", p)
		}
		if why := AddPeer(p).place(s, r); why != "" {
			return why
		}
	}
	gone := make([]uint64, len(w.Demote))
	for i, p := range w.Demote {
		if r.LeaderStore() == p.Store {
			return fmt.Sprintf("%s leads", p)
		}
		gone[i] = p.PeerID
	}
	return quorumHazard(s, r, gone, len(w.Promote))
}

// confChanges counts entering and leaving the joint configuration, each with all of its peers.
func (w Swap) confChanges(r *core.RegionInfo) uint64 {
	n := uint64(0)
	for _, p := range w.Promote {
		switch role, ok := roleOf(r, p); {
		case ok && role == metapb.PeerRole_Voter:
			n += 2
		case ok && role == metapb.PeerRole_IncomingVoter:
			n++
		}
	}
	for _, p := range w.Demote {
		switch role, ok := roleOf(r, p); {
		case !ok || role == metapb.PeerRole_Learner:
			n += 2
		case role == metapb.PeerRole_DemotingVoter:
			n++
		}
	}
	return n
}

func (w Swap) ask(r *core.RegionInfo, cmd *pdpb.RegionHeartbeatResponse) bool {
	if region.Joint(r.Region) {
		return false
	}
	cmd.ChangePeerV2 = &pdpb.ChangePeerV2{}
	add := func(peers []PeerOn, t pdpb.ConfChangeType) {
		for _, p := range peers {
			cmd.ChangePeerV2.Changes = append(cmd.ChangePeerV2.Changes, &pdpb.ChangePeer{Peer: p.peer(), ChangeType: t})
		}
	}
	add(w.Promote, pdpb.ConfChangeType_AddNode)
	add(w.Demote, pdpb.ConfChangeType_AddLearnerNode)
	return true
}

// LeaveJoint leaves a joint configuration that somebody has forgotten.
type LeaveJoint struct{}

// String prints the step.
func (LeaveJoint) String() string { return "leave the joint configuration" }

// Done reports whether it has been left.
func (LeaveJoint) Done(r *core.RegionInfo) bool { return !region.Joint(r.Region) }

// Hazard is none: both configurations agree to it, or it does not happen.
func (LeaveJoint) Hazard(*core.Snapshot, *core.RegionInfo) string { return "" }

// confChanges allows for as many as peers change their role, which the region does not tell any more once it has left.
func (LeaveJoint) confChanges(r *core.RegionInfo) uint64 {
	if region.Joint(r.Region) {
		return 0
	}
	return uint64(region.PeersMax)
}

func (LeaveJoint) ask(_ *core.RegionInfo, cmd *pdpb.RegionHeartbeatResponse) bool {
	cmd.ChangePeerV2 = &pdpb.ChangePeerV2{}
	return true
}

// CheckJoint returns a plan to leave a joint configuration that no operator is about to leave.
func CheckJoint(in Input, r *core.RegionInfo) *Operator {
	if in.Running.Has(r.ID()) || !region.Joint(r.Region) || !in.led(r) {
		return nil
	}
	changing := slices.ContainsFunc(r.Region.GetPeers(), func(p *metapb.Peer) bool {
		return p.GetRole() == metapb.PeerRole_DemotingVoter && p.GetId() == r.Leader.GetId()
	})
	if changing {
		return nil // its leader first hands over; the next one leaves
	}
	return newOperator(in, r, KindJointState, "joint configuration", LeaveJoint{})
}
