package raft

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// FuzzMessage: of whatever bytes another store sends, DecodeMessage says what protobuf says, and AppendMessage writes of it what
// protobuf writes.
func FuzzMessage(f *testing.F) {
	for _, m := range []*Message{
		{Type: raftpb.MsgApp.Enum(), To: proto.Uint64(2), From: proto.Uint64(1), Term: proto.Uint64(300), Commit: proto.Uint64(7), Entries: []*Entry{
			{Term: proto.Uint64(3), Index: proto.Uint64(8), Data: []byte("data")}, {Type: raftpb.EntryConfChangeV2.Enum(), Data: []byte{}},
		}},
		{Type: raftpb.MsgAppResp.Enum(), Reject: proto.Bool(true), RejectHint: proto.Uint64(5), Context: []byte("context")},
		{Type: raftpb.MsgSnap.Enum(), Snapshot: &raftpb.Snapshot{Data: []byte("region")}},
	} {
		b, err := proto.Marshal(m)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := DecodeMessage(data)
		pure := &Message{}
		wrong := proto.Unmarshal(data, pure)
		require.Equal(t, wrong == nil, err == nil, "protobuf says %v, raft %v", wrong, err)
		if wrong != nil {
			return
		}
		require.True(t, proto.Equal(pure, got), "protobuf reads %v, raft %v", pure, got)
		b := AppendMessage(nil, got)
		again := &Message{}
		require.NoError(t, proto.Unmarshal(b, again))
		require.Equal(t, b, AppendMessage(nil, again))
	})
}
