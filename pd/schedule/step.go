package schedule

import (
	"fmt"

	"ordeal/pd/core"
	"ordeal/proto/metapb"
	"ordeal/proto/pdpb"
	"ordeal/system/region"
)

// Step is one change of one region, such that a command for it can be repeated without harm.
type Step interface {
	fmt.Stringer
	// Done reports whether r looks as it does after the step.
	Done(r *core.RegionInfo) bool
	// Hazard says why the step must not be asked for now; empty if it may.
	Hazard(s *core.Snapshot, r *core.RegionInfo) string
	// confChanges is by how much the step has raised r's conf_ver.
	confChanges(r *core.RegionInfo) uint64
	// ask writes what r's leader should do into cmd; false if there is only to wait for what it does already.
	ask(r *core.RegionInfo, cmd *pdpb.RegionHeartbeatResponse) bool
}

// AddPeer adds a voter on a store where the region has no peer, or makes one of the learner that it has there. A new peer
// is a learner first, since a voter counts for the quorum before it has any data. The step is done when the peer has a
// vote and has caught up.
type AddPeer struct{ Store, PeerID uint64 }

// String prints the step.
func (a AddPeer) String() string { return fmt.Sprintf("add s%d:%d", a.Store, a.PeerID) }

func (a AddPeer) has(r *core.RegionInfo) bool { return region.FindPeerByID(r.Region, a.PeerID) != nil }

func (a AddPeer) votes(r *core.RegionInfo) bool {
	return a.has(r) && region.FindPeerByID(r.Region, a.PeerID).GetRole() == metapb.PeerRole_Voter
}

func (a AddPeer) keepsUp(r *core.RegionInfo) bool {
	return !r.IsPending(a.PeerID) && !r.IsDown(a.PeerID)
}

// Done reports whether the peer is there, votes and does not lag.
func (a AddPeer) Done(r *core.RegionInfo) bool { return a.votes(r) && a.keepsUp(r) }

// Hazard protects against a voter that cannot catch up: from the moment it votes it counts for the quorum.
func (a AddPeer) Hazard(s *core.Snapshot, r *core.RegionInfo) string {
	if why := a.place(s, r); why != "" || a.has(r) {
		return why
	}
	return quorumHazard(s, r, nil, 1)
}

// place says why the peer can't be on its store, or must not stay there.
func (a AddPeer) place(s *core.Snapshot, r *core.RegionInfo) string {
	store := s.Store(a.Store)
	// gofail: var bugPDDownPlace struct{}
	// return ""

	switch {
	case store == nil:
		return fmt.Sprintf("s%d is not known", a.Store)
	case a.has(r):
		if store.State >= core.StoreDown {
			return fmt.Sprintf("s%d is %s", a.Store, store.State)
		}
		return ""
	case store.State != core.StoreUp:
		return fmt.Sprintf("s%d is %s", a.Store, store.State)
	case region.FindPeer(r.Region, a.Store) != nil:
		return fmt.Sprintf("s%d has another peer of the region", a.Store)
	}
	return ""
}

func (a AddPeer) confChanges(r *core.RegionInfo) uint64 { return one(a.has(r)) + one(a.votes(r)) }

func (a AddPeer) ask(r *core.RegionInfo, cmd *pdpb.RegionHeartbeatResponse) bool {
	change := pdpb.ConfChangeType_AddLearnerNode
	if a.has(r) {
		if a.votes(r) || !a.keepsUp(r) {
			return false
		}
		change = pdpb.ConfChangeType_AddNode
	}
	cmd.ChangePeer = &pdpb.ChangePeer{Peer: &metapb.Peer{Id: a.PeerID, StoreId: a.Store}, ChangeType: change}
	return true
}

// RemovePeer removes a certain peer from a store. Another peer that comes to the same store is not meant.
type RemovePeer struct{ Store, PeerID uint64 }

// String prints the step.
func (d RemovePeer) String() string { return fmt.Sprintf("remove s%d:%d", d.Store, d.PeerID) }

// Done reports whether the peer is gone.
func (d RemovePeer) Done(r *core.RegionInfo) bool {
	return region.FindPeerByID(r.Region, d.PeerID) == nil
}

// Hazard protects the leader, and the quorum of those that remain.
func (d RemovePeer) Hazard(s *core.Snapshot, r *core.RegionInfo) string {
	if r.LeaderStore() == d.Store {
		return fmt.Sprintf("s%d:%d leads", d.Store, d.PeerID)
	}
	return quorumHazard(s, r, []uint64{d.PeerID}, 0)
}

func (d RemovePeer) confChanges(r *core.RegionInfo) uint64 { return one(d.Done(r)) }

func (d RemovePeer) ask(_ *core.RegionInfo, cmd *pdpb.RegionHeartbeatResponse) bool {
	cmd.ChangePeer = &pdpb.ChangePeer{
		Peer: &metapb.Peer{Id: d.PeerID, StoreId: d.Store}, ChangeType: pdpb.ConfChangeType_RemoveNode,
	}
	return true
}

// TransferLeader moves leadership away from a store. It is done as soon as that store does not lead: an election may
// have chosen somebody else than To meanwhile, and that is as good.
type TransferLeader struct{ From, To uint64 }

// String prints the step.
func (t TransferLeader) String() string { return fmt.Sprintf("transfer s%d to s%d", t.From, t.To) }

// Done reports whether somebody else leads.
func (t TransferLeader) Done(r *core.RegionInfo) bool {
	return r.LeaderStore() != 0 && r.LeaderStore() != t.From
}

// Hazard protects against a leader that is gone or not up to date.
func (t TransferLeader) Hazard(s *core.Snapshot, r *core.RegionInfo) string {
	to := region.FindPeer(r.Region, t.To)
	if to == nil || !healthy(s, r, to) {
		return fmt.Sprintf("s%d has no healthy peer", t.To)
	}
	return ""
}

func (t TransferLeader) confChanges(*core.RegionInfo) uint64 { return 0 }

func (t TransferLeader) ask(r *core.RegionInfo, cmd *pdpb.RegionHeartbeatResponse) bool {
	cmd.TransferLeader = &pdpb.TransferLeader{Peer: region.FindPeer(r.Region, t.To)}
	return true
}

func one(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
