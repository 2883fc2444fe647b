package raft

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"ordeal/system/engine"
)

// TestConfChangeKeepsCommitIndex: the commit index is not worth a write of its own, but goes to the disk with every
// membership change; see log.keepHard.
func TestConfChangeKeepsCommitIndex(t *testing.T) {
	t.Parallel()
	eng, err := engine.NewSimDisk().Open()
	require.NoError(t, err)
	start := ID{Index: InitialIndex, Term: InitialTerm}
	g, err := Open(Config{
		Region: 1, Peer: 2, ElectionTicks: 10, HeartbeatTicks: 1, Nonce: 1,
		Conf: &ConfState{Voters: []uint64{1, 2, 3}}, Applied: start, Truncated: start,
	}, eng)
	require.NoError(t, err)

	step := func(e *Entry, commit uint64) (onDisk uint64) {
		e.Term = new(uint64(6))
		logTerm, err := g.log.Term(e.GetIndex() - 1)
		require.NoError(t, err)
		g.Step(&Message{
			Type: raftpb.MsgApp.Enum(), From: new(uint64(1)), To: new(uint64(2)), Term: new(uint64(6)),
			Index: new(e.GetIndex() - 1), LogTerm: new(logTerm), Entries: []*Entry{e}, Commit: new(commit),
		})
		for g.HasReady() {
			b := eng.NewBatch()
			rd := g.Ready(b)
			eng.Commit(b)
			if rd.Persisted != nil {
				g.Persisted(rd.Persisted)
			}
		}
		v, ok := eng.Get(engine.HardStateKey(1))
		require.True(t, ok)
		hs := &raftpb.HardState{}
		require.NoError(t, proto.Unmarshal(v, hs))
		return hs.GetCommit()
	}
	step(&Entry{Index: new(uint64(6))}, 5)
	require.Equal(t, uint64(5), step(&Entry{Index: new(uint64(7)), Data: []byte("data")}, 6))
	change := ConfChange{Changes: []PeerChange{{Change: Remove, Peer: 3}}}
	require.Equal(t, uint64(7), step(&Entry{
		Index: new(uint64(8)), Type: raftpb.EntryConfChangeV2.Enum(), Data: mustMarshal(change.encode()),
	}, 7))
}
