package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/wal"
)

// A write-ahead log that was damaged looks like one that a loss of power cut off: it ends at the first record that is not
// whole. Pebble takes a damaged log for one that ends early, unless a later block of 32 KiB has a record that knows that the
// damaged one had been synced; what was acknowledged after the damage, votes and entries of logs among it, is then lost in
// silence. So the disk notes beside the log up to where it was synced, after each sync, and a log whose records do not
// reach that far is refused. The note is in a file of its own, so that what damages the one leaves the other.
//
// The note is not synced itself, which would double the time that a commit takes. It is on the disk at once as far as other
// processes can tell, and soon if the machine loses power; until then an older note stands, or none, and damage behind it is
// found as far as Pebble finds it. A note never goes further than what was synced, so a log that was cut off by a loss of
// power is never refused.

// markName is the file with the note; Pebble ignores it.
const markName = "SYNCED"

// logMark says that the first synced bytes of a write-ahead log are durable. They end where a record ends.
type logMark struct {
	log    wal.NumWAL
	synced int64
	// count rises with each note, so that the later of two is known.
	count uint64
}

// Notes are written in turn to the two places of the file: whatever happens to one, the other one stands.
const (
	markBytes  = 32
	markPlaces = 2
)

// encode returns the bytes of a note: log, synced, count and their hash.
func (m logMark) encode() []byte {
	b := make([]byte, 0, markBytes)
	b = binary.LittleEndian.AppendUint64(b, uint64(m.log))
	b = binary.LittleEndian.AppendUint64(b, uint64(m.synced))
	b = binary.LittleEndian.AppendUint64(b, m.count)
	return binary.LittleEndian.AppendUint64(b, xxhash.Sum64(b))
}

// decodeMark returns the latest note in the content of a file that is whole; false if none is.
func decodeMark(content []byte) (latest logMark, ok bool) {
	for ; len(content) >= markBytes; content = content[markBytes:] {
		b := content[:markBytes]
		if xxhash.Sum64(b[:markBytes-8]) != binary.LittleEndian.Uint64(b[markBytes-8:]) {
			continue
		}
		m := logMark{
			log:    wal.NumWAL(binary.LittleEndian.Uint64(b)),
			synced: int64(binary.LittleEndian.Uint64(b[8:])),
			count:  binary.LittleEndian.Uint64(b[16:]),
		}
		if !ok || m.count > latest.count {
			latest, ok = m, true
		}
	}
	return latest, ok
}

// LogDamagedError says that a write-ahead log does not hold what was synced to it.
type LogDamagedError struct {
	// Log is the file. Its records are whole up to byte At, and Synced bytes of it had been synced.
	Log        string
	At, Synced int64
}

// Error implements error.
func (e *LogDamagedError) Error() string {
	return fmt.Sprintf("engine: the write-ahead log %s is damaged: it can be read up to byte %d, and %d bytes of it were synced, so "+
		"what was acknowledged is lost", e.Log, e.At, e.Synced)
}

// checkLog returns a *LogDamagedError if the write-ahead log in a folder does not hold what is known to have been synced. It
// is to be called before Pebble opens the folder, which takes the log into tables as far as it can be read.
func checkLog(fs vfs.FS, folder string) error {
	// gofail: var bugDamageEndsLog struct{}
	// return nil

	content, err := readFile(fs, fs.PathJoin(folder, markName))
	if err != nil {
		return fmt.Errorf("note of what was synced: %w", err)
	}
	m, ok := decodeMark(content)
	if !ok {
		return nil
	}
	name, err := logNamed(fs, folder, m.log)
	if name == "" || err != nil {
		return err // that log is in tables already
	}
	log, err := readFile(fs, fs.PathJoin(folder, name))
	if err != nil {
		return fmt.Errorf("write-ahead log %s: %w", name, err)
	}
	if at := wholeUpTo(log, m); at < m.synced {
		return &LogDamagedError{Log: name, At: at, Synced: m.synced}
	}
	return nil
}

// readFile returns the content of a file, nothing if there is none.
func readFile(fs vfs.FS, path string) ([]byte, error) {
	f, err := fs.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(f)
	return content, errors.Join(err, f.Close())
}

// logNamed returns the file of a write-ahead log, "" if there is none.
func logNamed(fs vfs.FS, folder string, log wal.NumWAL) (string, error) {
	names, err := fs.List(folder)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	for _, name := range names {
		if number, _, ok := wal.ParseLogFilename(name); ok && number == log {
			return name, err
		}
	}
	return "", err
}

// wholeUpTo returns how much of what was synced of a log can be read.
func wholeUpTo(content []byte, m logMark) int64 {
	content = content[:min(int64(len(content)), m.synced)]
	records, err := readRecords(content, m.log)
	end := int64(0)
	if len(records) > 0 {
		end = int64(records[len(records)-1].end)
	}
	if err == nil && endsLog(content[end:], m.log) {
		return m.synced
	}
	return end
}

// logTrailer is how a log that was closed ends: the header of a record without checksum and length, which names the next log.
const logTrailerKind = 5

// endsLog says whether all that is behind the last record of a log is what may be there: nothing, or padding up to the next
// block, and a trailer. A record that was damaged so that it names the next log is none: it has a checksum.
func endsLog(rest []byte, log wal.NumWAL) bool {
	trailer := binary.LittleEndian.AppendUint32([]byte{logTrailerKind}, uint32(log)+1)
	rest = bytes.TrimLeft(rest, "\x00")
	return len(rest) == 0 || bytes.Equal(rest, trailer)
}

// readRecords returns where the records of a log lie, up to the first that is not whole, for which err is the reason. Those
// that only force a sync are among them.
func readRecords(content []byte, log wal.NumWAL) (records []walRecord, err error) {
	r := newRecordReader(record.NewReader, bytes.NewReader(content), log)
	for {
		rec := walRecord{start: int(r.Offset())}
		next, err := r.Next()
		if err == io.EOF {
			return records, nil
		}
		if err == nil {
			rec.batch, err = io.ReadAll(next)
		}
		if err != nil {
			return records, err
		}
		rec.end = int(r.Offset())
		records = append(records, rec)
	}
}
