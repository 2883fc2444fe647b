package engine

import (
	"bytes"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Batch collects writes that take effect together, in the order in which they were added: a later write to a key hides
// an earlier one. Keys and values are copied. A batch belongs to the engine that made it and to one goroutine.
type Batch struct {
	batch *pebble.Batch
	// payload is the bytes of keys and values, for the pacer.
	payload int
}

// Put sets key to value.
func (b *Batch) Put(key, value []byte) {
	b.added(len(key)+len(value), b.batch.Set(key, value, nil))
}

// PutFunc sets key to the size bytes that value appends to an empty slice; they are written where they will stay. It panics
// if there are more or fewer.
func (b *Batch) PutFunc(key []byte, size int, value func([]byte) []byte) {
	op := b.batch.SetDeferred(len(key), size)
	copy(op.Key, key)
	if v := value(op.Value[:0:size]); len(v) != size || (size > 0 && &v[0] != &op.Value[0]) {
		panic(fmt.Sprintf("engine: a value of %d bytes instead of %d for %x", len(v), size, key))
	}
	b.added(len(key)+size, op.Finish())
}

// Delete removes key if it is there.
func (b *Batch) Delete(key []byte) {
	b.added(len(key), b.batch.Delete(key, nil))
}

// DeleteRange removes all keys in [start, end). It removes nothing if start is not below end, and panics if end is empty:
// a range without an end is more likely a mistake than a wish.
func (b *Batch) DeleteRange(start, end []byte) {
	if len(end) == 0 {
		panic(fmt.Sprintf("engine: DeleteRange from %x without an end", start))
	}
	if bytes.Compare(start, end) >= 0 {
		return
	}
	b.added(len(start)+len(end), b.batch.DeleteRange(start, end, nil))
}

func (b *Batch) added(payload int, err error) {
	if err != nil {
		panic(fmt.Sprintf("engine: operation %d of a batch of %d bytes: %v", b.Count(), b.Size(), err))
	}
	b.payload += payload
}

// Empty reports whether the batch has no operation.
func (b *Batch) Empty() bool { return b.batch.Empty() }

// Count returns the number of operations; a DeleteRange is one.
func (b *Batch) Count() int { return int(b.batch.Count()) }

// Size returns the bytes that the batch will take in the write-ahead log, headers included. An empty batch has a size.
func (b *Batch) Size() int { return b.batch.Len() }

// Reset drops everything that was added since the last commit.
func (b *Batch) Reset() {
	b.batch.Reset()
	b.payload = 0
}
