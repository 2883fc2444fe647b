package raft

import (
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"
)

// TestAnswerToAnEarlierLife: what a follower had asked for before it was restarted may be answered late. The index in it is as of
// then, and is none for a read that came since.
func TestAnswerToAnEarlierLife(t *testing.T) {
	t.Parallel()
	s := &script{cut: map[uint64]bool{}}
	do := func(line string) {
		t.Helper()
		cmd, args, err := datadriven.ParseLine(line)
		require.NoError(t, err)
		s.run(t, &datadriven.TestData{Cmd: cmd, CmdArgs: args})
	}
	for _, line := range []string{"group voters=(1,2,3)", "campaign 1", "propose 1 a"} {
		do(line)
	}
	p := s.byID(2)
	ask := func(token uint64) (context []byte) {
		t.Helper()
		require.NoError(t, p.g.Read(token, true))
		require.True(t, p.g.HasReady())
		p.g.Ready(p.eng.NewBatch())
		return p.g.readContext(p.g.reads.seq)
	}
	answer := func(index uint64, context []byte) []ConfirmedRead {
		t.Helper()
		p.g.Step(&Message{
			Type: raftpb.MsgReadIndexResp.Enum(), From: new(uint64(1)), To: new(uint64(2)), Term: new(p.g.Term()),
			Index: new(index), Entries: []*Entry{{Data: context}},
		})
		if !p.g.HasReady() {
			return nil
		}
		rd := p.g.Ready(p.eng.NewBatch())
		return rd.Reads
	}
	early := ask(71)
	for _, line := range []string{"propose 1 b", "crash 2", "propose 1 c", "restart 2", "tick 1"} {
		do(line)
	}
	late := ask(72)
	require.Equal(t, early[16:], late[16:], "both lives count from one")
	require.Empty(t, answer(7, early))
	require.Equal(t, []ConfirmedRead{{Token: 72, Index: 9}}, answer(9, late))
}
