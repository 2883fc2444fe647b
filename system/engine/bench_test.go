package engine

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func openSim(t testing.TB) (*SimDisk, *Engine) {
	t.Helper()
	d := NewSimDisk()
	e, err := d.Open()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d, e
}

func benchKey(buf []byte, i int) []byte {
	return binary.BigEndian.AppendUint64(append(buf[:0], spaceData), uint64(i))
}

// BenchmarkCommit writes one small pair a commit, flushes and compactions included.
func BenchmarkCommit(b *testing.B) {
	_, e := openSim(b)
	batch, key, value := e.NewBatch(), make([]byte, 0, 16), make([]byte, 64)
	b.ReportAllocs()
	for i := range b.N {
		key = benchKey(key, i*7919%10_000)
		batch.Put(key, value)
		e.Commit(batch)
	}
}

// BenchmarkCommitTurn writes what a turn of a store does: entries, hard states, apply state and data.
func BenchmarkCommitTurn(b *testing.B) {
	_, e := openSim(b)
	batch, key, value := e.NewBatch(), make([]byte, 0, 16), make([]byte, 100)
	b.ReportAllocs()
	for i := range b.N {
		for r := uint64(1); r <= 4; r++ {
			batch.Put(RaftLogKey(r, uint64(i)), value)
			batch.Put(HardStateKey(r), value[:20])
			batch.Put(ApplyStateKey(r), value[:30])
			key = benchKey(key, i*7919%1000)
			batch.Put(key, value[:64])
			if i%64 == 63 {
				lo, hi := RaftLogRange(r, uint64(i-63), uint64(i))
				batch.DeleteRange(lo, hi)
			}
		}
		e.Commit(batch)
	}
}

func fill(e *Engine, n int) {
	batch, key, value := e.NewBatch(), make([]byte, 0, 16), make([]byte, 64)
	for i := range n {
		key = benchKey(key, i)
		batch.Put(key, value)
		e.Commit(batch)
	}
}

func BenchmarkGet(b *testing.B) {
	for _, n := range []int{500, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			_, e := openSim(b)
			fill(e, n)
			key := make([]byte, 0, 16)
			b.ReportAllocs()
			for i := range b.N {
				key = benchKey(key, i*7919%n)
				if _, ok := e.Get(key); !ok {
					b.Fatal(i)
				}
			}
		})
	}
}

func BenchmarkScan100(b *testing.B) {
	_, e := openSim(b)
	fill(e, 10_000)
	key := make([]byte, 0, 16)
	b.ReportAllocs()
	for i := range b.N {
		n := 0
		key = benchKey(key, i*7919%9_000)
		e.Scan(key, nil, func(_, _ []byte) bool { n++; return n < 100 })
		if n != 100 {
			b.Fatal(n)
		}
	}
}

func BenchmarkOpenFresh(b *testing.B) {
	b.ReportAllocs()
	for range b.N {
		d := NewSimDisk()
		if _, err := d.Open(); err != nil {
			b.Fatal(err)
		}
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCrashReopen loses half of what is in the log, with a torn record, and recovers the rest.
func BenchmarkCrashReopen(b *testing.B) {
	for _, n := range []int{10, 500, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			d, e := openSim(b)
			fill(e, n)
			b.ReportAllocs()
			for range b.N {
				b.StopTimer()
				fill(e, min(n, 500))
				b.StartTimer()
				d.Crash(d.Position()-uint64(min(n, 500)/2), true)
				var err error
				if e, err = d.Open(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
