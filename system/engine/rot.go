package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/sstable"
)

// Rot damages the disk while it is closed: in one block of a table that holds keys of [start, end) and nothing but users'
// data, it flips a bit. Of several such blocks it takes the one numbered n, counting round. It returns a key that lies in
// the block, or nil if there is no such block. What is not in tables yet is brought there first.
func (d *SimDisk) Rot(start, end []byte, n uint64) (key []byte, err error) {
	found, err := d.blocks(start, end)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(b dataBlock) bool { return b.mixed })
	if len(found) == 0 {
		return nil, nil
	}
	b := found[n%uint64(len(found))]
	d.fs.flip(b.table, (b.from+b.to)/2)
	return b.key, nil
}

// RotKey is Rot for the blocks with one key, whatever else they hold.
func (d *SimDisk) RotKey(key []byte) error {
	found, err := d.blocks(key, append(bytes.Clone(key), 0))
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("rot: no table has key %x", key)
	}
	for _, b := range found {
		d.fs.flip(b.table, (b.from+b.to)/2)
	}
	return nil
}

// blocks finds the blocks with keys of [start, end) in all tables of a disk that is closed.
func (d *SimDisk) blocks(start, end []byte) (found []dataBlock, err error) {
	if d.db != nil {
		return nil, errors.New("rot: the simulated disk is open")
	}
	// Opening moves the log into tables.
	if _, err := d.Open(); err != nil {
		return nil, err
	}
	if err := d.Close(); err != nil {
		return nil, err
	}
	names, err := d.fs.List(folder)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".sst") {
			blocks, err := d.dataBlocks(name, start, end)
			if err != nil {
				return nil, fmt.Errorf("rot: table %s: %w", name, err)
			}
			found = append(found, blocks...)
		}
	}
	return found, nil
}

// dataBlock is one block of a table: the bytes [from, to) of the file, with the first key of a range that lies in it.
type dataBlock struct {
	table    string
	from, to int
	key      []byte
	// mixed says that it holds, or may hold, keys below the users' data.
	mixed bool
}

// dataBlocks finds the blocks of a table that hold keys of [start, end).
func (d *SimDisk) dataBlocks(table string, start, end []byte) (found []dataBlock, err error) {
	r, err := openTable(d.fs, folder+"/"+table)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	layout, err := r.Layout()
	if err != nil {
		return nil, err
	}
	// Up to here blocks hold, or may hold, keys below the users' data.
	others, err := r.EstimateDiskUsage(nil, []byte{spaceData}, sstable.ReadEnv{})
	if err != nil {
		return nil, err
	}
	it, err := r.NewPointIter(context.Background(), sstable.IterOptions{Lower: start, Upper: end})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	for kv := it.First(); kv != nil; kv = it.Next() {
		// What lies up to the end of a key's block, that is where its block ends: tables begin with their blocks of data.
		upTo, err := r.EstimateDiskUsage(nil, kv.K.UserKey, sstable.ReadEnv{})
		if err != nil {
			return nil, err
		}
		for _, h := range layout.Data {
			b := dataBlock{table: table, from: int(h.Offset), to: int(h.Offset + h.Length)}
			known := len(found) > 0 && found[len(found)-1].from == b.from
			if b.to+blockTrailer == int(upTo) && !known {
				b.key, b.mixed = bytes.Clone(kv.K.UserKey), h.Offset < others
				found = append(found, b)
			}
		}
	}
	return found, it.Error()
}

// blockTrailer is the length of what follows each block: how it is compressed, and its checksum.
const blockTrailer = 5

// flip turns one bit of a file round, on the disk and in every open copy.
func (fs *crashFS) flip(name string, at int) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.names[name].data[at] ^= 1
}
