package raft

import (
	"fmt"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// The library's values that owners handle. They are names for its types, so that only this package imports it.
type (
	// Message goes from peer to peer.
	Message = raftpb.Message
	// Entry is one entry of the log.
	Entry = raftpb.Entry
	// ConfState is a membership.
	ConfState = raftpb.ConfState
)

// HardState is what a peer must not forget: its term, its vote in it, and how far it knows the log to be committed.
type HardState struct {
	Term, Vote, Commit uint64
}

// Change is one change of membership.
type Change uint8

// The kinds of changes.
const (
	// AddVoter adds a peer, or promotes a learner.
	AddVoter Change = iota + 1
	// AddLearner adds a peer that gets the log but does not count.
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

// ConfChange is a membership change with the owner's command for it.
type ConfChange struct {
	Change  Change
	Peer    uint64
	Context []byte
}

func (c ConfChange) encode() *raftpb.ConfChangeV2 {
	t := raftpb.ConfChangeAddNode
	switch c.Change {
	case AddLearner:
		t = raftpb.ConfChangeAddLearnerNode
	case Remove:
		t = raftpb.ConfChangeRemoveNode
	}
	return &raftpb.ConfChangeV2{
		Changes: []*raftpb.ConfChangeSingle{{Type: t.Enum(), NodeId: new(c.Peer)}},
		Context: c.Context,
	}
}

// IsConfChange says whether an entry changes the membership rather than the data.
func IsConfChange(e *Entry) bool { return e.GetType() != raftpb.EntryNormal }

// DecodeConfChange returns the change in a committed entry.
func DecodeConfChange(e *Entry) (ConfChange, error) {
	cc := &raftpb.ConfChangeV2{}
	if err := proto.Unmarshal(e.GetData(), cc); err != nil {
		return ConfChange{}, fmt.Errorf("conf change at %d: %w", e.GetIndex(), err)
	}
	if len(cc.GetChanges()) != 1 {
		return ConfChange{}, fmt.Errorf("conf change at %d: has %d changes, want 1", e.GetIndex(), len(cc.GetChanges()))
	}
	c := ConfChange{Peer: cc.GetChanges()[0].GetNodeId(), Context: cc.GetContext()}
	switch cc.GetChanges()[0].GetType() {
	case raftpb.ConfChangeAddNode:
		c.Change = AddVoter
	case raftpb.ConfChangeAddLearnerNode:
		c.Change = AddLearner
	case raftpb.ConfChangeRemoveNode:
		c.Change = Remove
	default:
		return ConfChange{}, fmt.Errorf("conf change at %d: type %v", e.GetIndex(), cc.GetChanges()[0].GetType())
	}
	return c, nil
}

// Kind says what a message means to the owner.
type Kind uint8

// The kinds that an owner treats differently.
const (
	KindOther Kind = iota
	// KindVote asks for a vote, or whether one would be given.
	KindVote
	// KindHeartbeat comes from a leader.
	KindHeartbeat
	// KindSnapshot carries a snapshot.
	KindSnapshot
)

// KindOf classifies a message.
func KindOf(m *Message) Kind {
	switch m.GetType() {
	case raftpb.MsgVote, raftpb.MsgPreVote:
		return KindVote
	case raftpb.MsgHeartbeat:
		return KindHeartbeat
	case raftpb.MsgSnap:
		return KindSnapshot
	}
	return KindOther
}
