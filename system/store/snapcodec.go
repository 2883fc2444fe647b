package store

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"ordeal/proto/ordealpb"
)

// appendPair appends a pair in the form in which chunks carry it: key and value, each behind its length as a varint.
func appendPair(b, key, value []byte) []byte {
	b = append(binary.AppendUvarint(b, uint64(len(key))), key...)
	return append(binary.AppendUvarint(b, uint64(len(value))), value...)
}

// eachPair calls fn with the pairs of a chunk's data. False says that the data are no pairs; fn has seen those before.
func eachPair(data []byte, fn func(key, value []byte)) bool {
	for len(data) > 0 {
		var pair [2][]byte
		for i := range pair {
			size, n := binary.Uvarint(data)
			if n <= 0 || size > uint64(len(data)-n) {
				return false
			}
			pair[i], data = data[n:n+int(size)], data[n+int(size):]
		}
		fn(pair[0], pair[1])
	}
	return true
}

// chunkChecksum is the checksum of one chunk.
func chunkChecksum(c *ordealpb.SnapshotChunk) uint64 {
	var d xxhash.Digest
	d.Reset()
	_, _ = d.Write(c.GetHeader()) // a digest takes everything
	_, _ = d.Write(c.GetData())
	return d.Sum64()
}

// streamSum is the checksum of a stream of chunks, by their checksums in order.
type streamSum struct{ digest *xxhash.Digest }

func newStreamSum() streamSum { return streamSum{xxhash.New()} }

func (s streamSum) add(chunk uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], chunk)
	_, _ = s.digest.Write(b[:])
}

func (s streamSum) sum() uint64 { return s.digest.Sum64() }
