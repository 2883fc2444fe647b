package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/lni/dragonboat/v4/statemachine"
)

// diskMap is the state machine of one Dragonboat shard: a map in a Pebble database that all shards of a host share. It
// writes without waiting for the disk, which Dragonboat allows: what is lost is applied again from the log, from the index
// that Open returns.
type diskMap struct {
	db    *pebble.DB
	shard uint64
}

var _ statemachine.IOnDiskStateMachine = (*diskMap)(nil)

// errNoSnapshots is the answer to what these benchmarks never ask for: no log is compacted, so nobody needs a snapshot.
var errNoSnapshots = errors.New("the state machine of the benchmark has no snapshots")

// openDiskMap opens a database with the settings that this store uses for its own.
func openDiskMap(dir string) (*pebble.DB, error) {
	o := &pebble.Options{
		CacheSize:                   64 << 20,
		MemTableSize:                64 << 20,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       100,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
		Logger:                      quiet{},
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	db, err := pebble.Open(dir, o)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	return db, nil
}

// quiet is a logger of Pebble's that only speaks of what is fatal.
type quiet struct{}

func (quiet) Infof(string, ...any)           {}
func (quiet) Errorf(string, ...any)          {}
func (quiet) Fatalf(format string, v ...any) { panic(fmt.Sprintf(format, v...)) }

// Space 0 holds the applied index of every shard, space 1 the data.
func (m *diskMap) indexKey() []byte { return binary.BigEndian.AppendUint64([]byte{0}, m.shard) }

func (m *diskMap) dataKey(key []byte) []byte {
	return append(append(make([]byte, 0, 1+len(key)), 1), key...)
}

func (m *diskMap) Open(<-chan struct{}) (uint64, error) {
	v, closer, err := m.db.Get(m.indexKey())
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer closer.Close()
	return binary.BigEndian.Uint64(v), nil
}

func (m *diskMap) Update(entries []statemachine.Entry) ([]statemachine.Entry, error) {
	b := m.db.NewBatch()
	defer b.Close()
	for i := range entries {
		cmd := entries[i].Cmd
		n := binary.BigEndian.Uint32(cmd)
		if err := b.Set(m.dataKey(cmd[4:4+n]), cmd[4+n:], nil); err != nil {
			return nil, err
		}
		entries[i].Result = statemachine.Result{Value: uint64(len(cmd))}
	}
	last := binary.BigEndian.AppendUint64(nil, entries[len(entries)-1].Index)
	if err := b.Set(m.indexKey(), last, nil); err != nil {
		return nil, err
	}
	return entries, m.db.Apply(b, pebble.NoSync)
}

func (m *diskMap) Lookup(query any) (any, error) {
	key, ok := query.([]byte)
	if !ok {
		return nil, fmt.Errorf("query %T", query)
	}
	v, closer, err := m.db.Get(m.dataKey(key))
	if err != nil {
		return nil, err
	}
	value := append([]byte(nil), v...)
	return value, closer.Close()
}

func (m *diskMap) Sync() error                   { return m.db.LogData(nil, pebble.Sync) }
func (m *diskMap) PrepareSnapshot() (any, error) { return nil, errNoSnapshots }
func (m *diskMap) Close() error                  { return nil }

func (m *diskMap) SaveSnapshot(any, io.Writer, <-chan struct{}) error { return errNoSnapshots }

func (m *diskMap) RecoverFromSnapshot(io.Reader, <-chan struct{}) error { return errNoSnapshots }
