package fuzzrand

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBytesDecide(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		b         byte
		of4, of10 int
	}{
		{0, 0, 0}, {1, 1, 0}, {127, 3, 4}, {128, 0, 5}, {255, 3, 9},
	} {
		r := New([]byte{c.b, c.b})
		require.Equal(t, c.of4, r.IntN(4), "of four, byte %d", c.b)
		require.Equal(t, c.of10, r.IntN(10), "of ten, byte %d", c.b)
	}
	low, high := New([]byte{0}).Float64(), New([]byte{255}).Float64()
	require.Less(t, low, 0.01)
	require.Greater(t, high, 0.99)
}

// Code that draws until it likes what it gets must end, whatever the bytes are.
func TestEnds(t *testing.T) {
	t.Parallel()
	r := New(make([]byte, 100))
	n := 0
	for r.IntN(7) != 6 {
		n++
	}
	require.GreaterOrEqual(t, n, 100, "a byte is a draw")
	a, b := New([]byte("ab")), New([]byte("ab"))
	for range 10 {
		require.Equal(t, a.Uint64(), b.Uint64())
	}
}
