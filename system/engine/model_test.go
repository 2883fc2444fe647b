package engine

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// op is one operation of a batch: a put, a delete (no value), or a range delete (end set).
type op struct {
	key, value, end []byte
}

// model is what a simulated disk should be: the content after the commits that no crash can take, and the commits since.
type model struct {
	durable map[string]string
	pending [][]op
}

// settle makes the first n of the pending commits durable.
func (m *model) settle(n int) {
	for _, ops := range m.pending[:n] {
		apply(m.durable, ops)
	}
	m.pending = m.pending[n:]
}

func (m *model) content() map[string]string {
	content := maps.Clone(m.durable)
	for _, ops := range m.pending {
		apply(content, ops)
	}
	return content
}

func apply(content map[string]string, ops []op) {
	for _, o := range ops {
		switch {
		case o.end != nil:
			maps.DeleteFunc(content, func(k, _ string) bool { return k >= string(o.key) && k < string(o.end) })
		case o.value != nil:
			content[string(o.key)] = string(o.value)
		default:
			delete(content, string(o.key))
		}
	}
}

func commitOps(e *Engine, b *Batch, ops []op) {
	for _, o := range ops {
		switch {
		case o.end != nil:
			b.DeleteRange(o.key, o.end)
		case o.value != nil:
			b.Put(o.key, o.value)
		default:
			b.Delete(o.key)
		}
	}
	e.Commit(b)
}

// source draws what a test does. Both rapid, which shrinks, and a plain seeded generator implement it.
type source func(name string, n int) int

// drawKey has few keys, so that batches meet, in all key spaces.
func drawKey(draw source) []byte {
	region, n := uint64(draw("region", 3)), draw("key", 40)
	switch draw("space", 4) {
	case 0:
		return RaftLogKey(region, uint64(n))
	case 1:
		return RegionStateKey(uint64(n))
	default:
		return DataKey([]byte(strings.Repeat("k", 1+n%3) + fmt.Sprint(n)))
	}
}

func drawOps(draw source) []op {
	ops := make([]op, 1+draw("ops", 5))
	for i := range ops {
		switch draw("kind", 8) {
		case 0:
			ops[i].key = drawKey(draw)
		case 1:
			ops[i].key, ops[i].end = drawKey(draw), drawKey(draw)
			if bytes.Compare(ops[i].key, ops[i].end) > 0 {
				ops[i].key, ops[i].end = ops[i].end, ops[i].key
			}
			ops[i].end = append(ops[i].end, 0)
		default:
			sizes := []int{0, 1, 30, 1000, 10_000, 40_000, 130_000, 300_000}
			size := sizes[min(draw("size", len(sizes)), draw("size", len(sizes)), draw("size", len(sizes)))]
			ops[i].key, ops[i].value = drawKey(draw), bytes.Repeat([]byte{byte('a' + draw("byte", 26))}, size)
		}
	}
	return ops
}

// life drives a disk and its model through one step after the other and checks them against each other.
type life struct {
	t     require.TestingT
	draw  source
	disk  *SimDisk
	e     *Engine
	batch *Batch
	model model
	// settled is how many commits the model knows to be durable.
	settled int
	trace   []string
}

func newLife(t require.TestingT, draw source) *life {
	l := &life{t: t, draw: draw, disk: NewSimDisk(), model: model{durable: map[string]string{}}}
	l.open()
	return l
}

func (l *life) open() {
	e, err := l.disk.Open()
	require.NoError(l.t, err)
	l.e, l.batch = e, e.NewBatch()
	l.settle()
}

func (l *life) commit() {
	l.commitOps(drawOps(l.draw))
}

// burst makes commits of one size until memory is about full, where a flush comes after exactly the right one.
func (l *life) burst() {
	size := 200 + l.draw("burst size", 2000)
	for i := range 100 + l.draw("burst", 200) {
		value := bytes.Repeat([]byte{byte(i)}, size)
		l.commitOps([]op{{key: DataKey([]byte(fmt.Sprint(i % 50))), value: value}})
	}
}

func (l *life) commitOps(ops []op) {
	l.model.pending = append(l.model.pending, ops)
	commitOps(l.e, l.batch, ops)
	l.settle()
}

// settle lets the model follow how far the disk is durable.
func (l *life) settle() {
	durable := int(l.disk.Durable())
	require.GreaterOrEqual(l.t, durable, l.settled, "what was durable once stays so")
	l.model.settle(durable - l.settled)
	l.settled = durable
}

// crash keeps some of the pending commits, or asks for less than it can lose.
func (l *life) crash() {
	durable, position, pending := l.disk.Durable(), l.disk.Position(), len(l.model.pending)
	keep := position - min(position, uint64(l.draw("lose", pending+3)))
	lost := l.disk.Crash(keep, l.draw("torn", 2) == 0)
	require.Equal(l.t, position-max(keep, durable), lost)
	l.model.pending = l.model.pending[:pending-int(lost)]
	l.trace = append(l.trace, fmt.Sprintf("crash: durable %d, keep %d, lost %d", durable, keep, lost))
	l.open()
}

func (l *life) sync() {
	require.NoError(l.t, l.disk.Sync())
	require.Equal(l.t, l.disk.Position(), l.disk.Durable())
	l.settle()
}

func (l *life) reopen() {
	require.NoError(l.t, l.disk.Close())
	l.open()
}

// check compares all pairs, in both directions, and single reads.
func (l *life) check() {
	want := l.model.content()
	keys := slices.Sorted(maps.Keys(want))
	i := 0
	l.e.Scan(nil, nil, func(k, v []byte) bool {
		require.Less(l.t, i, len(keys), "%q should not be there", k)
		require.Equal(l.t, keys[i], string(k))
		require.True(l.t, want[keys[i]] == string(v), "value of %q", k)
		i++
		return true
	})
	require.Equal(l.t, len(keys), i)
	l.e.ReverseScan(nil, nil, func(k, _ []byte) bool {
		i--
		require.Equal(l.t, keys[i], string(k))
		return true
	})
	require.Zero(l.t, i)
	key := drawKey(l.draw)
	v, ok := l.e.Get(key)
	w, wok := want[string(key)]
	require.Equal(l.t, wok, ok)
	require.True(l.t, string(v) == w, "value of %q", key)
	require.Equal(l.t, uint64(l.settled+len(l.model.pending)), l.disk.Position())
}

func (l *life) step() {
	switch l.draw("step", 40) {
	case 0, 1:
		l.crash()
	case 2:
		l.reopen()
	case 3:
		l.sync()
	case 4:
		l.check()
	case 5:
		l.burst()
	default:
		l.commit()
	}
}

func TestSimDiskEqualsItsModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := newLife(t, func(name string, n int) int { return rapid.IntRange(0, n-1).Draw(t, name) })
		defer l.disk.Crash(0, false)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			l.step()
		}
		l.check()
	})
}

// TestContentFollowsFromTheCommitsAlone runs the same lives with different schedules of Pebble's goroutines and of the
// garbage collector. It changes settings of the process, so it does not run in parallel.
func TestContentFollowsFromTheCommitsAlone(t *testing.T) {
	run := func(seed uint64, procs, gcPercent int) []string {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
		r := rand.New(rand.NewPCG(seed, 1))
		l := newLife(t, func(_ string, n int) int { return r.IntN(n) })
		for i := range 700 {
			l.step()
			if i%50 == 0 {
				h, pairs := l.e.Hash(nil, nil)
				l.trace = append(l.trace, fmt.Sprintf("%d pairs, hash %x, %d of %d durable", pairs, h, l.disk.Durable(), l.disk.Position()))
			}
		}
		require.NoError(t, l.disk.Close())
		return l.trace
	}
	for seed := range uint64(2) {
		first := run(seed, 1, 400)
		require.Greater(t, len(first), 30, "there should be crashes among the steps")
		require.Equal(t, first, run(seed, 4, 20), "seed %d", seed)
	}
}
