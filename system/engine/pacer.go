package engine

import (
	"context"
	"fmt"
	"sync/atomic" //tidy:sync see engine.go

	"github.com/cockroachdb/pebble/v2"
)

const (
	// memTableSize is the size of Pebble's memtable in the simulated world. Pebble starts with one of 256 KiB
	// whatever it is told and lets it grow with use, so only this size makes all of them equal.
	memTableSize = 256 << 10
	// flushBytes is how much a memtable may hold at most before it is flushed, so that Pebble never finds it full.
	// The rest is room for its empty skip lists and for the luck of its dice.
	flushBytes = 240 << 10
	// largeBatchBytes is the size above which a batch gets a flush of its own. Pebble handles batches of more than
	// half a memtable apart from all others, and changes logs for them.
	largeBatchBytes = flushBytes / 2
	// entryBytesMax is the most that an entry can take in the memtable besides its key and value: a skip list node of
	// full height. Pebble wants room for that when it takes a batch.
	entryBytesMax = 200
	// entryBytes is what entries take once they are in, with 20 bytes each to spare: a node has 24 bytes and 8 for each
	// level, of which it has 1.6 on average, and some padding. That enough of them are so much taller that a memtable
	// overflows has a chance below e^-800 (Chernoff's bound, with what flushBytes leaves free).
	entryBytes = 64
	// compactFlushes is how many flushes pass between two compactions: reads look into that many tables at most.
	compactFlushes = 8
)

// pacer decides when a simulated disk moves commits from memory into tables, and when it merges tables. Pebble, left
// alone, decides by the height of skip list nodes, which it draws from a source that can't be seeded, and on goroutines
// of its own. A commit is durable or not depending on that, so it has to follow from the commits alone.
type pacer struct {
	db        *pebble.DB
	fs        *crashFS
	committed *atomic.Uint64
	// log is the current write-ahead log; logStart counts the commits before its first, which are durable in tables.
	log      logFile
	logStart uint64
	// held is how much the memtable holds, in bytes, by entryBytes.
	held int
	// flushes counts those since the last compaction, and belongs to the disk: recovery flushes as well, and a disk that
	// crashes all the time must not drown in small tables.
	flushes *int
}

// newPacer takes over a database that has just recovered and flushed what it found in the log.
func newPacer(db *pebble.DB, fs *crashFS, committed *atomic.Uint64, flushes *int) *pacer {
	p := &pacer{db: db, fs: fs, committed: committed, flushes: flushes}
	p.flushed()
	return p
}

// before makes room for b.
func (p *pacer) before(b *Batch) {
	if p.held > 0 && (p.held+bytesMax(b) > flushBytes || large(b)) {
		if log := currentLog(p.fs); log != p.log {
			panic(fmt.Sprintf("engine: commit %d went to log %s, not to %s: Pebble flushed by itself at %d bytes",
				p.committed.Load(), log.name, p.log.name, p.held))
		}
		p.flush()
	}
	p.held += b.payload + b.Count()*entryBytes
}

// after flushes a batch that Pebble would otherwise flush when it likes.
func (p *pacer) after(b *Batch) {
	if large(b) {
		p.flush()
	}
}

// bytesMax is the room that Pebble wants for b.
func bytesMax(b *Batch) int { return b.payload + b.Count()*entryBytesMax }

func large(b *Batch) bool { return bytesMax(b) > largeBatchBytes }

// flush makes everything committed durable and waits until Pebble has nothing left to do.
func (p *pacer) flush() {
	if err := p.db.Flush(); err != nil {
		panic(&FailedError{What: fmt.Sprintf("flush after commit %d", p.committed.Load()), Cause: err})
	}
	p.flushed()
}

// flushed compacts if it is time.
func (p *pacer) flushed() {
	*p.flushes++
	if *p.flushes >= compactFlushes {
		*p.flushes = 0
		// A damaged block stops it until it is excised; see TakeDamages.
		err := p.db.Compact(context.Background(), nil, keysEnd, false)
		if err != nil && !pebble.IsCorruptionError(err) {
			panic(&FailedError{What: fmt.Sprintf("compact after commit %d", p.committed.Load()), Cause: err})
		}
	}
	p.settle()
}

// settle waits until Pebble has done what it was told, and notes that there is a new log with nothing in it.
func (p *pacer) settle() {
	// Files that have become obsolete are removed by another goroutine; its name notwithstanding, this waits for it.
	p.db.TestOnlyWaitForCleaning()
	p.fs.syncFolder()
	p.log, p.logStart, p.held = currentLog(p.fs), p.committed.Load(), 0
}
