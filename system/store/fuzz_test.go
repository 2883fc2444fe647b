package store

import (
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"ordeal/proto/kvrpcpb"
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/world"
)

// fuzzCluster is a region on three stores with a few pairs, led by s1.
func fuzzCluster(t *testing.T) *script {
	s := &script{t: t}
	for _, line := range []string{"cluster stores=4", "put s1 a 1", "put s1 m 2"} {
		cmd, args, err := datadriven.ParseLine(line)
		require.NoError(t, err)
		s.run(t, &datadriven.TestData{Cmd: cmd, CmdArgs: args})
	}
	return s
}

// fuzzRequests are requests of all kinds that the leader of fuzzCluster takes.
func fuzzRequests() []*ordealpb.Request {
	ctx := &kvrpcpb.Context{
		RegionId: 1, RegionEpoch: &metapb.RegionEpoch{ConfVer: 3, Version: 1}, Peer: &metapb.Peer{Id: 2, StoreId: 1},
	}
	admin := func(a *ordealpb.AdminRequest) *ordealpb.Request {
		a.Context = ctx
		return &ordealpb.Request{Body: &ordealpb.Request_Admin{Admin: a}}
	}
	k, v := []byte("k"), []byte("v")
	return []*ordealpb.Request{
		{Body: &ordealpb.Request_Get{Get: &kvrpcpb.RawGetRequest{Context: ctx, Key: k}}},
		{Body: &ordealpb.Request_Put{Put: &kvrpcpb.RawPutRequest{Context: ctx, Key: k, Value: v}}},
		{Body: &ordealpb.Request_Cas{Cas: &kvrpcpb.RawCASRequest{Context: ctx, Key: k, Value: v, PreviousNotExist: true}}},
		admin(&ordealpb.AdminRequest{Body: &ordealpb.AdminRequest_Split{Split: &ordealpb.SplitRequest{SplitKeys: [][]byte{k, []byte("p")}}}}),
		admin(&ordealpb.AdminRequest{Body: &ordealpb.AdminRequest_TransferLeader{
			TransferLeader: &ordealpb.TransferLeaderRequest{Peer: &metapb.Peer{Id: 3, StoreId: 2}},
		}}),
		admin(&ordealpb.AdminRequest{Body: &ordealpb.AdminRequest_ChangePeer{ChangePeer: &ordealpb.ChangePeerRequest{
			ChangeType: pdpb.ConfChangeType_AddNode, Peer: &metapb.Peer{Id: 90, StoreId: 4},
		}}}),
		admin(&ordealpb.AdminRequest{Body: &ordealpb.AdminRequest_ChangePeerV2{ChangePeerV2: &ordealpb.ChangePeerV2Request{
			ExplicitLeave: true, Changes: []*ordealpb.ChangePeerRequest{
				{ChangeType: pdpb.ConfChangeType_RemoveNode, Peer: &metapb.Peer{Id: 4, StoreId: 3}},
				{ChangeType: pdpb.ConfChangeType_AddLearnerNode, Peer: &metapb.Peer{Id: 91, StoreId: 4}},
			},
		}}}),
		admin(&ordealpb.AdminRequest{Body: &ordealpb.AdminRequest_Merge{Merge: &ordealpb.MergeRequest{
			Target: &metapb.Region{Id: 9, StartKey: k, RegionEpoch: ctx.GetRegionEpoch(), Peers: []*metapb.Peer{{Id: 92, StoreId: 1}}},
		}}}),
		admin(&ordealpb.AdminRequest{Body: &ordealpb.AdminRequest_ConsistencyCheck{ConsistencyCheck: &ordealpb.ConsistencyCheckRequest{}}}),
	}
}

// FuzzRequest: whatever a client sends to the leader of a region, no store panics, nothing is answered twice, and the invariants hold
// while the cluster works off what came of it.
func FuzzRequest(f *testing.F) {
	for _, r := range fuzzRequests() {
		b, err := proto.Marshal(r)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		s := fuzzCluster(t)
		m := s.machine(1)
		s.calls = append(s.calls, call{s.nextCall, m.id, "fuzzed"})
		m.inbox = append(m.inbox, arrival{0, world.Event{
			Kind: world.EventRequest, From: world.Addr{Node: 1001}, Call: s.nextCall, Payload: payload,
		}})
		s.nextCall++
		s.settle()
		s.tickAll(3)
		s.settle()
		s.checkInvariants()
	})
}

// FuzzPacket: what another store sends is trusted if it can be read, but what can't must be dropped, in every part of a packet.
func FuzzPacket(f *testing.F) {
	peer := func(id, store uint64) *metapb.Peer { return &metapb.Peer{Id: id, StoreId: store} }
	for _, p := range []*ordealpb.StorePacket{
		{Raft: []*ordealpb.RaftMessage{{RegionId: 1, FromPeer: peer(3, 2), ToPeer: peer(2, 1), RegionEpoch: &metapb.RegionEpoch{ConfVer: 3, Version: 1}}}},
		{SnapshotAcks: []*ordealpb.SnapshotAck{{Id: 3}}},
		{SnapshotChunks: []*ordealpb.SnapshotChunk{{Id: 3, Header: []byte("header")}}},
	} {
		b, err := proto.Marshal(p)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if proto.Unmarshal(payload, &ordealpb.StorePacket{}) == nil {
			t.Skip("stores believe each other")
		}
		s := fuzzCluster(t)
		m := s.machine(1)
		m.inbox = append(m.inbox, arrival{0, world.Event{Kind: world.EventMessage, From: world.Addr{Node: 2}, Payload: payload}})
		s.settle()
		s.checkInvariants()
	})
}
