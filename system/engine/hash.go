package engine

import (
	"encoding/binary"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// Hash returns the xxHash64 of the pairs in [start, end), in order of keys, and how many they are. Bounds are those of
// Scan. Two engines with the same pairs have the same hash; lengths are hashed too, so that "ab"="c" and "a"="bc" differ.
func (e *Engine) Hash(start, end []byte) (hash uint64, pairs int) {
	d := xxhash.New()
	var lengths [8]byte
	e.Scan(start, end, func(k, v []byte) bool {
		binary.BigEndian.PutUint32(lengths[:4], uint32(len(k)))
		binary.BigEndian.PutUint32(lengths[4:], uint32(len(v)))
		for _, part := range [][]byte{lengths[:], k, v} {
			if _, err := d.Write(part); err != nil {
				panic(fmt.Sprintf("engine: hash of %x: %v", k, err))
			}
		}
		pairs++
		return true
	})
	return d.Sum64(), pairs
}
