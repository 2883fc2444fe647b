package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/proto/metapb"
)

func TestRanges(t *testing.T) {
	t.Parallel()
	r := func(id uint64, start, end string) *metapb.Region {
		return &metapb.Region{Id: id, StartKey: []byte(start), EndKey: []byte(end)}
	}
	table := newRanges()
	table.set(r(1, "", ""))
	require.False(t, table.claim(r(2, "x", "y")), "region 1 has everything")
	require.Panics(t, func() { table.set(r(2, "x", "y")) })

	table.set(r(1, "", "c"), r(2, "c", "m"), r(3, "m", ""))
	require.Nil(t, table.overlapping(2, []byte("c"), []byte("m")), "a region does not overlap itself")
	require.Equal(t, uint64(2), table.overlapping(9, []byte("d"), []byte("e")).GetId())
	require.Equal(t, uint64(1), table.overlapping(2, []byte("b"), []byte("m")).GetId())
	require.Equal(t, uint64(3), table.overlapping(2, []byte("c"), nil).GetId())

	before, behind := table.neighbours(r(2, "c", "m"))
	require.Equal(t, []uint64{1, 3}, []uint64{before.GetId(), behind.GetId()})
	before, behind = table.neighbours(r(1, "", "c"))
	require.Nil(t, before)
	require.Equal(t, uint64(2), behind.GetId())
	_, behind = table.neighbours(r(3, "m", ""))
	require.Nil(t, behind)

	table.drop(2)
	require.True(t, table.claim(r(3, "c", "")), "a region may take what nobody has")
	before, _ = table.neighbours(r(3, "c", ""))
	require.Equal(t, uint64(1), before.GetId())
	table.drop(1)
	before, _ = table.neighbours(r(3, "c", ""))
	require.Nil(t, before)
}
