package engine

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"sync" //tidy:sync Pebble tells of its compactions from goroutines of its own

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Damage is a table with a block that does not hold what was written there. Which of its keys the block has is not known,
// but Harms tells for any range whether the block is in the way of reading it.
type Damage struct {
	// table is the name of the file. Its keys are those of [start, last].
	table       string
	start, last []byte
}

// Known says whether d is a table at all: an error may not tell of which it is.
func (d Damage) Known() bool { return d.table != "" }

// Range returns the keys that the table may have: [start, end).
func (d Damage) Range() (start, end []byte) { return d.start, append(slices.Clone(d.last), 0) }

// maxDamages bounds the damages that wait to be taken. Whoever came to one that is dropped comes to it again.
const maxDamages = 64

// damages are what compactions met, for whom nobody waits, and what readers met that was not theirs.
type damages struct {
	mu    sync.Mutex
	found []Damage
}

// compacted takes notice of how a compaction ended.
func (ds *damages) compacted(info pebble.CompactionInfo) {
	if d := damageOf(info.Err); d.Known() {
		ds.add(d)
	}
}

// damageOf returns the table that an error of Pebble's is about, if it says so.
func damageOf(err error) Damage {
	at := pebble.ExtractDataCorruptionInfo(err)
	if at == nil {
		return Damage{}
	}
	return Damage{table: filepath.Base(at.Path), start: slices.Clone(at.Bounds.Start), last: slices.Clone(at.Bounds.End.Key)}
}

// add keeps a damage until it is taken.
func (ds *damages) add(d Damage) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	known := slices.ContainsFunc(ds.found, func(o Damage) bool { return o.table == d.table && bytes.Equal(o.start, d.start) })
	if !known && len(ds.found) < maxDamages {
		ds.found = append(ds.found, d)
	}
}

// Damaged says whether there is anything to take.
func (e *Engine) Damaged() bool {
	e.damages.mu.Lock()
	defer e.damages.mu.Unlock()
	return len(e.damages.found) > 0
}

// NoteDamage keeps the damage that a read came to until it is taken, beside those of compactions.
func (e *Engine) NoteDamage(d Damage) { e.damages.add(d) }

// TakeDamages returns the tables that kept compactions from being done since it was last called, and those that were noted,
// at most maxDamages. As long as such a table is there they can't be done; whoever takes it sees to it that its damaged
// block is excised.
func (e *Engine) TakeDamages() []Damage {
	e.damages.mu.Lock()
	defer e.damages.mu.Unlock()
	found := e.damages.found
	e.damages.found = nil
	return found
}

// Harms says whether a damaged block of d is in the way of reading [start, end), by reading all that the table has of it. A
// table that is gone harms nobody.
func (e *Engine) Harms(d Damage, start, end []byte) bool {
	path := e.fs.PathJoin(e.folder, d.table)
	if _, err := e.fs.Stat(path); err != nil {
		return false
	}
	from, to := d.Range()
	if len(end) == 0 || bytes.Compare(to, end) < 0 {
		end = to
	}
	if bytes.Compare(from, start) > 0 {
		start = from
	}
	return bytes.Compare(start, end) < 0 && pebble.IsCorruptionError(readTable(e.fs, path, start, end))
}

// readTable reads what a table has of [start, end), past Pebble and its cache.
func readTable(fs vfs.FS, path string, start, end []byte) error {
	r, err := openTable(fs, path)
	if err != nil {
		return err
	}
	defer r.Close()
	it, err := r.NewPointIter(context.Background(), sstable.IterOptions{Lower: start, Upper: end})
	if err != nil {
		return err
	}
	defer it.Close()
	for kv := it.First(); kv != nil; kv = it.Next() {
	}
	return it.Error()
}
