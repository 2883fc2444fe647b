package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/proto/ordealpb"
	"ordeal/proto/wire"
	"ordeal/world"
)

// A packet belongs to the world once it was taken: what later turns gather in the same memory must not be seen in it.
func TestOutboxMemory(t *testing.T) {
	t.Parallel()
	a, b := world.Addr{Node: 1}, world.Addr{Node: 2}
	var box outbox
	gather := func(region uint64, to ...world.Addr) []world.Send {
		for _, addr := range to {
			box.add(addr, &ordealpb.RaftMessage{RegionId: region, Message: []byte("message")})
		}
		return box.take(nil)
	}
	regions := func(sends []world.Send) (of []uint64) {
		for _, s := range sends {
			p, err := wire.UnmarshalPacket(s.Payload)
			require.NoError(t, err)
			for _, m := range p.GetRaft() {
				of = append(of, m.GetRegionId())
			}
		}
		return of
	}
	first := gather(1, b, a, b)
	require.Equal(t, []world.Addr{b, a}, []world.Addr{first[0].To, first[1].To}, "packets are in order of first use")
	second := gather(2, a)
	require.Len(t, second, 1, "a store for which nothing was gathered gets no packet")
	require.Equal(t, []uint64{2}, regions(second))
	require.Equal(t, []uint64{1, 1, 1}, regions(first))
	require.Empty(t, box.take(nil))
}

// What is no Raft message goes behind them, in the same packet.
func TestOutboxRest(t *testing.T) {
	t.Parallel()
	to := world.Addr{Node: 1}
	var box outbox
	box.packet(to).SnapshotAcks = []*ordealpb.SnapshotAck{{Id: 3}}
	box.add(to, &ordealpb.RaftMessage{RegionId: 7})
	sends := box.take(nil)
	require.Len(t, sends, 1)
	p, err := wire.UnmarshalPacket(sends[0].Payload)
	require.NoError(t, err)
	require.Equal(t, uint64(7), p.GetRaft()[0].GetRegionId())
	require.Equal(t, uint64(3), p.GetSnapshotAcks()[0].GetId())
}
