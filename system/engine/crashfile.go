package engine

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// file is an open file of a crashFS, with a place of its own for reading. Writes go to the end.
type file struct {
	fs    *crashFS
	name  string
	inode *inode
	read  int
}

// Read implements vfs.File.
func (f *file) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, int64(f.read))
	f.read += n
	if n > 0 {
		return n, nil
	}
	return 0, err
}

// ReadAt implements vfs.File.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.fs.readable(f.name); err != nil {
		return 0, err
	}
	if off > int64(len(f.inode.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.inode.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Write implements vfs.File.
func (f *file) Write(p []byte) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if !f.fs.frozen {
		f.inode.data = append(f.inode.data, p...)
	}
	return len(p), nil
}

// WriteAt implements vfs.File. Files only grow.
func (f *file) WriteAt([]byte, int64) (int, error) {
	return 0, &os.PathError{Op: "write at", Path: f.name, Err: errors.ErrUnsupported}
}

// Sync implements vfs.File.
func (f *file) Sync() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if !f.fs.frozen {
		f.inode.synced = len(f.inode.data)
	}
	return nil
}

// SyncData implements vfs.File.
func (f *file) SyncData() error { return f.Sync() }

// SyncTo implements vfs.File. It promises nothing, and keeps it.
func (f *file) SyncTo(int64) (fullSync bool, err error) { return false, nil }

// Stat implements vfs.File.
func (f *file) Stat() (vfs.FileInfo, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	return info{name: f.name, size: int64(len(f.inode.data))}, nil
}

// Close implements vfs.File.
func (f *file) Close() error { return nil }

// Preallocate implements vfs.File.
func (f *file) Preallocate(int64, int64) error { return nil }

// Prefetch implements vfs.File.
func (f *file) Prefetch(int64, int64) error { return nil }

// Fd implements vfs.File.
func (f *file) Fd() uintptr { return vfs.InvalidFd }

// dir is the open folder, or its parent, which has nothing to sync.
type dir struct {
	file
	fs   *crashFS
	path string
}

// Sync implements vfs.File: the names that the folder shows are durable from now on.
func (d *dir) Sync() error {
	if d.path == folder {
		d.fs.syncFolder()
	}
	return nil
}

// SyncData implements vfs.File.
func (d *dir) SyncData() error { return d.Sync() }

// Stat implements vfs.File.
func (d *dir) Stat() (vfs.FileInfo, error) { return d.fs.Stat(d.path) }

// info describes a file. There are no times: they would differ from run to run.
type info struct {
	name string
	size int64
	dir  bool
}

// Name implements os.FileInfo.
func (i info) Name() string { return i.name }

// Size implements os.FileInfo.
func (i info) Size() int64 { return i.size }

// Mode implements os.FileInfo.
func (i info) Mode() os.FileMode {
	if i.dir {
		return os.ModeDir | 0o755
	}
	return 0o644
}

// ModTime implements os.FileInfo.
func (i info) ModTime() time.Time { return time.Time{} }

// IsDir implements os.FileInfo.
func (i info) IsDir() bool { return i.dir }

// Sys implements os.FileInfo.
func (i info) Sys() any { return nil }

// DeviceID implements vfs.FileInfo.
func (i info) DeviceID() vfs.DeviceID { return vfs.DeviceID{} }
