package engine

import (
	"errors"
	"fmt"
	"sync"        //tidy:sync the real world syncs and closes a disk from other goroutines than the one that commits
	"sync/atomic" //tidy:sync see engine.go
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// DirDisk is a folder of the real file system, which one process at a time can open. Sync, Position and Close may be
// called while other goroutines read and commit; only Close needs them to be done.
type DirDisk struct {
	path string
	// open guards db: syncs hold it shared, so that none meets a database that is being closed.
	open  sync.RWMutex
	db    *pebble.DB
	views *views
	// fs notes what is synced, and lock keeps others away.
	fs   *markFS
	lock *pebble.Lock
	// full is called when a write finds no room, by whichever goroutine of Pebble's writes, before it tries once more.
	full func()
	// under is the file system that has the folder.
	under vfs.FS
	// committed counts from the first opening by this process: a position only ever gets compared within a process.
	committed atomic.Uint64
}

var _ Disk = (*DirDisk)(nil)

// NewDirDisk returns the disk in the folder path, which Open creates if need be.
func NewDirDisk(path string) *DirDisk {
	return &DirDisk{path: path, under: vfs.Default, full: func() {
		// Pebble would go on trying, and hold up all commits meanwhile.
		panic(&FailedError{What: "write to disk " + path, Cause: syscall.ENOSPC})
	}}
}

// Open implements Disk.
func (d *DirDisk) Open() (*Engine, error) {
	d.open.Lock()
	defer d.open.Unlock()
	if d.db != nil {
		return nil, fmt.Errorf("open disk %s: it is open already; close it first", d.path)
	}
	found := &damages{}
	if err := d.take(found); err != nil {
		return nil, fmt.Errorf("open disk %s: %w", d.path, errors.Join(err, d.leave()))
	}
	d.views = &views{}
	return &Engine{db: d.db, fs: vfs.Default, folder: d.path, committed: &d.committed, views: d.views, damages: found}, nil
}

// take opens the folder. If it fails, what it has opened is left to leave.
func (d *DirDisk) take(found *damages) (err error) {
	if err := vfs.Default.MkdirAll(d.path, 0o755); err != nil {
		return err
	}
	if d.lock, err = pebble.LockDirectory(d.path, vfs.Default); err != nil {
		return fmt.Errorf("is another process using it? %w", err)
	}
	if err := checkLog(vfs.Default, d.path); err != nil {
		return err
	}
	if d.fs, err = newMarkFS(vfs.OnDiskFull(d.under, d.full), d.path); err != nil {
		return err
	}
	o := dirOptions(found)
	o.FS, o.Lock = d.fs, d.lock
	d.db, err = pebble.Open(d.path, o)
	return err
}

// leave closes what take has opened.
func (d *DirDisk) leave() (err error) {
	db, fs, lock := d.db, d.fs, d.lock
	d.db, d.fs, d.lock = nil, nil, nil
	if db != nil {
		err = db.Close()
	}
	if fs != nil {
		err = errors.Join(err, fs.close())
	}
	if lock != nil {
		err = errors.Join(err, lock.Close())
	}
	return err
}

// Position implements world.Disk. It counts the commits of this process.
func (d *DirDisk) Position() uint64 { return d.committed.Load() }

// Sync implements world.Disk. Concurrent syncs share the work.
func (d *DirDisk) Sync() error {
	d.open.RLock()
	defer d.open.RUnlock()
	if d.db == nil {
		return fmt.Errorf("sync disk %s: it is not open", d.path)
	}
	// A record without content is what makes Pebble sync the records before it; an empty batch would not.
	if err := d.db.LogData(nil, pebble.Sync); err != nil {
		return fmt.Errorf("sync disk %s: commits up to %d may be lost: %w", d.path, d.Position(), err)
	}
	return nil
}

// Crash panics: only the simulated world can take the power from a disk. The real one kills processes.
func (d *DirDisk) Crash(uint64, bool) uint64 {
	panic(fmt.Sprintf("engine: disk %s is real and can't be crashed; kill its process instead", d.path))
}

// Close implements world.Disk. It syncs the log, which the next opening replays; a flush would wait for ever on a full disk.
func (d *DirDisk) Close() error {
	d.open.Lock()
	defer d.open.Unlock()
	if d.db == nil {
		return nil
	}
	d.views.closeAll()
	if err := d.leave(); err != nil {
		return fmt.Errorf("close disk %s: %w", d.path, err)
	}
	return nil
}

const (
	dirCacheBytes = 64 << 20
	// dirMemTableBytes is so large that most entries of a Raft log are compacted away before they would be flushed. Pebble
	// begins with a small one and doubles it with use.
	dirMemTableBytes = 64 << 20
	// dirMemTables is how many memtables may wait for their flush before commits are held up.
	dirMemTables = 4
	// dirCompactions is how many compactions may run at once.
	dirCompactions = 2
	// dirL0Compact and dirL0Stop are how many overlapping young tables start a compaction, and hold up commits.
	dirL0Compact = 4
	dirL0Stop    = 100
)

// dirOptions are for a store that shares its machine with a few others, but for the file system. That has to be set: Pebble's own
// choice watches for slow disks with goroutines that outlive an opening that failed.
func dirOptions(found *damages) *pebble.Options {
	o := &pebble.Options{
		FormatMajorVersion:          formatVersion,
		Logger:                      logger{},
		CacheSize:                   dirCacheBytes,
		MemTableSize:                dirMemTableBytes,
		MemTableStopWritesThreshold: dirMemTables,
		L0CompactionThreshold:       dirL0Compact,
		L0StopWritesThreshold:       dirL0Stop,
		CompactionConcurrencyRange:  func() (int, int) { return 1, dirCompactions },
	}
	addCommon(o, found)
	return o
}
