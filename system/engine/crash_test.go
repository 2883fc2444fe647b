package engine

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// numbered commits the keys 000, 001, … up to n, one a commit, with values of the given size.
func numbered(e *Engine, from, n, valueSize int) {
	b := e.NewBatch()
	for i := from; i < n; i++ {
		b.Put([]byte(fmt.Sprintf("%06d", i)), bytes.Repeat([]byte{byte(i)}, valueSize))
		e.Commit(b)
	}
}

// requireNumbered checks that exactly the first n numbered keys are there.
func requireNumbered(t *testing.T, e *Engine, n int) {
	t.Helper()
	i := 0
	e.Scan(nil, nil, func(k, v []byte) bool {
		require.Equal(t, fmt.Sprintf("%06d", i), string(k))
		require.Equal(t, len(v), bytes.Count(v, []byte{byte(i)}))
		i++
		return true
	})
	require.Equal(t, n, i)
}

func TestCrashKeepsExactlyWhatItIsTold(t *testing.T) {
	t.Parallel()
	for _, valueSize := range []int{
		0, 10,
		1000,   // many records a block of the log
		20_000, // records that span two blocks
		60_000, // and three
	} {
		for _, torn := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d bytes, torn %v", valueSize, torn), func(t *testing.T) {
				t.Parallel()
				commits := min(20, flushBytes/(valueSize+entryBytesMax))
				for keep := 0; keep <= commits; keep++ {
					d := NewSimDisk()
					numbered(open(t, d), 0, commits, valueSize)
					require.Zero(t, d.Durable(), "all of this fits into memory")
					require.Equal(t, uint64(commits-keep), d.Crash(uint64(keep), torn))
					require.Equal(t, uint64(keep), d.Position())

					// Crashing again before or right after recovery loses nothing more.
					require.Zero(t, d.Crash(0, true))
					e := open(t, d)
					requireNumbered(t, e, keep)
					require.Zero(t, d.Crash(0, torn))
					e = open(t, d)
					requireNumbered(t, e, keep)

					// The next life goes on where the last one ended.
					numbered(e, keep, commits, valueSize)
					require.Equal(t, uint64(commits), d.Position())
					requireNumbered(t, e, commits)
					require.NoError(t, d.Close())
				}
			})
		}
	}
}

// TestCrashAnywhereInARecord cuts the log at bytes that Crash itself never cuts it at.
func TestCrashAnywhereInARecord(t *testing.T) {
	t.Parallel()
	// A small record, one of more than two blocks, one small. 32 KiB is a block of the log.
	sizes := []int{5, 70_000, 5}
	cut := func(at func(logRecords) int) (*SimDisk, logRecords) {
		d := NewSimDisk()
		e := open(t, d)
		for i, size := range sizes {
			numbered(e, i, i+1, size)
		}
		require.NoError(t, d.db.LogData(nil, pebble.Sync))
		d.fs.freeze()
		require.NoError(t, d.db.Close())
		log := readLog(d.fs, d.pace.log)
		require.Len(t, log, len(sizes))
		d.fs.truncateDurable(d.pace.log.name, at(log))
		d.fs.thaw()
		d.db, d.pace = nil, nil
		return d, log
	}
	check := func(at, whole int) {
		d, _ := cut(func(logRecords) int { return at })
		require.NotPanics(t, func() { requireNumbered(t, open(t, d), whole) }, "log cut at byte %d", at)
		require.NoError(t, d.Close())
	}

	d, log := cut(func(l logRecords) int { return l[0].start })
	require.NoError(t, d.Close())
	for whole, r := range log {
		for at := r.start; at < r.end; at++ {
			small := r.end-r.start < 1000
			nearEdge := at%32768 < 20 || at%32768 > 32768-20 || at-r.start < 30 || r.end-at < 3
			if small || nearEdge {
				check(at, whole)
			}
		}
		check(r.end, whole+1)
	}
}

func TestCrashAtTheEndOfALogBlock(t *testing.T) {
	t.Parallel()
	// The second record ends at, or up to 20 bytes before, the end of a block, where the log is padded. The first log
	// of a disk has headers of another length than the later ones, so both kinds are tried.
	for _, life := range []int{1, 2} {
		for short := range 40 {
			d := NewSimDisk()
			e := open(t, d)
			if life == 2 {
				require.NoError(t, d.Close())
				e = open(t, d)
			}
			numbered(e, 0, 1, 100)
			numbered(e, 1, 2, 32_600-short)
			numbered(e, 2, 4, 100)
			require.Equal(t, uint64(2), d.Crash(2, short%2 == 0))
			requireNumbered(t, open(t, d), 2)
			require.NoError(t, d.Close())
		}
	}
}

func TestCrashCanNotTakeWhatIsInTables(t *testing.T) {
	t.Parallel()
	d := NewSimDisk()
	e := open(t, d)
	const size = 1000
	numbered(e, 0, 1000, size)
	durable := d.Durable()
	require.Positive(t, durable, "a megabyte is more than memory holds")
	require.Less(t, durable, uint64(1000))
	require.Less(t, 1000-durable, uint64(flushBytes/size))
	require.Equal(t, 1000-durable, d.Crash(0, true))
	require.Equal(t, durable, d.Position())
	requireNumbered(t, open(t, d), int(durable))
	require.NoError(t, d.Close())
}

func TestCrashCanNotTakeWhatWasSynced(t *testing.T) {
	t.Parallel()
	d := NewSimDisk()
	e := open(t, d)
	numbered(e, 0, 5, 10)
	require.NoError(t, d.Sync())
	require.Equal(t, uint64(5), d.Durable())
	numbered(e, 5, 8, 10)
	require.Equal(t, uint64(2), d.Crash(6, true))
	numbered(open(t, d), 6, 7, 10)
	require.Equal(t, uint64(1), d.Crash(0, false), "recovery has made durable what it found")
	requireNumbered(t, open(t, d), 6)
	require.NoError(t, d.Close())
}

func TestLargeBatchIsDurableAtOnce(t *testing.T) {
	t.Parallel()
	for _, size := range []int{largeBatchBytes - 300, largeBatchBytes, flushBytes, memTableSize, 4 * memTableSize} {
		d := NewSimDisk()
		e := open(t, d)
		numbered(e, 0, 1, 10)
		numbered(e, 1, 2, size)
		numbered(e, 2, 4, 10)
		want := uint64(2)
		if size < largeBatchBytes-200 {
			want = 0
		}
		require.Equal(t, want, d.Durable(), "%d bytes", size)
		requireNumbered(t, e, 4)
		require.Equal(t, uint64(1), d.Crash(3, true))
		requireNumbered(t, open(t, d), 3)
		require.NoError(t, d.Close())
	}
}

func TestManyTinyEntriesFitIntoMemory(t *testing.T) {
	t.Parallel()
	// The smallest entries are the ones whose nodes matter most. The pacer panics if Pebble's memtable was full before.
	d := NewSimDisk()
	e := open(t, d)
	b := e.NewBatch()
	for i := range 20_000 {
		b.Put([]byte{byte(i), byte(i >> 8)}, nil)
		if i%7 == 0 {
			e.Commit(b)
		}
	}
	e.Commit(b)
	require.Positive(t, d.Durable())
	_, pairs := e.Hash(nil, nil)
	require.Equal(t, 20_000, pairs)
	d.Crash(d.Position(), false)
}

func TestManyCrashesLeaveFewFiles(t *testing.T) {
	t.Parallel()
	d := NewSimDisk()
	for i := range 100 {
		numbered(open(t, d), 0, 2, 10)
		d.Crash(d.Position()-1, true)
		names, err := d.fs.List(folder)
		require.NoError(t, err)
		require.Less(t, len(names), 20, "after crash %d: %q", i, names)
	}
}

func TestDyingDatabaseWritesNothing(t *testing.T) {
	t.Parallel()
	// A log that was closed in order ends with a trailer of 11 bytes: no checksum, no length, a kind and a number.
	hasTrailer := func(fs *crashFS, log logFile) bool {
		content, ok := fs.durableContent(log.name)
		require.True(t, ok)
		return bytes.HasPrefix(content[len(content)-11:], []byte{0, 0, 0, 0, 0, 0, 5})
	}
	d := NewSimDisk()
	numbered(open(t, d), 0, 2, 10)
	log := d.pace.log
	d.Crash(2, false)
	require.False(t, hasTrailer(d.fs, log))

	numbered(open(t, d), 2, 3, 10)
	log = d.pace.log
	require.NoError(t, d.Close())
	require.True(t, hasTrailer(d.fs, log))
}

func TestCrashMisuse(t *testing.T) {
	t.Parallel()
	d := NewSimDisk()
	require.Zero(t, d.Crash(0, true), "a disk that was never opened has nothing to lose")
	e := open(t, d)
	numbered(e, 0, 3, 10)
	require.PanicsWithValue(t, "engine: crash is to keep 4 commits, but there are only 3", func() { d.Crash(4, false) })
	require.Zero(t, d.Crash(3, true), "there is nothing to tear behind the last commit")
	require.Panics(t, func() { numbered(e, 3, 4, 10) }, "the engine of a life that ended can't be used")
	requireNumbered(t, open(t, d), 3)
	require.NoError(t, d.Close())
}

func TestCrashInsideAScan(t *testing.T) {
	t.Parallel()
	d := NewSimDisk()
	e := open(t, d)
	numbered(e, 0, 3, 10)
	require.PanicsWithValue(t, "failpoint", func() {
		e.Scan(nil, nil, func(_, _ []byte) bool { panic("failpoint") })
	})
	require.Equal(t, uint64(1), d.Crash(2, false), "the scan left no iterator behind")
	requireNumbered(t, open(t, d), 2)
	require.NoError(t, d.Close())
}

// TestNoGoroutineOutlivesADisk does not run in parallel, so that it sees the goroutines of its own disk only.
func TestNoGoroutineOutlivesADisk(t *testing.T) {
	before := goleak.IgnoreCurrent()
	d := NewSimDisk()
	for i := range 3 {
		numbered(open(t, d), 1000*i, 1000*(i+1), 1000)
		d.Crash(d.Position()-10, true)
		numbered(open(t, d), 1000*(i+1)-10, 1000*(i+1), 10)
		require.NoError(t, d.Close())
		require.NoError(t, goleak.Find(before))
	}
}

func TestCrashFSKeepsWhatWasSynced(t *testing.T) {
	t.Parallel()
	fs := newCrashFS()
	write := func(name, content string, sync bool) {
		f, err := fs.Create(folder+"/"+name, "")
		require.NoError(t, err)
		_, err = f.Write([]byte(content))
		require.NoError(t, err)
		if sync {
			require.NoError(t, f.Sync())
			_, err = f.Write([]byte("tail"))
			require.NoError(t, err)
		}
	}
	show := func() string {
		names, err := fs.List(folder)
		require.NoError(t, err)
		out := ""
		for _, name := range names {
			out += name + "=" + string(fs.names[name].data) + " "
		}
		return strings.TrimSpace(out)
	}
	dir, err := fs.OpenDir(folder)
	require.NoError(t, err)

	write("kept", "a", true)
	write("emptied", "b", false)
	write("moved", "c", true)
	write("gone", "d", true)
	require.NoError(t, dir.Sync())
	write("unsynced", "e", true)
	require.NoError(t, fs.Rename(folder+"/moved", folder+"/to"))
	require.NoError(t, fs.Remove(folder+"/gone"))
	require.NoError(t, fs.Link(folder+"/kept", folder+"/link"))
	require.Equal(t, "emptied=b kept=atail link=atail to=ctail unsynced=etail", show())

	fs.freeze()
	write("late", "f", true)
	require.NoError(t, dir.Sync())
	require.NoError(t, fs.Remove(folder+"/kept"))
	fs.thaw()
	require.Equal(t, "emptied= gone=d kept=a moved=c", show())
	write("new", "g", false)
	require.Equal(t, "emptied= gone=d kept=a moved=c new=g", show())
	require.Len(t, fs.durable, 4)
}
