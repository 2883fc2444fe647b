package engine

import (
	"errors"
	"fmt"
)

// RotLog damages the disk while it is closed: it flips a bit of the record numbered n of its write-ahead log, counting round. Which bit
// follows from n. It says which one that was, and nothing if the log has no record.
func (d *SimDisk) RotLog(n uint64) (what string, err error) {
	if d.db != nil {
		return "", errors.New("rot: the simulated disk is open")
	}
	content, err := readFile(d.fs, d.fs.PathJoin(folder, markName))
	if err != nil {
		return "", err
	}
	m, ok := decodeMark(content)
	if !ok {
		return "", nil
	}
	name, err := logNamed(d.fs, folder, m.log)
	if name == "" || err != nil {
		return "", err
	}
	log, _ := d.fs.durableContent(name)
	records, err := readRecords(log[:m.synced], m.log)
	if len(records) == 0 {
		return "", err
	}
	count := uint64(len(records))
	r := records[n%count]
	// What a block has no room for is filled up: damage there is none.
	if left := logBlock - r.start%logBlock; left < walHeaderMax {
		r.start += left
	}
	at := r.start + int(n/count%uint64(r.end-r.start))
	d.fs.flipBit(name, at, uint(n/count%8))
	return fmt.Sprintf("damaged record %d of %d of %s at %d", n%count+1, count, name, at), nil
}

// walHeaderMax is the length of the longest header of a record.
const walHeaderMax = 19

// Wipe takes all that is on the disk, which must be closed. Positions go on from where they were.
func (d *SimDisk) Wipe() error {
	if d.db != nil {
		return errors.New("wipe: the simulated disk is open")
	}
	d.fs, d.flushes = newCrashFS(), 0
	d.synced = d.committed.Load()
	return nil
}
