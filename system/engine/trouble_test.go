package engine

import (
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// failure returns the *FailedError that f panics with.
func failure(t *testing.T, f func()) (bad *FailedError) {
	t.Helper()
	defer func() {
		var ok bool
		bad, ok = recover().(*FailedError)
		require.True(t, ok, "it does not fail")
	}()
	f()
	return nil
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	d := NewSimDisk()
	e := open(t, d)
	numbered(e, 0, 5, 10)
	room := e.Room()
	require.Positive(t, room)
	d.Hurt(Trouble{Full: true})
	require.Zero(t, e.Room())
	bad := failure(t, func() { numbered(e, 5, 6, 10) })
	require.Equal(t, DiskFull, bad.DiskFailure())
	require.ErrorIs(t, bad, syscall.ENOSPC)
	require.ErrorContains(t, bad, "make room and start again")
	require.Equal(t, uint64(5), d.Position(), "it is no commit")
	requireNumbered(t, e, 5)
	failure(t, func() { _ = e.Excise([]byte("a"), []byte("b")) })

	require.Zero(t, d.Crash(5, false))
	_, err := d.Open()
	require.ErrorIs(t, err, syscall.ENOSPC, "recovery writes")
	require.Equal(t, uint64(4), d.Heal())
	e = open(t, d)
	require.Equal(t, room, e.Room())
	requireNumbered(t, e, 5)
	require.Zero(t, d.Heal())
	require.NoError(t, d.Close())
}

func TestUnreadableDisk(t *testing.T) {
	t.Parallel()
	d := NewSimDisk()
	numbered(open(t, d), 0, 100, 100)
	require.NoError(t, d.Close())
	e := open(t, d) // nothing of the tables is in memory
	d.Hurt(Trouble{Unreadable: true})
	for name, read := range map[string]func(){
		"get":  func() { e.Get([]byte("000007")) },
		"read": func() { _, _, _ = e.Read([]byte("000008")) },
		"many": func() { _ = e.ReadMany([][]byte{[]byte("000009")}, func(int, []byte, bool) bool { return true }) },
		"scan": func() { e.Scan(nil, nil, func(_, _ []byte) bool { return true }) },
		"back": func() { _ = e.ReverseReadRange(nil, nil, func(_, _ []byte) bool { return true }) },
		"hash": func() { e.Hash(nil, nil) },
	} {
		bad := failure(t, read)
		require.Equal(t, DiskUnreadable, bad.DiskFailure(), name)
	}
	d.Aside(func() { requireNumbered(t, e, 100) })

	// A life ends with iterators closed, and the next one has all.
	numbered(e, 100, 101, 10)
	require.Zero(t, d.Crash(101, false))
	require.Positive(t, d.Heal())
	requireNumbered(t, open(t, d), 101)
	require.NoError(t, d.Close())
}

// TestUnreadableDiskWhileOpening: what recovery merges may be unreadable too.
func TestUnreadableDiskWhileOpening(t *testing.T) {
	t.Parallel()
	d := NewSimDisk()
	failed := 0
	for i := range 3 * compactFlushes {
		e, err := d.Open()
		if err != nil {
			require.ErrorIs(t, err, syscall.EIO)
			failed++
			d.Heal()
			e = open(t, d)
		}
		numbered(e, i, i+1, 10)
		require.Zero(t, d.Crash(d.Position(), false))
		d.Hurt(Trouble{Unreadable: true})
	}
	require.Positive(t, failed)
	d.Heal()
	requireNumbered(t, open(t, d), 3*compactFlushes)
	require.NoError(t, d.Close())
}

func TestWipedDisk(t *testing.T) {
	t.Parallel()
	d := NewSimDisk()
	e := open(t, d)
	numbered(e, 0, 5, 10)
	require.EqualError(t, d.Wipe(), "wipe: the simulated disk is open")
	d.Crash(5, false)
	require.NoError(t, d.Wipe())
	require.Equal(t, uint64(5), d.Position(), "positions only rise")
	e = open(t, d)
	requireNumbered(t, e, 0)
	numbered(e, 0, 2, 10)
	require.Equal(t, uint64(1), d.Crash(6, true))
	requireNumbered(t, open(t, d), 1)
	require.NoError(t, d.Close())
}

// fullFS is a file system that has no room for tables while it is full. Without room for a log Pebble itself ends the process.
type fullFS struct {
	vfs.FS
	full atomic.Bool
}

type fullFile struct {
	vfs.File
	fs *fullFS
}

func (fs *fullFS) Create(path string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(path, c)
	if err != nil || !strings.HasSuffix(path, ".sst") {
		return f, err
	}
	return &fullFile{f, fs}, nil
}

func (f *fullFile) Write(p []byte) (int, error) {
	if f.fs.full.Load() {
		return 0, syscall.ENOSPC
	}
	return f.File.Write(p)
}

// TestFullDirDisk: a real disk without room tells so at once, and keeps what was synced.
func TestFullDirDisk(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	bad := failure(t, func() { NewDirDisk(path).full() })
	require.Equal(t, DiskFull, bad.DiskFailure())
	require.ErrorContains(t, bad, path)

	fs := &fullFS{FS: vfs.Default}
	d := NewDirDisk(path)
	d.under = fs
	told := make(chan struct{}, 100)
	d.full = func() {
		select {
		case told <- struct{}{}:
		default:
		}
	}
	e := open(t, d)
	for i := range 20 {
		numbered(e, i, i+1, 1000)
		require.NoError(t, d.Sync())
	}
	require.Positive(t, e.Room())
	fs.full.Store(true)
	_, err := d.db.AsyncFlush()
	require.NoError(t, err)
	<-told // Pebble tries again and again
	fs.full.Store(false)
	require.NoError(t, d.db.Flush())
	require.NoError(t, d.Close())
	requireNumbered(t, open(t, d), 20)
	require.NoError(t, d.Close())
}

func TestFailedErrorNamesWhatFailed(t *testing.T) {
	t.Parallel()
	require.Equal(t, diskFailed, (&FailedError{What: "x", Cause: pebble.ErrClosed}).DiskFailure())
	require.True(t, strings.HasPrefix((&FailedError{What: "x", Cause: syscall.EIO}).Error(), "engine: x: "))
}
