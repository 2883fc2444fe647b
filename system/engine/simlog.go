package engine

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/wal"
)

// logFile names a write-ahead log.
type logFile struct {
	name   string
	number wal.NumWAL
}

// currentLog returns the log that commits go to: the one with the highest number.
func currentLog(fs *crashFS) logFile {
	names, err := fs.List(folder)
	if err != nil {
		panic(fmt.Sprintf("engine: list the simulated disk: %v", err))
	}
	var current logFile
	for _, name := range names {
		if number, _, ok := wal.ParseLogFilename(name); ok && number >= current.number {
			current = logFile{name: name, number: number}
		}
	}
	if current.name == "" {
		panic(fmt.Sprintf("engine: no write-ahead log among %q", names))
	}
	return current
}

// walRecord is where the bytes of one record lie in a log, [start, end), and what they hold. Between records there may be
// padding, which belongs to the one behind it.
type walRecord struct {
	start, end int
	batch      []byte
}

// logRecords is what a log consists of: one record for each commit, in order.
type logRecords []walRecord

// batchHeaderLen is the length of what precedes the operations of a batch: sequence number and count of operations.
const (
	batchCountOffset = 8
	batchHeaderLen   = 12
)

// operations says how many operations a record holds; 0 if it only forces a sync.
func (r walRecord) operations() uint32 {
	return binary.LittleEndian.Uint32(r.batch[batchCountOffset:])
}

// readLog finds the records of a log. The records that only force a sync hold no operation and are left out. It panics if
// the log ends other than with a whole record: it has just been written in full.
func readLog(fs *crashFS, log logFile) logRecords {
	content, ok := fs.durableContent(log.name)
	if !ok {
		panic(fmt.Sprintf("engine: write-ahead log %s is not durable", log.name))
	}
	all, err := readRecords(content, log.number)
	var records logRecords
	for i, r := range all {
		if len(r.batch) < batchHeaderLen {
			err = fmt.Errorf("record %d has %d bytes", i, len(r.batch))
			break
		}
		if r.operations() > 0 {
			records = append(records, r)
		}
	}
	if err != nil {
		panic(fmt.Sprintf("engine: write-ahead log %s of %d bytes behind %d records: %v", log.name, len(content), len(records), err))
	}
	return records
}

// newRecordReader calls record.NewReader, whose second argument has a type that has no public name.
func newRecordReader[N ~uint64](open func(io.Reader, N) *record.Reader, r io.Reader, number wal.NumWAL) *record.Reader {
	return open(r, N(number))
}

func (l logRecords) commits() uint64 { return uint64(len(l)) }

// cut returns the length of the log that has the first keep commits, and half of the next one if torn is set.
func (l logRecords) cut(keep uint64, torn bool) int {
	next := l[keep]
	if torn {
		return next.start + (next.end-next.start)/2
	}
	return next.start
}

// end returns how long the log of the first keep commits is.
func (l logRecords) end(keep uint64) int64 {
	if keep == 0 {
		return 0
	}
	return int64(l[keep-1].end)
}
