package engine

import (
	"fmt"
	"sync" //tidy:sync Pebble calls its file system from goroutines of its own

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/wal"
)

// logBlock is what a write-ahead log is divided into. A record that does not fit into one goes on in the next.
const logBlock = 32 << 10

// markFS is a file system that notes up to where the write-ahead log in its folder is synced; see logmark.go.
type markFS struct {
	vfs.FS

	mu   sync.Mutex
	note vfs.File
	last logMark
}

// newMarkFS opens the note of a folder, which is made if need be, and goes on with it.
func newMarkFS(fs vfs.FS, folder string) (*markFS, error) {
	path := fs.PathJoin(folder, markName)
	content, err := readFile(fs, path)
	if err == nil {
		err = fs.MkdirAll(folder, 0o755)
	}
	if err != nil {
		return nil, err
	}
	m := &markFS{FS: fs}
	m.last, _ = decodeMark(content)
	m.note, err = fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	return m, err
}

// Unwrap implements vfs.FS.
func (m *markFS) Unwrap() vfs.FS { return m.FS }

// Create implements vfs.FS.
func (m *markFS) Create(path string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := m.FS.Create(path, c)
	return m.follow(path, f, err)
}

// ReuseForWrite implements vfs.FS.
func (m *markFS) ReuseForWrite(old, path string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := m.FS.ReuseForWrite(old, path, c)
	return m.follow(path, f, err)
}

// follow follows how far a file is written if it is a write-ahead log.
func (m *markFS) follow(path string, f vfs.File, err error) (vfs.File, error) {
	number, _, ok := wal.ParseLogFilename(m.PathBase(path))
	if err != nil || !ok {
		return f, err
	}
	return &markedLog{File: f, fs: m, log: number}, nil
}

// synced notes that a log is durable up to a byte.
func (m *markFS) synced(log wal.NumWAL, upTo int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if log < m.last.log {
		return nil // the end of a log that has a successor, which Pebble wants to end in good order
	}
	m.last = logMark{log: log, synced: upTo, count: m.last.count + 1}
	if _, err := m.note.WriteAt(m.last.encode(), int64(m.last.count%markPlaces*markBytes)); err != nil {
		return fmt.Errorf("note of what was synced: %w", err)
	}
	return nil
}

func (m *markFS) close() error { return m.note.Close() }

// markedLog is a write-ahead log that is being written, by one goroutine at a time.
type markedLog struct {
	vfs.File
	fs      *markFS
	log     wal.NumWAL
	written int64
}

// Write implements vfs.File.
func (f *markedLog) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	f.written += int64(n)
	return n, err
}

// SyncData implements vfs.File; it is how Pebble syncs its logs.
func (f *markedLog) SyncData() error {
	if err := f.File.SyncData(); err != nil {
		return err
	}
	// At the end of a block a record may go on: then it is not known where the last whole one ends.
	if f.written%logBlock == 0 {
		return nil
	}
	return f.fs.synced(f.log, f.written)
}
