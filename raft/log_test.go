package raft

import (
	"testing"

	"github.com/stretchr/testify/require"
	etcd "go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"ordeal/system/engine"
)

// logModel is a log with everything in memory, and the real one beside it.
type logModel struct {
	t         *rapid.T
	eng       *engine.Engine
	l         *log
	truncated ID
	entries   []*raftpb.Entry
	term      uint64
	applied   uint64
	max       uint64
}

func (m *logModel) last() uint64 { return m.truncated.Index + uint64(len(m.entries)) }

func (m *logModel) commit(do func(b *engine.Batch)) {
	b := m.eng.NewBatch()
	do(b)
	m.eng.Commit(b)
}

// append adds entries, perhaps in place of some that are not applied, and perhaps makes them durable.
func (m *logModel) append(*rapid.T) {
	low := max(m.applied, m.truncated.Index) + 1
	first := rapid.Uint64Range(low, m.last()+1).Draw(m.t, "first")
	if first <= m.last() {
		m.term++
	}
	var es []*raftpb.Entry
	for i := range rapid.IntRange(1, 5).Draw(m.t, "entries") {
		size := rapid.IntRange(0, 60).Draw(m.t, "size")
		es = append(es, &raftpb.Entry{Index: new(first + uint64(i)), Term: new(m.term), Data: make([]byte, size)})
	}
	m.commit(func(b *engine.Batch) { m.l.append(b, es) })
	m.entries = append(m.entries[:first-m.truncated.Index-1:first-m.truncated.Index-1], es...)
	if rapid.Bool().Draw(m.t, "durable") {
		m.l.tail.stable = m.last()
	}
}

func (m *logModel) apply(*rapid.T) {
	if m.applied = max(m.applied, m.truncated.Index); m.applied < m.l.tail.stable {
		m.applied = rapid.Uint64Range(m.applied, m.l.tail.stable).Draw(m.t, "applied")
	}
	m.l.tail.trim(m.l, m.applied)
	require.LessOrEqual(m.t, m.l.tail.bytes, 2*m.max+m.bytes(min(m.applied, m.l.tail.stable)))
}

func (m *logModel) bytes(behind uint64) (n uint64) {
	for _, e := range m.entries {
		if e.GetIndex() > behind {
			n += uint64(proto.Size(e))
		}
	}
	return n
}

func (m *logModel) compact(*rapid.T) {
	if m.applied <= m.truncated.Index {
		return
	}
	to := rapid.Uint64Range(m.truncated.Index+1, m.applied).Draw(m.t, "to")
	gone := m.entries[:to-m.truncated.Index]
	at := ID{Index: to, Term: gone[len(gone)-1].GetTerm()}
	m.commit(func(b *engine.Batch) { m.l.compact(b, at) })
	m.entries, m.truncated = m.entries[len(gone):], at
}

func (m *logModel) restart(*rapid.T) {
	m.term++
	at := ID{Index: m.last() + 3, Term: m.term}
	m.commit(func(b *engine.Batch) { m.l.restart(b, at) })
	m.entries, m.truncated, m.applied = nil, at, at.Index
}

func (m *logModel) reload(*rapid.T) {
	l, err := loadLog(m.eng, 7, m.truncated, m.max)
	require.NoError(m.t, err)
	m.l = l
}

// check compares all that a log can be asked.
func (m *logModel) check(*rapid.T) {
	last, err := m.l.LastIndex()
	require.NoError(m.t, err)
	require.Equal(m.t, m.last(), last)
	require.Equal(m.t, m.bytes(m.truncated.Index), m.l.bytes)
	term, err := m.l.Term(m.truncated.Index)
	require.NoError(m.t, err)
	require.Equal(m.t, m.truncated.Term, term)
	for _, e := range m.entries {
		term, err := m.l.Term(e.GetIndex())
		require.NoError(m.t, err)
		require.Equal(m.t, e.GetTerm(), term)
	}
	_, err = m.l.Term(m.last() + 1)
	require.ErrorIs(m.t, err, etcd.ErrUnavailable)
	if len(m.entries) == 0 {
		return
	}
	lo := rapid.Uint64Range(m.truncated.Index+1, m.last()).Draw(m.t, "lo")
	hi := rapid.Uint64Range(lo+1, m.last()+1).Draw(m.t, "hi")
	size := rapid.Uint64Range(0, 300).Draw(m.t, "max")
	got, err := m.l.Entries(lo, hi, size)
	require.NoError(m.t, err)
	want, sum := m.entries[lo-m.truncated.Index-1:hi-m.truncated.Index-1], uint64(0)
	for i, e := range want {
		if sum += uint64(proto.Size(e)); sum > size && i > 0 {
			want = want[:i]
			break
		}
	}
	require.Len(m.t, got, len(want))
	for i := range want {
		require.True(m.t, proto.Equal(want[i], got[i]), "entry %d", want[i].GetIndex())
	}
	keep := m.l.keepBytes(size)
	require.LessOrEqual(m.t, m.bytes(keep), size)
	require.True(m.t, keep == m.truncated.Index || m.bytes(keep-1) > size)
}

// TestLogHoldsItsTail: whatever of it is in memory, a log answers like one that holds everything.
func TestLogHoldsItsTail(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		disk := engine.NewSimDisk()
		defer func() { require.NoError(t, disk.Close()) }()
		eng, err := disk.Open()
		require.NoError(t, err)
		m := &logModel{t: t, eng: eng, truncated: ID{InitialIndex, InitialTerm}, term: 6, applied: InitialIndex}
		m.max = rapid.SampledFrom([]uint64{0, 50, 500}).Draw(t, "cache")
		m.reload(t)
		t.Repeat(map[string]func(*rapid.T){
			"append": m.append, "more": m.append, "apply": m.apply, "compact": m.compact, "restart": m.restart,
			"reload": m.reload, "": m.check,
		})
	})
}

// TestLogMissingOnDisk: a log that is not there is a broken invariant, and no shorter log.
func TestLogMissingOnDisk(t *testing.T) {
	t.Parallel()
	disk := engine.NewSimDisk()
	eng, err := disk.Open()
	require.NoError(t, err)
	defer func() { require.NoError(t, disk.Close()) }()
	l, err := loadLog(eng, 7, ID{}, 0)
	require.NoError(t, err)
	b := eng.NewBatch()
	l.append(b, []*raftpb.Entry{{Index: new(uint64(1)), Term: new(uint64(1))}, {Index: new(uint64(2)), Term: new(uint64(1))}})
	eng.Commit(b)
	l.tail.stable = 2
	l.tail.trim(l, 2)
	b.Delete(engine.RaftLogKey(7, 2))
	eng.Commit(b)
	require.PanicsWithValue(t, "raft: region 7: entries [1, 3) of the log (0, 2] are not on the disk: got 1, <nil>",
		func() { _, _ = l.Entries(1, 3, 1000) })
}
