package engine

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Excise removes all keys in [start, end) for good and at once, out of the tables themselves and without reading what it
// removes: damaged blocks go with it. It can't cut through one, so it fails with a *CorruptError if start or end lie
// in a damaged block; the keys are all there then. It makes everything committed before durable, and is durable itself.
func (e *Engine) Excise(start, end []byte) error {
	if e.pace != nil {
		if err := e.pace.fs.room(); err != nil {
			panic(&FailedError{What: fmt.Sprintf("excise [%x, %x)", start, end), Cause: err})
		}
		e.pace.flush()
	} else if err := e.db.Flush(); err != nil {
		panic(&FailedError{What: fmt.Sprintf("excise [%x, %x): flush", start, end), Cause: err})
	}
	if in, err := e.checkCuts(start, end); err != nil {
		bad := failed(err, "excise [%x, %x)", start, end)
		bad.In = in
		return bad
	}
	if err := e.db.Excise(context.Background(), pebble.KeyRange{Start: start, End: end}); err != nil {
		panic(&FailedError{What: fmt.Sprintf("excise [%x, %x)", start, end), Cause: err})
	}
	if e.pace != nil {
		e.pace.settle()
	}
	return nil
}

// checkCuts reads what Pebble will read of the tables that it cuts: the last key before start, the first one behind end. Pebble
// takes a damaged block for the end of the table there, and would drop all that lies beyond.
func (e *Engine) checkCuts(start, end []byte) (Damage, error) {
	levels, err := e.db.SSTables()
	if err != nil {
		return Damage{}, err
	}
	cutAt := func(t pebble.SSTableInfo, key []byte) bool {
		// Where a range that was deleted ends the table, the last key is the end of that range, which is not in it.
		last := bytes.Compare(key, t.Largest.UserKey)
		return bytes.Compare(t.Smallest.UserKey, key) < 0 && (last < 0 || last == 0 && !t.Largest.IsExclusiveSentinel())
	}
	for _, t := range slices.Concat(levels...) {
		d := Damage{table: tableName(t), start: t.Smallest.UserKey, last: t.Largest.UserKey}
		if cutAt(t, start) {
			err = e.checkCut(t, func(it sstable.Iterator) { it.SeekLT(start, 0) })
		}
		// A table that ends before end has nothing behind it, and may end with the damaged block.
		if err == nil && cutAt(t, end) {
			err = e.checkCut(t, func(it sstable.Iterator) { it.SeekGE(end, 0) })
		}
		if err != nil {
			return d, err
		}
	}
	return Damage{}, nil
}

// tableName is the file that has a table, or has it as a part.
func tableName(t pebble.SSTableInfo) string { return fmt.Sprintf("%v.sst", t.BackingSSTNum) }

// checkCut says what is wrong with what seek reads of a table.
func (e *Engine) checkCut(t pebble.SSTableInfo, seek func(sstable.Iterator)) error {
	r, err := openTable(e.fs, e.fs.PathJoin(e.folder, tableName(t)))
	if err != nil {
		return err
	}
	defer r.Close()
	it, err := r.NewPointIter(context.Background(), sstable.IterOptions{})
	if err != nil {
		return err
	}
	defer it.Close()
	seek(it)
	return it.Error()
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
