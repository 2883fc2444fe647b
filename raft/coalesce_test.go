package raft

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

func app(to, index, commit uint64, entries int) *Message {
	m := &Message{
		Type: raftpb.MsgApp.Enum(), To: new(to), Term: new(uint64(5)), LogTerm: new(uint64(5)), Index: new(index), Commit: new(commit),
	}
	for i := range entries {
		m.Entries = append(m.Entries, &Entry{Index: new(index + 1 + uint64(i)), Term: new(uint64(5))})
	}
	return m
}

func appResp(to, index uint64, reject bool) *Message {
	m := &Message{Type: raftpb.MsgAppResp.Enum(), To: new(to), Term: new(uint64(5)), Index: new(index)}
	if reject {
		m.Reject = new(true)
	}
	return m
}

func TestMessagesThatSayTheSameAreOne(t *testing.T) {
	t.Parallel()
	later := app(2, 10, 9, 1)
	later.Term = new(uint64(6))
	heartbeat := &Message{Type: raftpb.MsgHeartbeat.Enum(), To: new(uint64(2)), Term: new(uint64(5))}
	for name, c := range map[string]struct{ in, want []*Message }{
		"a commit before entries": {
			[]*Message{app(2, 10, 9, 0), app(2, 10, 9, 2)}, []*Message{app(2, 10, 9, 2)},
		},
		"a commit behind entries": {
			[]*Message{app(2, 10, 8, 2), app(2, 12, 9, 0)}, []*Message{app(2, 10, 9, 2)},
		},
		"entries behind entries stay": {
			[]*Message{app(2, 10, 8, 2), app(2, 12, 9, 1)}, []*Message{app(2, 10, 8, 2), app(2, 12, 9, 1)},
		},
		"a commit behind other entries stays": {
			[]*Message{app(2, 10, 8, 2), app(2, 13, 9, 0)}, []*Message{app(2, 10, 8, 2), app(2, 13, 9, 0)},
		},
		"to different peers": {
			[]*Message{app(2, 10, 9, 0), app(3, 10, 9, 2), app(2, 10, 9, 1)}, []*Message{app(2, 10, 9, 1), app(3, 10, 9, 2)},
		},
		"of different terms": {
			[]*Message{app(2, 10, 9, 0), later}, []*Message{app(2, 10, 9, 0), later},
		},
		"nothing overtakes": {
			[]*Message{app(2, 10, 9, 0), heartbeat, app(2, 10, 9, 2)}, []*Message{app(2, 10, 9, 0), heartbeat, app(2, 10, 9, 2)},
		},
		"answers": {
			[]*Message{appResp(1, 10, false), appResp(1, 12, false)}, []*Message{appResp(1, 12, false)},
		},
		"answers going back stay": {
			[]*Message{appResp(1, 12, false), appResp(1, 10, false)}, []*Message{appResp(1, 12, false), appResp(1, 10, false)},
		},
		"refusals stay": {
			[]*Message{appResp(1, 10, true), appResp(1, 12, false), appResp(1, 13, true)},
			[]*Message{appResp(1, 10, true), appResp(1, 12, false), appResp(1, 13, true)},
		},
	} {
		var got []*Message
		for _, m := range c.in {
			got = add(got, proto.CloneOf(m))
		}
		require.Len(t, got, len(c.want), name)
		for i := range got {
			require.True(t, proto.Equal(c.want[i], got[i]), "%s: message %d: got %v, want %v", name, i, got[i], c.want[i])
		}
	}
}
