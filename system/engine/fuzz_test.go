package engine

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzKeys: keys of the engine are read back as what they were made of, sort as that does, lie in their ranges and in no others, and
// bytes that are no key of a kind are not taken for one.
func FuzzKeys(f *testing.F) {
	f.Add([]byte("a"), []byte("b"), uint64(1), uint64(2))
	f.Add([]byte(""), []byte("\xff\xff"), uint64(0), ^uint64(0))
	f.Add(RaftLogKey(1, 2), RegionStateKey(3), uint64(255), uint64(256))
	f.Fuzz(func(t *testing.T, a, b []byte, region, index uint64) {
		require.Equal(t, bytes.Compare(a, b), bytes.Compare(DataKey(a), DataKey(b)))
		require.True(t, bytes.Equal(a, UserKey(DataKey(a))))
		start, end := DataRange(a, b)
		require.Equal(t, len(b) == 0 || bytes.Compare(a, b) < 0, bytes.Compare(start, end) < 0)
		require.Equal(t, len(b) == 0 || bytes.Compare(a, b) < 0, within(DataKey(a), start, end))

		r, i, ok := DecodeRaftLogKey(RaftLogKey(region, index))
		require.True(t, ok && r == region && i == index)
		r, ok = DecodeRegionStateKey(RegionStateKey(region))
		require.True(t, ok && r == region)
		start, end = RegionRaftRange(region)
		for _, k := range [][]byte{RaftLogKey(region, index), HardStateKey(region), ApplyStateKey(region)} {
			require.True(t, within(k, start, end), "%x", k)
		}
		for _, k := range [][]byte{RaftLogKey(region+1, index), HardStateKey(region - 1), DataKey(a), PDKey(string(a)), SpoolKey(region, index)} {
			require.False(t, within(k, start, end), "%x", k)
		}
		if start, end = PDRange(string(a)); len(end) > 0 {
			require.Equal(t, bytes.HasPrefix(b, a), within(PDKey(string(b)), start, end))
		}
		// What is no key of a kind is not read as one; what is, is written as it was.
		for _, raw := range [][]byte{a, b} {
			if r, i, ok := DecodeRaftLogKey(raw); ok {
				require.Equal(t, raw, RaftLogKey(r, i))
			}
			if r, ok := DecodeRegionStateKey(raw); ok {
				require.Equal(t, raw, RegionStateKey(r))
			}
		}
	})
}

func within(k, start, end []byte) bool {
	return bytes.Compare(k, start) >= 0 && bytes.Compare(k, end) < 0
}
