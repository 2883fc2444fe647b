package engine

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Get returns the value of key and whether there is one. The value is the caller's.
func (e *Engine) Get(key []byte) (value []byte, ok bool) {
	v, closer, err := e.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false
	}
	if err != nil {
		panic(fmt.Sprintf("engine: get %x: %v", key, err))
	}
	value = append([]byte{}, v...)
	if err := closer.Close(); err != nil {
		panic(fmt.Sprintf("engine: get %x: close: %v", key, err))
	}
	return value, true
}

// Scan calls fn with the pairs in [start, end) in ascending order of keys, until fn returns false. An empty end is the end
// of the key space that start lies in (see keys.go), or of everything if start is empty too. key and value are valid
// during the call only. Commits made by fn do not show in the scan.
func (e *Engine) Scan(start, end []byte, fn func(key, value []byte) bool) {
	it := e.iterator(start, end)
	defer e.close(it, start)
	for ok := it.First(); ok; ok = it.Next() {
		if !fn(it.Key(), valueOf(it)) {
			return
		}
	}
}

// ReverseScan is Scan in descending order: it begins with the last pair below end.
func (e *Engine) ReverseScan(start, end []byte, fn func(key, value []byte) bool) {
	it := e.iterator(start, end)
	defer e.close(it, start)
	for ok := it.Last(); ok; ok = it.Prev() {
		if !fn(it.Key(), valueOf(it)) {
			return
		}
	}
}

func (e *Engine) iterator(start, end []byte) *pebble.Iterator {
	if len(end) == 0 {
		end = spaceEnd(start)
	}
	if len(start) == 0 {
		start = nil // Pebble, built with the race detector, stumbles over a lower bound that is empty but there.
	}
	if end != nil && bytes.Compare(start, end) > 0 {
		end = start // Pebble leaves crossed bounds undefined; here they hold nothing.
	}
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: start, UpperBound: end})
	if err != nil {
		panic(fmt.Sprintf("engine: scan [%x, %x): %v", start, end, err))
	}
	return it
}

// close is deferred, so that a crash injected into a scan's callback leaves no iterator behind. An iterator that came
// to a bad block ends early and only tells so here.
func (e *Engine) close(it *pebble.Iterator, start []byte) {
	if err := it.Close(); err != nil {
		panic(fmt.Sprintf("engine: scan from %x: %v", start, err))
	}
}

func valueOf(it *pebble.Iterator) []byte {
	v, err := it.ValueAndErr()
	if err != nil {
		panic(fmt.Sprintf("engine: value of %x: %v", it.Key(), err))
	}
	return v
}

// spaceEnd returns the first key behind the key space of start, nil if there is none.
func spaceEnd(start []byte) []byte {
	if len(start) == 0 {
		return nil
	}
	return successor(slices.Clone(start[:1]))
}
