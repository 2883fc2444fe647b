package raft

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

func optional[T any](t *rapid.T, name string, g *rapid.Generator[T]) *T {
	if rapid.IntRange(0, 3).Draw(t, name+" absent") == 0 {
		return nil
	}
	v := g.Draw(t, name)
	return &v
}

func optionalBytes(t *rapid.T, name string) []byte {
	if p := optional(t, name, rapid.SliceOfN(rapid.Byte(), 0, 200)); p != nil {
		return *p
	}
	return nil
}

var (
	someNumber  = rapid.OneOf(rapid.Uint64Range(0, 300), rapid.Uint64())
	someMessage = rapid.Custom(func(t *rapid.T) *Message {
		m := &Message{
			Type: optional(t, "type", rapid.SampledFrom([]raftpb.MessageType{raftpb.MsgHup, raftpb.MsgApp, raftpb.MsgForgetLeader})),
			To:   optional(t, "to", someNumber), From: optional(t, "from", someNumber), Term: optional(t, "term", someNumber),
			LogTerm: optional(t, "log term", someNumber), Index: optional(t, "index", someNumber),
			Commit: optional(t, "commit", someNumber), Vote: optional(t, "vote", someNumber),
			Reject: optional(t, "reject", rapid.Bool()), RejectHint: optional(t, "hint", someNumber),
			Context: optionalBytes(t, "context"),
		}
		for range rapid.IntRange(0, 4).Draw(t, "entries") {
			m.Entries = append(m.Entries, &Entry{
				Type: optional(t, "entry type", rapid.SampledFrom([]raftpb.EntryType{raftpb.EntryNormal, raftpb.EntryConfChangeV2})),
				Term: optional(t, "entry term", someNumber), Index: optional(t, "entry index", someNumber),
				Data: optionalBytes(t, "data"),
			})
		}
		if rapid.IntRange(0, 9).Draw(t, "rare") == 0 {
			m.Snapshot = &raftpb.Snapshot{Data: []byte("data")}
			m.Responses = []*Message{{To: new(uint64(3))}}
		}
		return m
	})
)

// The codec does what protobuf does, with whole messages and with damaged ones.
func TestCodecAgreesWithProtobuf(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := someMessage.Draw(t, "message")
		want, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		require.NoError(t, err)
		require.Equal(t, append([]byte("head"), want...), AppendMessage([]byte("head"), m))
		got, err := DecodeMessage(want)
		require.NoError(t, err)
		require.True(t, proto.Equal(m, got), "wrote %v, read %v", m, got)
		if len(want) == 0 {
			return
		}
		damaged := slices.Clone(want)
		for range rapid.IntRange(1, 3).Draw(t, "damages") {
			damaged[rapid.IntRange(0, len(damaged)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		pure := &Message{}
		wrong := proto.Unmarshal(damaged, pure)
		got, err = DecodeMessage(damaged)
		require.Equal(t, wrong == nil, err == nil, "protobuf says %v, the codec %v", wrong, err)
		if wrong == nil {
			require.True(t, proto.Equal(pure, got), "of damaged bytes protobuf reads %v, the codec %v", pure, got)
		}
	})
}

func TestCodecKeepsNothingOfWhatItReads(t *testing.T) {
	t.Parallel()
	m := &Message{Context: []byte("context"), Entries: []*Entry{{Data: []byte("data")}}}
	b := AppendMessage(nil, m)
	got, err := DecodeMessage(b)
	require.NoError(t, err)
	clear(b)
	require.True(t, proto.Equal(m, got))
}

func TestEntrySize(t *testing.T) {
	t.Parallel()
	e := &Entry{Term: new(uint64(300)), Index: new(uint64(1 << 40)), Data: make([]byte, 1000)}
	require.Equal(t, proto.Size(e), entrySize(e))
	require.Len(t, appendEntry(nil, e), entrySize(e))
}
