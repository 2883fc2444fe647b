package engine

import (
	"bytes"
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Excise removes all keys in [start, end) for good and at once, out of the tables themselves and without reading what it
// removes: damaged blocks go with it. It can't cut through one, so it fails with a *CorruptError if start or end lie
// in a damaged block; the keys are all there then. It makes everything committed before durable, and is durable itself.
func (e *Engine) Excise(start, end []byte) error {
	if e.pace != nil {
		e.pace.flush()
	} else if err := e.db.Flush(); err != nil {
		panic(fmt.Sprintf("engine: excise [%x, %x): flush: %v", start, end, err))
	}
	if in, err := e.checkCuts(start, end); err != nil {
		bad := failed(err, "excise [%x, %x)", start, end)
		bad.In = in
		return bad
	}
	if err := e.db.Excise(context.Background(), pebble.KeyRange{Start: start, End: end}); err != nil {
		panic(fmt.Sprintf("engine: excise [%x, %x): %v", start, end, err))
	}
	if e.pace != nil {
		e.pace.settle()
	}
	return nil
}

// checkCuts reads what Pebble will read of the tables that it cuts: the last key before start and the first one behind
// end. Pebble takes a damaged block for the end of the table there, and would drop all that lies beyond.
func (e *Engine) checkCuts(start, end []byte) (Damage, error) {
	levels, err := e.db.SSTables()
	if err != nil {
		return Damage{}, err
	}
	for _, tables := range levels {
		for _, t := range tables {
			left := bytes.Compare(t.Smallest.UserKey, start) < 0 && bytes.Compare(start, t.Largest.UserKey) <= 0
			right := bytes.Compare(t.Smallest.UserKey, end) < 0 && bytes.Compare(end, t.Largest.UserKey) <= 0
			if left || right {
				d := Damage{table: tableName(t), start: t.Smallest.UserKey, last: t.Largest.UserKey}
				if err := e.checkCut(d.table, start, end); err != nil {
					return d, err
				}
			}
		}
	}
	return Damage{}, nil
}

// tableName is the file that has a table, or has it as a part.
func tableName(t pebble.SSTableInfo) string { return fmt.Sprintf("%v.sst", t.BackingSSTNum) }

func (e *Engine) checkCut(table string, start, end []byte) error {
	r, err := openTable(e.fs, e.fs.PathJoin(e.folder, table))
	if err != nil {
		return err
	}
	defer r.Close()
	it, err := r.NewPointIter(context.Background(), sstable.IterOptions{})
	if err != nil {
		return err
	}
	defer it.Close()
	if it.SeekLT(start, 0) == nil && it.Error() != nil {
		return it.Error()
	}
	if it.SeekGE(end, 0) == nil && it.Error() != nil {
		return it.Error()
	}
	return nil
}

// openTable opens a table past Pebble and its cache.
func openTable(fs vfs.FS, path string) (*sstable.Reader, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	readable, err := sstable.NewSimpleReadable(f)
	if err != nil {
		return nil, err
	}
	opts := &pebble.Options{}
	addCommon(opts, &damages{})
	opts.EnsureDefaults()
	return sstable.NewReader(context.Background(), readable, opts.MakeReaderOptions())
}
