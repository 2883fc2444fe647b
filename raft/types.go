package raft

import "go.etcd.io/raft/v3/raftpb"

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
	// KindAppend carries entries, and says how far the log is committed. KindNews only says that.
	KindAppend
	KindNews
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
	case raftpb.MsgApp:
		if len(m.GetEntries()) == 0 {
			return KindNews
		}
		return KindAppend
	}
	return KindOther
}
