package region

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/proto/metapb"
)

// infinite stands for the end of the key space where ranges are compared with a plain order.
const infinite = "\xff\xff\xff\xff\xff\xff\xff\xff end"

// position is a border as a key that is compared like any other.
func position(end []byte) string {
	if len(end) == 0 {
		return infinite
	}
	return string(end)
}

// FuzzKeys: a range is cut at keys as a split cuts a region. Each key that was in the range is in exactly one part, parts do not
// overlap, and the questions about ranges have the answers of a plain order of strings in which the end of the key space is the last.
func FuzzKeys(f *testing.F) {
	f.Add([]byte(""), []byte(""), []byte("m"), []byte("t"), []byte("p"))
	f.Add([]byte("a"), []byte("c"), []byte("b"), []byte("b\x00"), []byte("b"))
	f.Add([]byte("b"), []byte("a"), []byte(""), []byte("\xff\xff"), []byte("\xff"))
	f.Fuzz(func(t *testing.T, start, end, cut, other, key []byte) {
		for _, k := range [][]byte{start, end, cut, other, key} {
			if string(k) >= infinite {
				t.Skip("beyond the model's last key")
			}
		}
		FormatKey(key)
		checkRangeAgrees(t, start, end)
		if CheckRange(start, end) != nil {
			return
		}
		in := string(key) >= string(start) && string(key) < position(end)
		require.Equal(t, in, InRange(key, start, end))

		borders := [][]byte{start, cut, other}
		borders = slices.DeleteFunc(borders, func(k []byte) bool { return !InRange(k, start, end) })
		slices.SortFunc(borders, bytes.Compare)
		borders = append(slices.CompactFunc(borders, bytes.Equal), end)
		holders := 0
		for i := range len(borders) - 1 {
			part := &metapb.Region{StartKey: borders[i], EndKey: borders[i+1]}
			require.NoError(t, CheckRange(borders[i], borders[i+1]))
			if Contains(part, key) {
				holders++
			}
			require.True(t, Overlaps(borders[i], borders[i+1], start, end))
			for j := range i {
				require.False(t, Overlaps(borders[j], borders[j+1], borders[i], borders[i+1]), "parts %d and %d of %q", j, i, borders)
			}
			require.Equal(t, i == len(borders)-2, EndsIn(part, end), "the last keys are in the last part")
		}
		require.Equal(t, in, holders == 1, "%d parts hold the key", holders)
		require.LessOrEqual(t, holders, 1)
		if CheckRange(cut, other) == nil {
			both := max(string(start), string(cut)) < min(position(end), position(other))
			require.Equal(t, both, Overlaps(start, end, cut, other))
			require.Equal(t, both, Overlaps(cut, other, start, end))
		}
	})
}

// checkRangeAgrees compares what CheckRange says with the plain order.
func checkRangeAgrees(t *testing.T, start, end []byte) {
	sound := string(start) < position(end) && len(start) <= MaxKeySize && len(end) <= MaxKeySize
	require.Equal(t, sound, CheckRange(start, end) == nil)
}
