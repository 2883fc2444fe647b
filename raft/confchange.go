package raft

import (
	"fmt"
	"slices"

	etcd "go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// Change is one change of membership.
type Change uint8

// The kinds of changes.
const (
	// AddVoter adds a peer, or promotes a learner.
	AddVoter Change = iota + 1
	// AddLearner adds a peer that gets the log but does not count, or demotes a voter to one.
	AddLearner
	// Remove takes a peer out.
	Remove
)

// String names the change.
func (c Change) String() string {
	switch c {
	case AddVoter:
		return "add"
	case AddLearner:
		return "add-learner"
	case Remove:
		return "remove"
	}
	return fmt.Sprintf("Change(%d)", uint8(c))
}

// PeerChange is one change of one peer.
type PeerChange struct {
	Change Change
	Peer   uint64
}

// ConfChange is one step of the membership, with the owner's command for it.
//
// A single change is done in one step (Ongaro's thesis, section 4.1). Several at once, or a single one with
// ExplicitLeave, enter a joint configuration, in which whatever is decided needs a majority of the voters before and one
// of those after (section 4.3). A ConfChange without changes leaves it.
type ConfChange struct {
	Changes []PeerChange
	// ExplicitLeave keeps the group in the joint configuration until a change without changes is proposed. Otherwise
	// whoever leads leaves it as soon as it has been applied: by an entry of its own, which nobody proposed and which
	// therefore has no Context.
	ExplicitLeave bool
	Context       []byte
}

// Leaves says whether the change leaves a joint configuration.
func (c ConfChange) Leaves() bool { return len(c.Changes) == 0 }

// EntersJoint says whether the change enters a joint configuration.
func (c ConfChange) EntersJoint() bool {
	return len(c.Changes) > 1 || (len(c.Changes) == 1 && c.ExplicitLeave)
}

func (c ConfChange) encode() *raftpb.ConfChangeV2 {
	v2 := &raftpb.ConfChangeV2{Context: c.Context}
	if c.EntersJoint() && c.ExplicitLeave {
		v2.Transition = raftpb.ConfChangeTransitionJointExplicit.Enum()
	}
	for _, one := range c.Changes {
		t := raftpb.ConfChangeAddNode
		switch one.Change {
		case AddLearner:
			t = raftpb.ConfChangeAddLearnerNode
		case Remove:
			t = raftpb.ConfChangeRemoveNode
		}
		// gofail: var bugLearnerVotes struct{}
		// if one.Change == AddLearner {
		//	t = raftpb.ConfChangeAddNode
		// }

		v2.Changes = append(v2.Changes, &raftpb.ConfChangeSingle{Type: t.Enum(), NodeId: new(one.Peer)})
	}
	return v2
}

// IsConfChange says whether an entry changes the membership rather than the data.
func IsConfChange(e *Entry) bool { return e.GetType() != raftpb.EntryNormal }

// DecodeConfChange returns the change in a committed entry.
func DecodeConfChange(e *Entry) (ConfChange, error) {
	v2 := &raftpb.ConfChangeV2{}
	if err := proto.Unmarshal(e.GetData(), v2); err != nil {
		return ConfChange{}, fmt.Errorf("conf change at %d: %w", e.GetIndex(), err)
	}
	c := ConfChange{
		ExplicitLeave: v2.GetTransition() == raftpb.ConfChangeTransitionJointExplicit,
		Context:       v2.GetContext(),
	}
	for _, one := range v2.GetChanges() {
		to := PeerChange{Peer: one.GetNodeId()}
		switch one.GetType() {
		case raftpb.ConfChangeAddNode:
			to.Change = AddVoter
		case raftpb.ConfChangeAddLearnerNode:
			to.Change = AddLearner
		case raftpb.ConfChangeRemoveNode:
			to.Change = Remove
		default:
			return ConfChange{}, fmt.Errorf("conf change at %d: type %v", e.GetIndex(), one.GetType())
		}
		c.Changes = append(c.Changes, to)
	}
	return c, nil
}

// ProposeConfChange appends a membership change. At most one is pending, and none while leadership is being transferred:
// until then ErrBusy. A joint configuration can only be left, and only that can be left: ErrRefused otherwise.
func (g *Group) ProposeConfChange(token uint64, cc ConfChange) error {
	if g.rn.BasicStatus().RaftState != etcd.StateLeader {
		return ErrNotLeader
	}
	if !g.ownTermApplied() || g.changePending() {
		return ErrBusy
	}
	if cc.Leaves() != g.Joint() {
		return ErrRefused
	}
	// gofail: var bugJointForever struct{}
	// if cc.Leaves() && g.changeAt.Term != g.term {
	//	return ErrBusy
	// }

	return g.propose(token, &raftpb.Entry{Type: raftpb.EntryConfChangeV2.Enum(), Data: mustMarshal(cc.encode())})
}

// changePending says whether a conf change of this leader's, or one by which it leaves a joint configuration, is not
// applied yet. The library would accept another one, but put an empty entry in its place. Of earlier terms none is
// pending once an entry of the own term is applied.
func (g *Group) changePending() bool {
	// gofail: var bugChangePending struct{}
	// return false

	for _, p := range g.proposed {
		if p.change {
			return true
		}
	}
	return g.changeAt.Term == g.term && g.changeAt.Index > g.applied.Index
}

// ApplyConfChange makes a committed change take effect and returns the new membership. The owner calls it while it
// applies the entry, or not at all if it rejects the change.
func (g *Group) ApplyConfChange(cc ConfChange) *ConfState {
	// gofail: var bugJointNotByOthers struct{}
	// if cc.EntersJoint() && g.role != etcd.StateLeader {
	//	cc.ExplicitLeave = true
	// }

	g.changing = true
	g.log.conf = g.rn.ApplyConfChange(cc.encode())
	g.changing = false
	g.reads.restart()
	g.DropLease()
	g.fixJitter()
	return g.log.conf
}

// ConfState is the membership as of the applied index. It is not copied.
func (g *Group) ConfState() *ConfState { return g.log.conf }

// FormatConf prints a membership with its peers in order.
func FormatConf(c *ConfState) string {
	sorted := func(ids []uint64) []uint64 { return slices.Sorted(slices.Values(ids)) }
	out := fmt.Sprintf("voters %v learners %v", sorted(c.GetVoters()), sorted(c.GetLearners()))
	if len(c.GetVotersOutgoing()) > 0 {
		out += fmt.Sprintf(" outgoing %v learners-next %v auto-leave %v",
			sorted(c.GetVotersOutgoing()), sorted(c.GetLearnersNext()), c.GetAutoLeave())
	}
	return out
}

// Joint says whether the group is in a joint configuration, as of the applied index.
func (g *Group) Joint() bool { return len(g.log.conf.GetVotersOutgoing()) > 0 }

// AutoLeave says whether the group is in a joint configuration that whoever leads leaves by itself. The library does that as
// soon as the leader has applied what led there, or, if it was elected later, the first entry of its own term. It would
// not while leadership is being transferred; but no transfer begins while a change is pending, and no change during one.
func (g *Group) AutoLeave() bool { return g.log.conf.GetAutoLeave() }

// Transferring says whether this leader is handing leadership over.
func (g *Group) Transferring() bool { return g.rn.BasicStatus().LeadTransferee != etcd.None }

// TransferLeader asks the library to hand leadership to peer once that one has caught up; proposals are refused with
// ErrBusy meanwhile. The library gives up after an election timeout, or when another transfer is asked for; a transfer
// to the leader itself takes a pending one back. While a conf change is pending there is no transfer. ErrRefused says
// that peer has no vote, or none after the joint configuration is left, or leads already.
func (g *Group) TransferLeader(peer uint64) error {
	if g.rn.BasicStatus().RaftState != etcd.StateLeader {
		return ErrNotLeader
	}
	if !contains(g.log.conf.GetVoters(), peer) || (peer == g.cfg.Peer && !g.Transferring()) {
		return ErrRefused
	}
	// The pending change may remove the very peer.
	if !g.ownTermApplied() || g.changePending() {
		return ErrBusy
	}
	g.forbidLease()
	g.rn.TransferLeader(peer)
	g.fixJitter()
	return nil
}

func contains(ids []uint64, id uint64) bool {
	for _, x := range ids {
		if x == id {
			return true
		}
	}
	return false
}
