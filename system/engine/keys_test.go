package engine

import (
	"bytes"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKeysSortAsDocumented(t *testing.T) {
	t.Parallel()
	ascending := [][]byte{
		StoreIdentKey(),
		RaftLogKey(1, 0), RaftLogKey(1, 1), RaftLogKey(1, 255), RaftLogKey(1, 256), RaftLogKey(1, math.MaxUint64),
		HardStateKey(1), ApplyStateKey(1),
		RaftLogKey(2, 5), ApplyStateKey(2),
		HardStateKey(256),
		ApplyStateKey(math.MaxUint64),
		RegionStateKey(0), RegionStateKey(1), RegionStateKey(256), RegionStateKey(math.MaxUint64),
		PDKey(""), PDKey("id"), PDKey("region/1"), PDKey("\xff\xff"),
		DataKey(nil), DataKey([]byte{0}), DataKey([]byte("a")), DataKey([]byte("ab")), DataKey([]byte("\xff\xff")),
		keysEnd,
	}
	for i := 1; i < len(ascending); i++ {
		require.Negative(t, bytes.Compare(ascending[i-1], ascending[i]), "%x before %x", ascending[i-1], ascending[i])
	}
}

func TestKeyRanges(t *testing.T) {
	t.Parallel()
	pair := func(start, end []byte) [2][]byte { return [2][]byte{start, end} }
	for _, c := range []struct {
		name    string
		bounds  [2][]byte
		inside  [][]byte
		outside [][]byte
	}{
		{
			"log", pair(RaftLogRange(7, 3, 5)),
			[][]byte{RaftLogKey(7, 3), RaftLogKey(7, 4)},
			[][]byte{RaftLogKey(7, 2), RaftLogKey(7, 5), HardStateKey(7), RaftLogKey(6, 3), RaftLogKey(8, 3)},
		},
		{
			"raft of a region", pair(RegionRaftRange(7)),
			[][]byte{RaftLogKey(7, 0), RaftLogKey(7, math.MaxUint64), HardStateKey(7), ApplyStateKey(7)},
			[][]byte{ApplyStateKey(6), RaftLogKey(8, 0), RegionStateKey(7)},
		},
		{
			"raft of region 255", pair(RegionRaftRange(255)),
			[][]byte{RaftLogKey(255, 0), ApplyStateKey(255)},
			[][]byte{ApplyStateKey(254), RaftLogKey(256, 0)},
		},
		{
			"raft of the last region", pair(RegionRaftRange(math.MaxUint64)),
			[][]byte{RaftLogKey(math.MaxUint64, 0), ApplyStateKey(math.MaxUint64)},
			[][]byte{ApplyStateKey(math.MaxUint64 - 1), RegionStateKey(0)},
		},
		{
			"region states", pair(RegionStateRange()),
			[][]byte{RegionStateKey(0), RegionStateKey(math.MaxUint64)},
			[][]byte{ApplyStateKey(math.MaxUint64), PDKey("")},
		},
		{
			"names of the placement driver", pair(PDRange("region/")),
			[][]byte{PDKey("region/"), PDKey("region/\xff")},
			[][]byte{PDKey("region"), PDKey("region0"), PDKey("store/1")},
		},
		{
			"all names", pair(PDRange("")),
			[][]byte{PDKey(""), PDKey("\xff\xff")},
			[][]byte{RegionStateKey(math.MaxUint64), DataKey(nil)},
		},
		{
			"data", pair(DataRange([]byte("b"), []byte("d"))),
			[][]byte{DataKey([]byte("b")), DataKey([]byte("c\xff"))},
			[][]byte{DataKey([]byte("a\xff")), DataKey([]byte("d"))},
		},
		{
			"all data", pair(DataRange(nil, nil)),
			[][]byte{DataKey(nil), DataKey([]byte("\xff\xff\xff"))},
			[][]byte{PDKey("\xff"), {spaceData + 1}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			within := func(k []byte) bool {
				return bytes.Compare(k, c.bounds[0]) >= 0 && bytes.Compare(k, c.bounds[1]) < 0
			}
			for _, k := range c.inside {
				require.True(t, within(k), "%x", k)
			}
			for _, k := range c.outside {
				require.False(t, within(k), "%x", k)
			}
		})
	}
}

func TestKeysDecode(t *testing.T) {
	t.Parallel()
	for _, n := range []uint64{0, 1, 255, 256, math.MaxUint64} {
		region, index, ok := DecodeRaftLogKey(RaftLogKey(n, n/2))
		require.True(t, ok)
		require.Equal(t, n, region)
		require.Equal(t, n/2, index)

		region, ok = DecodeRegionStateKey(RegionStateKey(n))
		require.True(t, ok)
		require.Equal(t, n, region)
	}
	for _, k := range [][]byte{nil, StoreIdentKey(), HardStateKey(1), RegionStateKey(1), RaftLogKey(1, 2)[:17], append(RaftLogKey(1, 2), 0)} {
		_, _, ok := DecodeRaftLogKey(k)
		require.False(t, ok, "%x", k)
	}
	for _, k := range [][]byte{nil, {spaceRegionState}, HardStateKey(1), append(RegionStateKey(1), 0), PDKey("12345678")} {
		_, ok := DecodeRegionStateKey(k)
		require.False(t, ok, "%x", k)
	}
	for _, user := range []string{"", "a", "\xff\x00"} {
		require.Equal(t, user, string(UserKey(DataKey([]byte(user)))))
	}
	require.Panics(t, func() { UserKey(nil) })
	require.Panics(t, func() { UserKey(HardStateKey(1)) })
}

func TestKeysShareNoMemory(t *testing.T) {
	t.Parallel()
	user := []byte("user")
	k := DataKey(user)
	user[0] = 'U'
	require.Equal(t, "user", string(UserKey(k)))

	start, end := RaftLogRange(1, 2, 3)
	_ = append(start, 1, 2, 3)
	require.Equal(t, RaftLogKey(1, 3), end)
}
