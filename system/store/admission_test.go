package store

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/system/engine"
	"ordeal/system/region"
	"ordeal/world"
)

// newcomer is a store of one shard whose placement driver the test plays.
type newcomer struct {
	t       *testing.T
	disk    *engine.SimDisk
	s       *Store
	refused []string
	lives   uint64
}

func (n *newcomer) boot() {
	e, err := n.disk.Open()
	require.NoError(n.t, err)
	cfg := DefaultConfig()
	cfg.StoreID = 3
	cfg.PD = []world.Addr{{Node: pdNode}}
	cfg.Listener.Refused = func(_ uint64, why string) { n.refused = append(n.refused, why) }
	n.lives++
	n.s, err = New(cfg, world.Env{Nonce: n.lives << 16}, e)
	require.NoError(n.t, err)
}

// step returns what the store tells the driver, at once and behind its barriers.
func (n *newcomer) step(payloads ...proto.Message) (now, durable []*ordealpb.PDRequest) {
	var in []world.Event
	for _, m := range payloads {
		b, err := proto.Marshal(m)
		require.NoError(n.t, err)
		in = append(in, world.Event{Kind: world.EventMessage, Payload: b})
	}
	var out world.Effects
	n.s.Step(0, in, &out)
	read := func(sends []world.Send) (all []*ordealpb.PDRequest) {
		for _, s := range sends {
			if s.To.Node != pdNode {
				continue
			}
			req := &ordealpb.PDRequest{}
			require.NoError(n.t, proto.Unmarshal(s.Payload, req))
			all = append(all, req)
		}
		return all
	}
	for _, b := range out.Barriers {
		durable = append(durable, read(b.Then)...)
	}
	return read(out.Sends), durable
}

func diskOf(m *metapb.Store) string {
	for _, l := range m.GetLabels() {
		if l.GetKey() == region.DiskLabel {
			return l.GetValue()
		}
	}
	return ""
}

// heartbeat is what a leader says to a peer that the store is said to have.
func heartbeat() *ordealpb.StorePacket {
	return &ordealpb.StorePacket{Raft: []*ordealpb.RaftMessage{{
		RegionId: 7, FromPeer: &metapb.Peer{Id: 70, StoreId: 1}, ToPeer: &metapb.Peer{Id: 71, StoreId: 3},
		RegionEpoch: &metapb.RegionEpoch{ConfVer: 1, Version: 1},
		Message:     []byte{1 << 3, 8, 2 << 3, 71, 3 << 3, 70, 4 << 3, 6}, // MsgHeartbeat to 71, from 70, in term 6
	}}}
}

func TestEmptyDiskIsAdmittedOnce(t *testing.T) {
	t.Parallel()
	n := &newcomer{t: t, disk: engine.NewSimDisk()}
	t.Cleanup(func() { require.NoError(t, n.disk.Close()) })
	n.boot()
	now, durable := n.step(heartbeat())
	require.Empty(t, now, "its disk may forget who it is")
	require.Len(t, durable, 1)
	first := diskOf(durable[0].GetPutStore().GetStore())
	require.NotEmpty(t, first)
	require.Empty(t, n.s.Peers(), "it takes no part before it is registered")

	no := &pdpb.Error{Type: pdpb.ErrorType_DUPLICATED_ENTRY, Message: "another disk"}
	answer := &ordealpb.PDResponse{Id: durable[0].GetId(), Body: &ordealpb.PDResponse_PutStore{
		PutStore: &pdpb.PutStoreResponse{Header: &pdpb.ResponseHeader{Error: no}}}}
	n.step(&ordealpb.StorePacket{Pd: answer}, heartbeat())
	require.Equal(t, []string{"another disk"}, n.refused)
	require.Empty(t, n.s.Peers())

	// A life later it asks again, with the same disk, and is let in.
	require.Zero(t, n.disk.Crash(n.disk.Position(), false))
	n.boot()
	now, durable = n.step()
	again := append(now, durable...)
	require.Len(t, again, 1)
	require.Equal(t, first, diskOf(again[0].GetPutStore().GetStore()))
	n.step(&ordealpb.StorePacket{Pd: &ordealpb.PDResponse{Id: again[0].GetId(), Body: &ordealpb.PDResponse_PutStore{
		PutStore: &pdpb.PutStoreResponse{}}}}, heartbeat())
	require.Len(t, n.s.Peers(), 1)

	// From then on it needs nobody's leave.
	require.Zero(t, n.disk.Crash(n.disk.Position(), false))
	n.boot()
	require.True(t, n.s.admitted())
}

// TestRegistrationIsTriedAgain: a store that could not even ask to be registered asks with its next heartbeat.
func TestRegistrationIsTriedAgain(t *testing.T) {
	t.Parallel()
	n := &newcomer{t: t, disk: engine.NewSimDisk()}
	t.Cleanup(func() { require.NoError(t, n.disk.Close()) })
	n.boot()
	s := n.s
	for i := range uint64(MaxPDCalls) {
		s.pd.calls[1<<40+i] = pdCall{kind: callSplit}
	}
	s.out = &world.Effects{}
	s.register()
	require.Empty(t, s.reports)
	clear(s.pd.calls)
	s.heartbeatStore()
	require.Len(t, s.reports, 1)
}
