package engine

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"sync" //tidy:sync Pebble calls its file system from goroutines of its own

	"github.com/cockroachdb/pebble/v2/vfs"
)

// crashFS is a file system in memory that can lose power. It has one folder, since Pebble needs no more.
//
// What survives a crash is what POSIX promises: the bytes of a file that were synced, under the names that the folder
// had when it was last synced. Files can only grow, so the durable part of one is a length, and a sync costs nothing.
type crashFS struct {
	mu sync.Mutex
	// names is what the folder shows; durable is what it holds after a crash.
	names, durable map[string]*inode
	// frozen is set when the power goes: from then on nothing changes, though a database that is being closed may
	// still try.
	frozen  bool
	locked  bool
	trouble diskTrouble
}

// inode is the content of a file. It is guarded by the mutex of its file system.
type inode struct {
	data   []byte
	synced int
}

// folder is the one folder.
const folder = "/disk"

func newCrashFS() *crashFS {
	return &crashFS{names: map[string]*inode{}, durable: map[string]*inode{}}
}

// freeze takes the power away.
func (fs *crashFS) freeze() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.frozen = true
}

// thaw gives the power back: the folder holds what was durable.
func (fs *crashFS) thaw() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.names = make(map[string]*inode, len(fs.durable))
	//tidy:maporder it fills a map
	for name, n := range fs.durable {
		n.data = n.data[:n.synced]
		fs.names[name] = n
	}
	fs.frozen, fs.locked = false, false
}

// durableContent returns what a crash would leave of a file. The caller must not modify it.
func (fs *crashFS) durableContent(name string) ([]byte, bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	n, ok := fs.durable[name]
	if !ok {
		return nil, false
	}
	return n.data[:n.synced], true
}

// truncateDurable makes a crash leave only the first length bytes of a file.
func (fs *crashFS) truncateDurable(name string, length int) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	n := fs.durable[name]
	if n == nil || length > n.synced {
		panic(fmt.Sprintf("engine: cut of %s at %d: only what is durable can be cut", name, length))
	}
	n.synced = length
}

// syncFolder makes durable what the folder shows. Pebble does so for names that it needs, but leaves it to the file
// system when a removed name is gone for good; without this, a disk that crashes often would collect old files.
func (fs *crashFS) syncFolder() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if !fs.frozen {
		fs.durable = maps.Clone(fs.names)
	}
}

// base maps a path to a name in the folder; inside is false for the folder itself and for everything outside.
func base(p string) (name string, inside bool) {
	dir, name := path.Split(path.Clean(p))
	return name, path.Clean(dir) == folder
}

func notExist(op, p string) error {
	return &os.PathError{Op: op, Path: p, Err: os.ErrNotExist}
}

// Create implements vfs.FS.
func (fs *crashFS) Create(p string, _ vfs.DiskWriteCategory) (vfs.File, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.put("create", p, &inode{})
}

// put gives a name in the folder to n. A frozen folder does not take it, but the file can be used all the same.
func (fs *crashFS) put(op, p string, n *inode) (vfs.File, error) {
	name, inside := base(p)
	if !inside {
		return nil, notExist(op, p)
	}
	if !fs.frozen {
		fs.names[name] = n
	}
	return &file{fs: fs, name: name, inode: n}, nil
}

// Open implements vfs.FS.
func (fs *crashFS) Open(p string, opts ...vfs.OpenOption) (vfs.File, error) {
	fs.mu.Lock()
	n, name, err := fs.find("open", p)
	fs.mu.Unlock()
	if err != nil {
		return nil, err
	}
	f := &file{fs: fs, name: name, inode: n}
	for _, o := range opts {
		o.Apply(f)
	}
	return f, nil
}

func (fs *crashFS) find(op, p string) (*inode, string, error) {
	name, inside := base(p)
	n := fs.names[name]
	if !inside || n == nil {
		return nil, "", notExist(op, p)
	}
	return n, name, nil
}

// OpenReadWrite implements vfs.FS. Pebble does not use it as we use Pebble: files here only grow.
func (fs *crashFS) OpenReadWrite(p string, _ vfs.DiskWriteCategory, _ ...vfs.OpenOption) (vfs.File, error) {
	return nil, &os.PathError{Op: "open for writing", Path: p, Err: errors.ErrUnsupported}
}

// OpenDir implements vfs.FS.
func (fs *crashFS) OpenDir(p string) (vfs.File, error) {
	return &dir{fs: fs, path: path.Clean(p)}, nil
}

// Remove implements vfs.FS.
func (fs *crashFS) Remove(p string) error {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	_, name, err := fs.find("remove", p)
	if err == nil && !fs.frozen {
		delete(fs.names, name)
	}
	return err
}

// RemoveAll implements vfs.FS.
func (fs *crashFS) RemoveAll(p string) error {
	if err := fs.Remove(p); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Link implements vfs.FS.
func (fs *crashFS) Link(oldPath, newPath string) error {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	n, _, err := fs.find("link", oldPath)
	if err != nil {
		return err
	}
	if _, _, err := fs.find("link", newPath); err == nil {
		return &os.LinkError{Op: "link", Old: oldPath, New: newPath, Err: os.ErrExist}
	}
	_, err = fs.put("link", newPath, n)
	return err
}

// Rename implements vfs.FS.
func (fs *crashFS) Rename(oldPath, newPath string) error {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	n, name, err := fs.find("rename", oldPath)
	if err != nil {
		return err
	}
	if !fs.frozen {
		delete(fs.names, name)
	}
	_, err = fs.put("rename", newPath, n)
	return err
}

// ReuseForWrite implements vfs.FS. The new file is empty: old content behind a new log's end would only cost memory.
func (fs *crashFS) ReuseForWrite(oldPath, newPath string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := fs.Remove(oldPath); err != nil {
		return nil, err
	}
	return fs.Create(newPath, c)
}

// MkdirAll implements vfs.FS. The folder is there from the start.
func (fs *crashFS) MkdirAll(p string, _ os.FileMode) error {
	if c := path.Clean(p); c != folder && c != path.Dir(folder) {
		return &os.PathError{Op: "mkdir", Path: p, Err: errors.ErrUnsupported}
	}
	return nil
}

// Lock implements vfs.FS. There is only one lock, as there is only one folder.
func (fs *crashFS) Lock(p string) (io.Closer, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.locked {
		return nil, &os.PathError{Op: "lock", Path: p, Err: os.ErrExist}
	}
	fs.locked = true
	return &lock{fs: fs}, nil
}

type lock struct{ fs *crashFS }

// Close releases the lock.
func (l *lock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	l.fs.locked = false
	return nil
}

// List implements vfs.FS. Names come in order, so that nothing above depends on the order of a map.
func (fs *crashFS) List(p string) ([]string, error) {
	if path.Clean(p) != folder {
		return nil, notExist("list", p)
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return slices.Sorted(maps.Keys(fs.names)), nil
}

// Stat implements vfs.FS.
func (fs *crashFS) Stat(p string) (vfs.FileInfo, error) {
	if c := path.Clean(p); c == folder || c == path.Dir(folder) {
		return info{name: path.Base(c), dir: true}, nil
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	n, name, err := fs.find("stat", p)
	if err != nil {
		return nil, err
	}
	return info{name: name, size: int64(len(n.data))}, nil
}

// PathBase implements vfs.FS.
func (fs *crashFS) PathBase(p string) string { return path.Base(p) }

// PathJoin implements vfs.FS.
func (fs *crashFS) PathJoin(elem ...string) string { return path.Join(elem...) }

// PathDir implements vfs.FS.
func (fs *crashFS) PathDir(p string) string { return path.Dir(p) }

// GetDiskUsage implements vfs.FS. There is room without end, or none.
func (fs *crashFS) GetDiskUsage(string) (vfs.DiskUsage, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	u := vfs.DiskUsage{AvailBytes: 1 << 40, TotalBytes: 1 << 40}
	if fs.trouble.Full || fs.trouble.Low {
		fs.trouble.refused++
		u.AvailBytes = 0
	}
	return u, nil
}

// Unwrap implements vfs.FS.
func (fs *crashFS) Unwrap() vfs.FS { return nil }
