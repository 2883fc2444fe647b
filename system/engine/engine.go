// Package engine is the storage of a node: one ordered key-value space on Pebble, written in atomic batches.
//
// # Visible is not durable
//
// Engine.Commit makes a batch visible to reads at once and appends it to Pebble's write-ahead log, but does not wait for
// the disk. The caller sets a barrier with its world (world.Effects.Sync), and the world learns from Disk.Position how
// far the barrier has to reach. Batches become durable in the order of their commits, never one without all before it.
//
// # Two disks
//
// A Disk outlives the engines opened on it, as a machine's disk outlives its crashes. DirDisk is a folder of the real
// file system. SimDisk is Pebble as well, on a file system in memory that can lose power: a crash keeps an exact number
// of commits, chosen by the caller, and may leave a torn record behind them. For one sequence of commits, crashes and
// openings a SimDisk always has the same content, whatever the goroutines inside Pebble do meanwhile.
//
// # Errors
//
// An engine whose disk fails can't say any more what it holds, so reads and commits panic with what failed and where.
// Opening, syncing and closing return errors, and so do Read, ReadRange and views if a block does not have the checksum
// that was written with it: that takes some keys away, not all. Nothing but this package imports Pebble.
package engine

import (
	"fmt"
	"math"
	"sync/atomic" //tidy:sync the world counts commits from another goroutine than the one that makes them

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"ordeal/world"
)

// formatVersion is the format of everything that engines write. It is pinned so that an update of Pebble changes no
// bytes behind our back; raising it is a decision, since a disk can't go back.
const formatVersion = pebble.FormatTableFormatV6

// Disk is where a node keeps its data. There is one per node, and it survives crashes of the node.
type Disk interface {
	world.Disk
	// Open starts a life on the disk with everything that is durable on it. It fails if the disk is open already or
	// if what is on it can't be read.
	Open() (*Engine, error)
}

// Engine is an open disk. In the simulated world one goroutine uses it. In the real world goroutines may read and commit
// at the same time, each with batches of its own.
type Engine struct {
	db *pebble.DB
	// fs and folder are where Pebble keeps its tables.
	fs     vfs.FS
	folder string
	// committed belongs to the disk, so that it goes on counting in the engine's next life.
	committed *atomic.Uint64
	// pace keeps Pebble from flushing at moments of its own choice. Nil in the real world.
	pace *pacer
	// views are closed with the disk.
	views   *views
	damages *damages
}

// Used is about how many bytes the disk is used for, without its log.
func (e *Engine) Used() uint64 {
	n, err := e.db.EstimateDiskUsage([]byte{0}, keysEnd)
	if err != nil {
		panic(&FailedError{What: "estimate what is used", Cause: err})
	}
	if e.pace != nil {
		n += uint64(e.pace.held)
	}
	return n
}

// Room is how many bytes the disk has left, whoever uses the others; all there could be if it does not tell.
func (e *Engine) Room() uint64 {
	u, err := e.fs.GetDiskUsage(e.folder)
	if err != nil {
		return math.MaxUint64
	}
	return u.AvailBytes
}

// NewBatch returns an empty batch for this engine. It can be reused: Commit empties it.
func (e *Engine) NewBatch() *Batch {
	return &Batch{batch: e.db.NewBatch()}
}

// Commit applies b atomically and empties it. Reads see it at once; a crash may still lose it until the disk has been
// synced. An empty batch is no commit. Commit panics with a *FailedError if Pebble fails, as it does on a full disk.
func (e *Engine) Commit(b *Batch) {
	if b.Empty() {
		return
	}
	if e.pace != nil {
		if err := e.pace.fs.room(); err != nil {
			// gofail: var bugFullDropsCommit struct{}
			// b.Reset()
			// return

			panic(&FailedError{What: fmt.Sprintf("commit %d", e.committed.Load()+1), Cause: err})
		}
		e.pace.before(b)
	}
	if err := e.db.Apply(b.batch, pebble.NoSync); err != nil {
		panic(&FailedError{
			What: fmt.Sprintf("commit %d of %d operations, %d bytes", e.committed.Load()+1, b.Count(), b.Size()), Cause: err,
		})
	}
	e.committed.Add(1)
	if e.pace != nil {
		e.pace.after(b)
	}
	b.Reset()
}
