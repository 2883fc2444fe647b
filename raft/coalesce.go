package raft

import "go.etcd.io/raft/v3/raftpb"

// add appends m to messages of one Ready, or has one of them say what m says. A leader that learns of a commit and then
// appends sends two messages where one would do, and each costs an answer; a follower that was sent two of them answers
// both, although the second answer covers the first. The network may lose any message, so that fewer of them is nothing
// that the library does not expect.
func add(messages []*raftpb.Message, m *raftpb.Message) []*raftpb.Message {
	for i := len(messages) - 1; i >= 0; i-- {
		before := messages[i]
		if before.GetTo() != m.GetTo() {
			continue
		}
		if before.GetType() == m.GetType() && before.GetTerm() == m.GetTerm() {
			switch {
			case covers(before, m):
				messages[i] = m
				return messages
			case onlyCommits(before, m):
				before.Commit = m.Commit
				return messages
			}
		}
		// What comes between them must not be overtaken.
		break
	}
	return append(messages, m)
}

// covers says that whoever gets m needs no earlier message.
func covers(earlier, m *raftpb.Message) bool {
	switch m.GetType() {
	case raftpb.MsgApp:
		return len(earlier.GetEntries()) == 0 && earlier.GetIndex() == m.GetIndex() && earlier.GetLogTerm() == m.GetLogTerm() &&
			earlier.GetCommit() <= m.GetCommit()
	case raftpb.MsgAppResp:
		return !earlier.GetReject() && !m.GetReject() && earlier.GetIndex() <= m.GetIndex()
	}
	return false
}

// onlyCommits says that m adds nothing to an earlier append but a commit index.
func onlyCommits(earlier, m *raftpb.Message) bool {
	return m.GetType() == raftpb.MsgApp && len(m.GetEntries()) == 0 && earlier.GetCommit() <= m.GetCommit() &&
		m.GetIndex() == earlier.GetIndex()+uint64(len(earlier.GetEntries()))
}
