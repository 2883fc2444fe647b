package engine

import (
	"errors"
	"fmt"
	"sync/atomic" //tidy:sync see engine.go

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// SimDisk is a disk of the simulated world: a real Pebble on a file system in memory, with crashes that lose exactly what
// they are told to. It is used by one goroutine, like everything in that world.
type SimDisk struct {
	fs *crashFS
	db *pebble.DB
	// pace is the pacer of the current life.
	pace *pacer
	// views are those of the current life.
	views *views
	// committed counts the commits that are on the disk, durable or not.
	committed atomic.Uint64
	// synced is how many commits the last Sync or Close made durable.
	synced uint64
	// flushes counts those since the last compaction, over all lives.
	flushes int
	// marks counts the notes of what was synced.
	marks uint64
}

var _ Disk = (*SimDisk)(nil)

// NewSimDisk returns an empty disk. It takes no memory to speak of until it is opened.
func NewSimDisk() *SimDisk {
	return &SimDisk{fs: newCrashFS()}
}

// Open implements Disk. Recovery makes durable whatever the last life left behind.
func (d *SimDisk) Open() (*Engine, error) {
	if d.db != nil {
		return nil, errors.New("open simulated disk: it is open already; close it or crash it first")
	}
	if err := d.fs.room(); err != nil {
		return nil, &FailedError{What: "open simulated disk", Cause: err} // recovery has to write
	}
	if err := checkLog(d.fs, folder); err != nil {
		return nil, fmt.Errorf("open simulated disk after %d commits: %w", d.committed.Load(), err)
	}
	found := &damages{}
	db, err := pebble.Open(folder, simOptions(d.fs, found))
	if err != nil {
		return nil, fmt.Errorf("open simulated disk after %d commits: %w", d.committed.Load(), err)
	}
	if d.pace, err = d.recovered(db); err != nil {
		return nil, fmt.Errorf("open simulated disk after %d commits: %w", d.committed.Load(), err)
	}
	d.db = db
	d.views = &views{}
	return &Engine{db: db, fs: d.fs, folder: folder, committed: &d.committed, pace: d.pace, views: d.views, damages: found}, nil
}

// recovered takes over a database that was just opened. It may have to merge tables, and a disk that can't be read is closed.
func (d *SimDisk) recovered(db *pebble.DB) (p *pacer, err error) {
	defer func() {
		if r := recover(); r != nil {
			bad, ok := r.(*FailedError)
			if !ok {
				panic(r)
			}
			err = errors.Join(bad, db.Close())
		}
	}()
	return newPacer(db, d.fs, &d.committed, &d.flushes), nil
}

// Position implements world.Disk. A crash sets it back to the commits that it left.
func (d *SimDisk) Position() uint64 { return d.committed.Load() }

// Durable returns how many commits no crash can take any more. Besides Sync, Pebble itself makes commits durable when it
// moves them from memory into tables; the simulated disk does that at fixed amounts of data.
func (d *SimDisk) Durable() uint64 {
	if d.db == nil {
		return d.committed.Load()
	}
	return max(d.synced, d.pace.logStart)
}

// Sync implements world.Disk.
func (d *SimDisk) Sync() error {
	if d.db == nil {
		return errors.New("sync simulated disk: it is not open")
	}
	d.synced = d.committed.Load()
	return nil
}

// Crash implements world.Disk. A keep below Durable is raised to it, and a keep above Position panics. The disk is closed
// afterwards and can be opened again; engines, views and batches of the life that ended must not be used any more. A disk that
// is not open has nothing to lose.
func (d *SimDisk) Crash(keep uint64, torn bool) (lost uint64) {
	position := d.committed.Load()
	if keep > position {
		panic(fmt.Sprintf("engine: crash is to keep %d commits, but there are only %d", keep, position))
	}
	if d.db == nil {
		return 0
	}
	keep = max(keep, d.Durable())

	// Nothing may depend on how far Pebble's goroutines have got with writing the log: all of it goes to the file, and
	// the cut alone decides what is left.
	if err := d.db.LogData(nil, pebble.Sync); err != nil {
		panic(fmt.Sprintf("engine: crash: write the log of %d commits: %v", position, err))
	}
	d.fs.freeze()
	d.views.closeAll()
	if err := d.db.Close(); err != nil {
		panic(fmt.Sprintf("engine: crash: an operation was still going on, or an iterator is open: %v", err))
	}
	log := readLog(d.fs, d.pace.log)
	if log.commits() != position-d.pace.logStart {
		panic(fmt.Sprintf("engine: crash: log %s has %d commits, want those from %d to %d: Pebble changed logs by itself",
			d.pace.log.name, log.commits(), d.pace.logStart, position))
	}
	if keep < position {
		d.fs.truncateDurable(d.pace.log.name, log.cut(keep-d.pace.logStart, torn))
	}
	d.fs.thaw()
	d.note(d.pace.log, log.end(keep-d.pace.logStart))
	d.db, d.pace = nil, nil
	d.committed.Store(keep)
	return position - keep
}

// Close implements world.Disk. Closing a disk that is not open does nothing.
func (d *SimDisk) Close() error {
	if d.db == nil {
		return nil
	}
	db, log := d.db, d.pace.log
	d.db, d.pace = nil, nil
	d.views.closeAll()
	if err := db.Close(); err != nil {
		return fmt.Errorf("close simulated disk after %d commits: %w", d.committed.Load(), err)
	}
	d.synced = d.committed.Load()
	records := readLog(d.fs, log)
	d.note(log, records.end(records.commits()))
	return nil
}

// note leaves word of how much of the log is durable, as far as the disk can tell: what a crash left counts like what was synced.
func (d *SimDisk) note(log logFile, synced int64) {
	d.marks++
	m := logMark{log: log.number, synced: synced, count: d.marks}
	f, err := d.fs.Create(d.fs.PathJoin(folder, markName), vfs.WriteCategoryUnspecified)
	if err == nil {
		_, err = f.Write(m.encode())
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		panic(fmt.Sprintf("engine: note of what was synced: %v", err))
	}
	d.fs.syncFolder()
}
