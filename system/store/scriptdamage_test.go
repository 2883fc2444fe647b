package store

import (
	"bytes"
	"errors"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"ordeal/system/engine"
	"ordeal/world"
)

// damage hurts what a store has on its disk: "rot sN from=K to=K" flips a bit in a block with keys of that range, while the
// store is down; "spoil sN K V" changes the value of a key behind the store's back.
func (s *script) damage(d *datadriven.TestData) {
	m := s.machine(s.node(d.CmdArgs[0].Key))
	if d.Cmd == "spoil" {
		m.spoiled = true
		b := m.eng.NewBatch()
		b.Put(engine.DataKey([]byte(d.CmdArgs[1].Key)), []byte(d.CmdArgs[2].Key))
		m.eng.Commit(b)
		return
	}
	var from, to string
	d.ScanArgs(s.t, "from", &from)
	d.MaybeScanArgs(s.t, "to", &to)
	lo, hi := engine.DataRange([]byte(from), []byte(to))
	b, err := m.disk.Rot(0, func(b *engine.Block) bool {
		return bytes.Compare(b.First, hi) < 0 && bytes.Compare(lo, b.Last) <= 0
	})
	s.must(err)
	if b == nil {
		d.Fatalf(s.t, "no table has only keys from %s to %s in a block", from, to)
	}
	m.durable = m.disk.Position()
}

// TestDamagedLog: what a store has promised can't be read. It must not come back and promise something else.
func TestDamagedLog(t *testing.T) {
	t.Parallel()
	disk := engine.NewSimDisk()
	cfg := DefaultConfig()
	cfg.StoreID = 1
	cfg.PD = []world.Addr{{Node: pdNode}}
	eng, err := disk.Open()
	require.NoError(t, err)
	s, err := New(cfg, world.Env{Nonce: 1}, eng)
	require.NoError(t, err)
	// Enough of it that blocks hold nothing else.
	b := eng.NewBatch()
	for i := range uint64(200) {
		b.Put(engine.RaftLogKey(7, i), make([]byte, 100))
	}
	meta := s.firstRegion().GetPeers()[0]
	require.NoError(t, s.writeFirstState(s.firstRegion(), meta, nil, nil))
	s.commit()
	eng.Commit(b)
	require.NoError(t, disk.Close())
	require.NoError(t, disk.RotKey(engine.HardStateKey(FirstRegion)))
	eng, err = disk.Open()
	require.NoError(t, err)
	_, err = New(cfg, world.Env{Nonce: 2}, eng)
	var bad *engine.CorruptError
	require.True(t, errors.As(err, &bad), "%v", err)
	require.NoError(t, disk.Close())
}
