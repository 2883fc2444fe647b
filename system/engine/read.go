package engine

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Get returns the value of key and whether there is one. The value is the caller's. It panics if the disk fails: it is for
// what a node can't live without. Values that may be got elsewhere are read with Read.
func (e *Engine) Get(key []byte) (value []byte, ok bool) {
	value, ok, err := e.Read(key)
	if err != nil {
		panic(err)
	}
	return value, ok
}

// Read is Get, but returns a *CorruptError if what the disk holds in the place of key can't be trusted. Any other failure
// of the disk is a panic.
func (e *Engine) Read(key []byte) (value []byte, ok bool, err error) {
	v, closer, err := e.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		// gofail: var bugUnreadableIsAbsent struct{}
		// return nil, false, nil

		return nil, false, failed(err, "get %x", key)
	}
	value = append([]byte{}, v...)
	if err := closer.Close(); err != nil {
		return nil, false, failed(err, "get %x: close", key)
	}
	return value, true, nil
}

// ReadMany calls fn for each of keys, in their order, with what it holds at one moment, the same for all, until fn returns
// false. value is valid during the call only; ok is false for an absent key. Errors are as for Read: no key but those is looked
// for, as an iterator would that seeks an absent one.
func (e *Engine) ReadMany(keys [][]byte, fn func(i int, value []byte, ok bool) bool) error {
	moment := e.View()
	defer moment.Close()
	for i, key := range keys {
		value, closer, err := moment.snap.Get(key)
		if errors.Is(err, pebble.ErrNotFound) {
			if !fn(i, nil, false) {
				return nil
			}
			continue
		}
		if err != nil {
			return failed(err, "get %x", key)
		}
		more := fn(i, value, true)
		if err := closer.Close(); err != nil {
			return failed(err, "get %x: close", key)
		}
		if !more {
			return nil
		}
	}
	return nil
}

// Scan calls fn with the pairs in [start, end) in ascending order of keys, until fn returns false. An empty end is the end
// of the key space that start lies in (see keys.go), or of everything if start is empty too. key and value are valid
// during the call only. Commits made by fn do not show in the scan. It panics if the disk fails; see Get.
func (e *Engine) Scan(start, end []byte, fn func(key, value []byte) bool) {
	if err := scan(e.db, start, end, false, fn); err != nil {
		panic(err)
	}
}

// ReverseScan is Scan in descending order: it begins with the last pair below end.
func (e *Engine) ReverseScan(start, end []byte, fn func(key, value []byte) bool) {
	if err := scan(e.db, start, end, true, fn); err != nil {
		panic(err)
	}
}

// ReadRange is Scan, but returns a *CorruptError if it meets what can't be trusted; fn has not seen all pairs then. Any
// other failure of the disk is a panic.
func (e *Engine) ReadRange(start, end []byte, fn func(key, value []byte) bool) error {
	return scan(e.db, start, end, false, fn)
}

// ReverseReadRange is ReadRange in descending order.
func (e *Engine) ReverseReadRange(start, end []byte, fn func(key, value []byte) bool) error {
	return scan(e.db, start, end, true, fn)
}

// scan walks over [start, end) of a database or of a view of one.
func scan(from pebble.Reader, start, end []byte, reverse bool, fn func(key, value []byte) bool) (err error) {
	it, err := iterator(from, start, end)
	if err != nil {
		return failed(err, "scan [%x, %x)", start, end)
	}
	// Deferred, so that a crash injected into fn leaves no iterator behind. An iterator that came to a bad block ends
	// early and only tells so here.
	defer func() {
		bad := it.Close()
		// gofail: var bugUnreadableEndsScan struct{}
		// bad = nil

		if bad != nil && err == nil {
			err = failed(bad, "scan from %x", start)
		}
	}()
	first, next := it.First, it.Next
	if reverse {
		first, next = it.Last, it.Prev
	}
	for ok := first(); ok; ok = next() {
		v, bad := it.ValueAndErr()
		if bad != nil {
			return failed(bad, "value of %x", it.Key())
		}
		if !fn(it.Key(), v) {
			return nil
		}
	}
	return nil
}

func iterator(from pebble.Reader, start, end []byte) (*pebble.Iterator, error) {
	if len(end) == 0 {
		end = spaceEnd(start)
	}
	if len(start) == 0 {
		start = nil // Pebble, built with the race detector, stumbles over a lower bound that is empty but there.
	}
	if end != nil && bytes.Compare(start, end) > 0 {
		end = start // Pebble leaves crossed bounds undefined; here they hold nothing.
	}
	return from.NewIter(&pebble.IterOptions{LowerBound: start, UpperBound: end})
}

// CorruptError says that the disk does not hold what was written there, as Pebble's checksums tell.
type CorruptError struct {
	// What was being read, and what Pebble says.
	What  string
	Cause error
	// In is the table, if that is known. A read may come to a damaged block that has nothing of what is read: where a range was
	// deleted, Pebble looks for the end of that range in the tables below, whatever the bounds of the read. Whether it has is
	// answered by Engine.Harms.
	In Damage
}

// Error implements error.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("engine: %s: the disk does not hold what was written: %v", e.What, e.Cause)
}

// Unwrap returns Pebble's error.
func (e *CorruptError) Unwrap() error { return e.Cause }

// failed sorts an error of Pebble: corruption is returned, since its extent is known, all else is a panic.
func failed(err error, what string, args ...any) *CorruptError {
	if pebble.IsCorruptionError(err) {
		return &CorruptError{What: fmt.Sprintf(what, args...), Cause: err, In: damageOf(err)}
	}
	panic(&FailedError{What: fmt.Sprintf(what, args...), Cause: err})
}

// spaceEnd returns the first key behind the key space of start, nil if there is none.
func spaceEnd(start []byte) []byte {
	if len(start) == 0 {
		return nil
	}
	return successor(slices.Clone(start[:1]))
}
