package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// Block is one block of a table that is in use: the bytes [From, To) of the file Table.
type Block struct {
	Table    string
	From, To int
	// First and Last are its first and its last key. After and Before are the nearest ones that the table has beside them, nil
	// where it has none: of the keys in between only this block can tell whether the table has them.
	First, Last   []byte
	After, Before []byte
	// keys are all of its keys.
	keys [][]byte
}

// Meets says whether a read of [start, end) may come to the block. An empty end is the end of everything.
func (b *Block) Meets(start, end []byte) bool {
	return (b.Before == nil || bytes.Compare(start, b.Before) < 0) && (len(end) == 0 || bytes.Compare(b.After, end) < 0)
}

// Rot damages the disk while it is closed: it flips a bit in a block of users' data that fits and has at least one key that is still
// there, so that whoever reads all keys comes to it. Of several such blocks it takes the one
// numbered n, counting round, and returns it; nil if there is none. What is not in tables yet is brought there first. Tables of
// which a part was excised are left alone.
func (d *SimDisk) Rot(n uint64, fits func(*Block) bool) (*Block, error) {
	found, err := d.blocks(func(e *Engine, b *Block) bool { return b.First[0] == spaceData && fits(b) && e.hasAny(b.keys) })
	if err != nil || len(found) == 0 {
		return nil, err
	}
	b := found[n%uint64(len(found))]
	d.fs.flip(b.Table, (b.From+b.To)/2)
	return b, nil
}

// Has says whether the disk, which is open, still has a part of a block in a table that is in use. As long as it does,
// somebody may come to it.
func (d *SimDisk) Has(b *Block) bool {
	levels, err := d.db.SSTables()
	if err != nil {
		panic(fmt.Sprintf("engine: list of tables: %v", err))
	}
	return slices.ContainsFunc(slices.Concat(levels...), func(t pebble.SSTableInfo) bool {
		last := bytes.Compare(b.First, t.Largest.UserKey)
		return tableName(t) == b.Table && bytes.Compare(t.Smallest.UserKey, b.Last) <= 0 &&
			(last < 0 || last == 0 && !t.Largest.IsExclusiveSentinel())
	})
}

// RotKey is Rot for all blocks with one key, whatever else they hold.
func (d *SimDisk) RotKey(key []byte) error {
	found, err := d.blocks(func(_ *Engine, b *Block) bool {
		return slices.ContainsFunc(b.keys, func(k []byte) bool { return bytes.Equal(k, key) })
	})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("rot: no table has key %x", key)
	}
	for _, b := range found {
		d.fs.flip(b.Table, (b.From+b.To)/2)
	}
	return nil
}

// hasAny says whether one of keys is there.
func (e *Engine) hasAny(keys [][]byte) bool {
	return slices.ContainsFunc(keys, func(key []byte) bool {
		_, ok, err := e.Read(key)
		return ok && err == nil
	})
}

// blocks finds the blocks that fit in all tables of a disk that is closed, in the order of levels and keys.
func (d *SimDisk) blocks(fits func(*Engine, *Block) bool) (found []*Block, err error) {
	if d.db != nil {
		return nil, errors.New("rot: the simulated disk is open")
	}
	// Opening moves the log into tables.
	e, err := d.Open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	levels, err := d.db.SSTables()
	if err != nil {
		return nil, fmt.Errorf("rot: list of tables: %w", err)
	}
	for _, tables := range levels {
		for _, t := range tables {
			if t.Virtual {
				continue
			}
			blocks, err := d.blocksOf(t)
			if err != nil && !pebble.IsCorruptionError(err) {
				return nil, fmt.Errorf("rot: table %s: %w", tableName(t), err)
			}
			// Of a table that is damaged already, those up to the damage will do.
			found = append(found, slices.DeleteFunc(blocks, func(b *Block) bool { return !fits(e, b) })...)
		}
	}
	return found, nil
}

// blockTrailer is the length of what follows each block: how it is compressed, and its checksum.
const blockTrailer = 5

// blocksOf finds the blocks of a table. If one of them is damaged it returns those before it, and an error.
func (d *SimDisk) blocksOf(t pebble.SSTableInfo) (found []*Block, err error) {
	r, err := openTable(d.fs, folder+"/"+tableName(t))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	layout, err := r.Layout()
	if err != nil {
		return nil, err
	}
	// Tables begin with their blocks of data, so what lies up to the end of a key's block tells where that ends.
	at := map[uint64]int{}
	for i, h := range layout.Data {
		at[h.Offset+h.Length+blockTrailer] = i
	}
	it, err := r.NewPointIter(context.Background(), sstable.IterOptions{})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	var b *Block
	for kv := it.First(); kv != nil; kv = it.Next() {
		key := bytes.Clone(kv.K.UserKey)
		upTo, err := r.EstimateDiskUsage(nil, key, sstable.ReadEnv{})
		if err != nil {
			return nil, err
		}
		h := layout.Data[at[upTo]]
		if b == nil || b.From != int(h.Offset) {
			next := &Block{Table: tableName(t), From: int(h.Offset), To: int(h.Offset + h.Length), First: key}
			if b != nil {
				b.Before, next.After = key, b.Last
			}
			b = next
			found = append(found, b)
		}
		b.Last, b.keys = key, append(b.keys, key)
	}
	return found, it.Error()
}

// flip turns one bit of a file round, on the disk and in every open copy.
func (fs *crashFS) flip(name string, at int) { fs.flipBit(name, at, 0) }

// flipBit is flip for one of the eight bits of a byte.
func (fs *crashFS) flipBit(name string, at int, bit uint) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.names[name].data[at] ^= 1 << bit
}
