package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"ordeal/proto/errorpb"
	"ordeal/proto/kvrpcpb"
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
)

// FuzzWire: whatever bytes come in, each reader of this package says what protobuf says of them, and what its writer makes of what
// was read is what protobuf makes of it. agree does the same for messages that are drawn, and damaged a little.
func FuzzWire(f *testing.F) {
	ctx := &kvrpcpb.Context{
		RegionId: 3, RegionEpoch: &metapb.RegionEpoch{ConfVer: 1, Version: 2}, Peer: &metapb.Peer{Id: 4, StoreId: 5, Role: metapb.PeerRole_Learner},
		Term: 6, ReplicaRead: true,
	}
	witness := &ordealpb.Witness{RegionId: 3, RegionEpoch: ctx.GetRegionEpoch(), Term: 4, ApplyIndex: 300, StoreId: 1}
	for _, m := range []proto.Message{
		&ordealpb.Request{Body: &ordealpb.Request_Get{Get: &kvrpcpb.RawGetRequest{Context: ctx, Key: []byte("k")}}},
		&ordealpb.Request{Body: &ordealpb.Request_Put{Put: &kvrpcpb.RawPutRequest{Context: ctx, Key: []byte("k"), Value: []byte("v"), Cf: "lock"}}},
		&ordealpb.Response{Body: &ordealpb.Response_Get{Get: &kvrpcpb.RawGetResponse{Value: []byte("v")}}, Witness: witness},
		&ordealpb.Response{Body: &ordealpb.Response_Get{Get: &kvrpcpb.RawGetResponse{NotFound: true, RegionError: &errorpb.Error{Message: "no"}}}},
		&ordealpb.Response{Body: &ordealpb.Response_Put{Put: &kvrpcpb.RawPutResponse{}}, Witness: witness},
		&ordealpb.Command{Epoch: ctx.GetRegionEpoch(), Ops: []*ordealpb.Op{{Key: []byte("k"), Value: []byte("v"), ExpectAbsent: true}, {Expect: []byte("w")}}},
		&ordealpb.Command{Admin: &ordealpb.AdminCommand{Body: &ordealpb.AdminCommand_CompactLog{CompactLog: &ordealpb.CompactLogCommand{CompactIndex: 9}}}},
		&ordealpb.StorePacket{Raft: []*ordealpb.RaftMessage{
			{RegionId: 3, FromPeer: ctx.GetPeer(), ToPeer: ctx.GetPeer(), RegionEpoch: ctx.GetRegionEpoch(), EndKey: []byte("m"), Message: []byte("raft")},
			{IsTombstone: true},
		}},
		&ordealpb.StorePacket{SnapshotAcks: []*ordealpb.SnapshotAck{{Id: 3}}},
	} {
		b, err := proto.Marshal(m)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		same(t, data, UnmarshalRequest, MarshalRequest)
		same(t, data, UnmarshalResponse, MarshalResponse)
		same(t, data, new(CommandReader).Unmarshal, MarshalCommand)
		same(t, data, UnmarshalPacket, nil)
		fuzzRaft(t, data)
	})
}

// same compares a pair of functions with protobuf on bytes from anywhere.
func same[M proto.Message](t *testing.T, data []byte, read func([]byte) (M, error), write func(M) []byte) {
	got, err := read(data)
	pure := got.ProtoReflect().New().Interface()
	wrong := proto.Unmarshal(data, pure)
	require.Equal(t, wrong == nil, err == nil, "protobuf says %v, wire says %v", wrong, err)
	if wrong != nil {
		return
	}
	require.True(t, proto.Equal(pure, got), "protobuf reads %v, wire %v", pure, got)
	if write == nil || hasUnknown(pure.ProtoReflect()) {
		return // fields of a later version are not passed on
	}
	want, err := proto.MarshalOptions{Deterministic: true}.Marshal(pure)
	require.NoError(t, err)
	require.Equal(t, want, append([]byte{}, write(got)...))
}

// fuzzRaft writes the messages of a packet one by one and reads what that came to.
func fuzzRaft(t *testing.T, data []byte) {
	p, err := UnmarshalPacket(data)
	if err != nil || len(p.GetRaft()) == 0 || hasUnknown(p.ProtoReflect()) {
		return
	}
	var b []byte
	for _, m := range p.GetRaft() {
		b = AppendRaft(b, m)
	}
	again, err := UnmarshalPacket(b)
	require.NoError(t, err)
	require.True(t, proto.Equal(&ordealpb.StorePacket{Raft: p.GetRaft()}, again), "wrote %v, read %v", p, again)
}

// hasUnknown says whether a message, or one in it, has fields that this version does not know.
func hasUnknown(m protoreflect.Message) bool {
	if len(m.GetUnknown()) > 0 {
		return true
	}
	found := false
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.Kind() != protoreflect.MessageKind:
		case fd.IsList():
			for i := range v.List().Len() {
				found = found || hasUnknown(v.List().Get(i).Message())
			}
		default:
			found = found || hasUnknown(v.Message())
		}
		return !found
	})
	return found
}
