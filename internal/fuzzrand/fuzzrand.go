// Package fuzzrand lets the bytes of a fuzz input decide what code draws that was written for a source of chance.
//
// One byte is one draw, so that a mutation of one byte changes one decision, and the coverage that it brings tells the fuzzer
// which decision to keep. Once the bytes are used up the rest is drawn from a source that depends on nothing, since code
// that draws until it likes what it gets would never end otherwise.
package fuzzrand

import "math/rand/v2"

// spread repeats a byte in all bytes of a number: some ways of drawing look at the high bits, others at the low ones. A number
// that is all zeros is thrown away by most of them, hence one more bit that decides nothing.
const (
	spread = 0x0101010101010101
	bit    = 1 << 40
)

// source implements rand.Source.
type source struct {
	data []byte
	rest *rand.PCG
}

// New returns a source of chance that data decides, as far as it goes. It keeps data and does not change it.
func New(data []byte) *rand.Rand {
	return rand.New(&source{data: data, rest: rand.NewPCG(0, 0)})
}

// Uint64 implements rand.Source.
func (s *source) Uint64() uint64 {
	if len(s.data) == 0 {
		return s.rest.Uint64()
	}
	b := s.data[0]
	s.data = s.data[1:]
	return uint64(b)*spread | bit
}
