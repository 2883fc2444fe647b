package engine

import (
	"encoding/binary"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// Hasher hashes pairs, in order of keys, to the xxHash64 that Engine.Hash returns for them. Two sequences of pairs that
// are equal have the same hash; lengths are hashed too, so that "ab"="c" and "a"="bc" differ.
type Hasher struct {
	digest xxhash.Digest
	pairs  int
}

// NewHasher returns a hasher that has seen no pair.
func NewHasher() *Hasher {
	h := &Hasher{}
	h.digest.Reset()
	return h
}

// Add appends a pair.
func (h *Hasher) Add(key, value []byte) {
	var lengths [8]byte
	binary.BigEndian.PutUint32(lengths[:4], uint32(len(key)))
	binary.BigEndian.PutUint32(lengths[4:], uint32(len(value)))
	for _, part := range [][]byte{lengths[:], key, value} {
		if _, err := h.digest.Write(part); err != nil {
			panic(fmt.Sprintf("engine: hash of %x: %v", key, err))
		}
	}
	h.pairs++
}

// Sum is the hash of what was added so far.
func (h *Hasher) Sum() uint64 { return h.digest.Sum64() }

// Pairs is how many pairs were added.
func (h *Hasher) Pairs() int { return h.pairs }

// Hash returns the hash of the pairs in [start, end), see Hasher, and how many they are. Bounds are those of Scan.
func (e *Engine) Hash(start, end []byte) (hash uint64, pairs int) {
	h := NewHasher()
	e.Scan(start, end, func(k, v []byte) bool {
		h.Add(k, v)
		return true
	})
	return h.Sum(), h.Pairs()
}
