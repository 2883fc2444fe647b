package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"ordeal/proto/errorpb"
	"ordeal/proto/kvrpcpb"
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
)

var (
	someUint  = rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64())
	someBytes = rapid.SliceOfN(rapid.Byte(), 0, 200)
	someEpoch = rapid.Custom(func(t *rapid.T) *metapb.RegionEpoch {
		return maybe(t, &metapb.RegionEpoch{ConfVer: someUint.Draw(t, "conf"), Version: someUint.Draw(t, "version")})
	})
	somePeer = rapid.Custom(func(t *rapid.T) *metapb.Peer {
		return maybe(t, &metapb.Peer{
			Id: someUint.Draw(t, "id"), StoreId: someUint.Draw(t, "store"), Role: metapb.PeerRole(rapid.IntRange(0, 3).Draw(t, "role")),
		})
	})
	someContext = rapid.Custom(func(t *rapid.T) *kvrpcpb.Context {
		c := &kvrpcpb.Context{
			RegionId: someUint.Draw(t, "region"), RegionEpoch: someEpoch.Draw(t, "epoch"), Peer: somePeer.Draw(t, "peer"),
			Term: someUint.Draw(t, "term"), ReplicaRead: rapid.Bool().Draw(t, "replica"),
		}
		if rare(t) {
			c.RequestSource, c.ClusterId = "someone", 7
		}
		return maybe(t, c)
	})
	someRequest = rapid.Custom(func(t *rapid.T) *ordealpb.Request {
		key, value, ctx := someBytes.Draw(t, "key"), someBytes.Draw(t, "value"), someContext.Draw(t, "ctx")
		cf := ""
		if rare(t) {
			cf = "default"
		}
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return &ordealpb.Request{Body: &ordealpb.Request_Get{Get: &kvrpcpb.RawGetRequest{Context: ctx, Key: key, Cf: cf}}}
		case 1:
			return &ordealpb.Request{Body: &ordealpb.Request_Put{Put: &kvrpcpb.RawPutRequest{
				Context: ctx, Key: key, Value: value, Cf: cf, ForCas: rare(t),
			}}}
		case 2:
			return &ordealpb.Request{Body: &ordealpb.Request_Cas{Cas: &kvrpcpb.RawCASRequest{Context: ctx, Key: key}}}
		}
		return &ordealpb.Request{}
	})
	someResponse = rapid.Custom(func(t *rapid.T) *ordealpb.Response {
		m := &ordealpb.Response{Witness: maybe(t, &ordealpb.Witness{
			RegionId: someUint.Draw(t, "region"), RegionEpoch: someEpoch.Draw(t, "epoch"), Term: someUint.Draw(t, "term"),
			ApplyIndex: someUint.Draw(t, "index"), StoreId: someUint.Draw(t, "store"),
		})}
		var refused *errorpb.Error
		if rare(t) {
			refused = &errorpb.Error{Message: "no", NotLeader: &errorpb.NotLeader{RegionId: 3}}
		}
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			m.Body = &ordealpb.Response_Get{Get: &kvrpcpb.RawGetResponse{
				Value: someBytes.Draw(t, "value"), NotFound: rapid.Bool().Draw(t, "absent"), RegionError: refused,
			}}
		case 1:
			m.Body = &ordealpb.Response_Put{Put: &kvrpcpb.RawPutResponse{RegionError: refused}}
		case 2:
			m.Body = &ordealpb.Response_Delete{Delete: &kvrpcpb.RawDeleteResponse{Error: "no"}}
		}
		return m
	})
	someCommand = rapid.Custom(func(t *rapid.T) *ordealpb.Command {
		c := &ordealpb.Command{Epoch: someEpoch.Draw(t, "epoch")}
		for range rapid.IntRange(0, 5).Draw(t, "ops") {
			op := &ordealpb.Op{
				Kind: ordealpb.Op_Kind(rapid.IntRange(0, 5).Draw(t, "kind")), Key: someBytes.Draw(t, "key"),
				Value: someBytes.Draw(t, "value"), ExpectAbsent: rapid.Bool().Draw(t, "absent"), Expect: someBytes.Draw(t, "expect"),
			}
			if rare(t) {
				op.Pairs = []*ordealpb.KeyValue{{Key: op.GetKey(), Value: op.GetValue()}}
			}
			c.Ops = append(c.Ops, op)
		}
		if rare(t) {
			c.Admin = &ordealpb.AdminCommand{Body: &ordealpb.AdminCommand_CompactLog{
				CompactLog: &ordealpb.CompactLogCommand{CompactIndex: 9},
			}}
		}
		return c
	})
	someRaft = rapid.Custom(func(t *rapid.T) *ordealpb.RaftMessage {
		m := &ordealpb.RaftMessage{
			RegionId: someUint.Draw(t, "region"), FromPeer: somePeer.Draw(t, "from"), ToPeer: somePeer.Draw(t, "to"),
			RegionEpoch: someEpoch.Draw(t, "epoch"), StartKey: someBytes.Draw(t, "start"), EndKey: someBytes.Draw(t, "end"),
			IsTombstone: rapid.Bool().Draw(t, "tombstone"), Message: someBytes.Draw(t, "message"),
		}
		if rare(t) {
			m.Extra = &ordealpb.ExtraMessage{Body: &ordealpb.ExtraMessage_Wake{Wake: &ordealpb.Wake{}}}
		}
		return m
	})
)

func rare(t *rapid.T) bool { return rapid.IntRange(0, 9).Draw(t, "rare") == 0 }

// maybe drops a message now and then.
func maybe[M any](t *rapid.T, m *M) *M {
	if rare(t) {
		return nil
	}
	return m
}

// agree checks a pair of functions against protobuf: what is written, what is read of that, and what is read of bytes that
// were damaged on the way.
func agree[M proto.Message](t *testing.T, some *rapid.Generator[M], write func(M) []byte, read func([]byte) (M, error)) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := some.Draw(t, "message")
		want, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		require.NoError(t, err)
		require.Equal(t, want, append([]byte{}, write(m)...))
		got, err := read(want)
		require.NoError(t, err)
		require.True(t, proto.Equal(m, got), "wrote %v, read %v", m, got)
		if len(want) == 0 {
			return
		}
		damaged := append([]byte{}, want...)
		for range rapid.IntRange(1, 3).Draw(t, "damages") {
			damaged[rapid.IntRange(0, len(damaged)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		damaged = damaged[:rapid.IntRange(1, len(damaged)).Draw(t, "cut")]
		pure := m.ProtoReflect().New().Interface()
		wrong := proto.Unmarshal(damaged, pure)
		got, err = read(damaged)
		require.Equal(t, wrong == nil, err == nil, "protobuf says %v, wire says %v", wrong, err)
		if wrong == nil {
			require.True(t, proto.Equal(pure, got), "of damaged bytes protobuf reads %v, wire %v", pure, got)
		}
	})
}

func TestRequests(t *testing.T) { agree(t, someRequest, MarshalRequest, UnmarshalRequest) }

func TestResponses(t *testing.T) { agree(t, someResponse, MarshalResponse, UnmarshalResponse) }

// One reader reads all of them, so nothing of one may be left in the next.
func TestCommands(t *testing.T) {
	var r CommandReader
	agree(t, someCommand, MarshalCommand, r.Unmarshal)
}

func TestPackets(t *testing.T) {
	some := rapid.Custom(func(t *rapid.T) *ordealpb.StorePacket {
		p := &ordealpb.StorePacket{Raft: rapid.SliceOfN(someRaft, 0, 4).Draw(t, "raft")}
		if rare(t) {
			p.SnapshotAcks = []*ordealpb.SnapshotAck{{Id: 3}}
		}
		return p
	})
	write := func(p *ordealpb.StorePacket) []byte {
		var b []byte
		for _, m := range p.GetRaft() {
			b = AppendRaft(b, m)
		}
		return marshal(b, &ordealpb.StorePacket{SnapshotAcks: p.GetSnapshotAcks()})
	}
	agree(t, some, write, UnmarshalPacket)
}

// The point of it all: one allocation for a message.
func TestAllocations(t *testing.T) {
	ctx := &kvrpcpb.Context{RegionId: 3, RegionEpoch: &metapb.RegionEpoch{ConfVer: 1, Version: 2}, Peer: &metapb.Peer{Id: 4, StoreId: 5}}
	put := &ordealpb.Request{Body: &ordealpb.Request_Put{Put: &kvrpcpb.RawPutRequest{Context: ctx, Key: []byte("k"), Value: []byte("v")}}}
	ops := []*ordealpb.Op{{Key: []byte("k"), Value: []byte("v")}, {Key: []byte("l"), Value: []byte("w")}}
	cmd := &ordealpb.Command{Epoch: ctx.GetRegionEpoch(), Ops: ops}
	done := &ordealpb.Response{Body: &ordealpb.Response_Put{Put: &kvrpcpb.RawPutResponse{}}, Witness: &ordealpb.Witness{RegionId: 7}}
	var cmds CommandReader
	putBytes, cmdBytes, doneBytes := MarshalRequest(put), MarshalCommand(cmd), MarshalResponse(done)
	for name, c := range map[string]struct {
		most float64
		f    func()
	}{
		"write a put":      {1, func() { MarshalRequest(put) }},
		"read a put":       {1, func() { _, _ = UnmarshalRequest(putBytes) }},
		"write a command":  {1, func() { MarshalCommand(cmd) }},
		"read a command":   {1, func() { _, _ = cmds.Unmarshal(cmdBytes) }},
		"write a response": {1, func() { MarshalResponse(done) }},
		"read a response":  {1, func() { _, _ = UnmarshalResponse(doneBytes) }},
	} {
		require.LessOrEqual(t, testing.AllocsPerRun(100, c.f), c.most, name)
	}
}
