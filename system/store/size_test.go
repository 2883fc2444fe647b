package store

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/system/region"
)

// lookAt makes a look at pairs of these sizes with keys k000, k001, ...
func lookAt(boundBytes, boundKeys uint64, sizes ...int) *sizeLook {
	l := &sizeLook{grainBytes: grain(boundBytes), grainKeys: grain(boundKeys)}
	for i, n := range sizes {
		l.see([]byte(fmt.Sprintf("k%05d", i)), n)
	}
	return l
}

func repeat(n, size int) []int {
	sizes := make([]int, n)
	for i := range sizes {
		sizes[i] = size
	}
	return sizes
}

func TestWhereALookCuts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		bytes, keys  uint64
		sizes        []int
		want         string
		wantedNumber int
	}{
		{name: "within its bounds", bytes: 101, keys: 11, sizes: repeat(10, 10)},
		{name: "no bounds", sizes: repeat(10, 10)},
		{name: "one key can't be cut", bytes: 10, sizes: repeat(1, 100)},
		{name: "two halves", bytes: 100, sizes: repeat(10, 10), want: "k00005"},
		{name: "by keys", keys: 10, sizes: repeat(10, 1), want: "k00005"},
		{name: "the bound that is exceeded more counts", bytes: 100, keys: 3, sizes: append(repeat(5, 1), 99), want: "k00001 k00003 k00004"},
		{name: "many parts", bytes: 100, sizes: repeat(30, 10), want: "k00005 k00010 k00015 k00020 k00025"},
		{name: "the last key outweighs the rest", bytes: 100, sizes: []int{1, 1, 1, 500}, want: "k00003"},
		{name: "the first key outweighs the rest", bytes: 100, sizes: []int{500, 1, 1, 1}, want: "k00001"},
		{name: "a heavy key in the middle", bytes: 100, sizes: []int{1, 1, 500, 1, 1}, want: "k00002 k00003"},
		{name: "no more parts than a split can make", bytes: 100, sizes: repeat(10_000, 10), wantedNumber: region.SplitKeysMax},
	} {
		l := lookAt(c.bytes, c.keys, c.sizes...)
		var got []string
		for _, k := range l.cuts(c.bytes, c.keys) {
			got = append(got, string(k))
		}
		if c.wantedNumber > 0 {
			require.Len(t, got, c.wantedNumber, c.name)
			continue
		}
		require.Equal(t, c.want, strings.Join(got, " "), c.name)
	}
}

// TestCutsLeaveNoPartEmpty: whatever the sizes, the cuts ascend, none is at the first key, and a region beyond its bound
// that has two keys is cut.
func TestCutsLeaveNoPartEmpty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		bytes := rapid.Uint64Range(0, 200).Draw(t, "bytes")
		keys := rapid.Uint64Range(0, 50).Draw(t, "keys")
		sizes := rapid.SliceOfN(rapid.IntRange(1, 300), 0, 100).Draw(t, "sizes")
		l := lookAt(bytes, keys, sizes...)
		cuts := l.cuts(bytes, keys)
		last := "k00000"
		for _, k := range cuts {
			require.Greater(t, string(k), last)
			last = string(k)
		}
		require.LessOrEqual(t, len(cuts), region.SplitKeysMax)
		require.LessOrEqual(t, len(l.marks), marksMax)
		if (over(l.bytes, bytes) || over(l.keys, keys)) && len(sizes) > 1 {
			require.NotEmpty(t, cuts)
		} else {
			require.Empty(t, cuts)
		}
	})
}

func TestMarksAreBounded(t *testing.T) {
	t.Parallel()
	l := lookAt(32, 0, repeat(100_000, 10)...)
	require.LessOrEqual(t, len(l.marks), marksMax)
	cuts := l.cuts(32, 0)
	require.Len(t, cuts, region.SplitKeysMax)
	require.InDelta(t, 100_000/65, number5(t, string(cuts[0])), 500)
	require.InDelta(t, 100_000*64/65, number5(t, string(cuts[63])), 500)
}

func number5(t *testing.T, key string) int {
	var n int
	_, err := fmt.Sscanf(key, "k%d", &n)
	require.NoError(t, err)
	return n
}

// An order to cut a region in two comes again at every report: what was found for the first one must not be lost.
func TestOrderToSplitIsRepeated(t *testing.T) {
	t.Parallel()
	s, p := &Store{}, &peer{}
	s.splitByOrder(p, nil)
	require.True(t, p.size.halve)
	p.size.halve, p.size.cuts = false, [][]byte{[]byte("m")}
	s.splitByOrder(p, nil)
	require.False(t, p.size.halve)
}
