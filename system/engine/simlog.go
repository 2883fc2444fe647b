package engine

import (
	"bytes"
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

// logRecord is where the bytes of one commit lie in a log: [start, end). Between records there may be padding.
type logRecord struct {
	start, end int
}

// logRecords is what a log consists of: one record for each commit, in order.
type logRecords []logRecord

// batchHeaderLen is the length of what precedes the operations of a batch: sequence number and count of operations.
const (
	batchCountOffset = 8
	batchHeaderLen   = 12
)

// readLog finds the records of a log. The records that only force a sync hold no operation and are left out. It panics if
// the log ends other than with a whole record: it has just been written in full.
func readLog(fs *crashFS, log logFile) logRecords {
	content, ok := fs.durableContent(log.name)
	if !ok {
		panic(fmt.Sprintf("engine: write-ahead log %s is not durable", log.name))
	}
	r := newRecordReader(record.NewReader, bytes.NewReader(content), log.number)
	var records logRecords
	var batch bytes.Buffer
	for {
		start := int(r.Offset())
		rec, err := r.Next()
		if err == io.EOF {
			return records
		}
		batch.Reset()
		if err == nil {
			_, err = batch.ReadFrom(rec)
		}
		if err != nil || batch.Len() < batchHeaderLen {
			panic(fmt.Sprintf("engine: write-ahead log %s of %d bytes: record %d at %d has %d bytes: %v",
				log.name, len(content), len(records), start, batch.Len(), err))
		}
		if binary.LittleEndian.Uint32(batch.Bytes()[batchCountOffset:]) > 0 {
			records = append(records, logRecord{start: start, end: int(r.Offset())})
		}
	}
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
