package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
)

func TestRememberMerges(t *testing.T) {
	t.Parallel()
	var m *ordealpb.Merged
	require.Nil(t, swallowed(m, 7))
	m = remember(m, nil, &ordealpb.MergedRegion{Id: 7, Into: 8, Version: 5})
	other := remember(nil, nil, &ordealpb.MergedRegion{Id: 3, Into: 9, Version: 4})
	m = remember(m, other, &ordealpb.MergedRegion{Id: 9, Into: 8, Version: 6})
	m = remember(m, other, &ordealpb.MergedRegion{Id: 10, Into: 8, Version: 7}) // what both know is known once
	require.Len(t, m.GetRegions(), 4)
	require.Equal(t, uint64(9), swallowed(m, 3).GetInto())
	require.Equal(t, uint64(8), swallowed(m, 9).GetInto())
	require.Nil(t, swallowed(m, 8))
	require.Zero(t, m.GetForgotten())

	// The oldest merges go first, whatever the ids.
	for v := range uint64(MaxMerged) {
		m = remember(m, nil, &ordealpb.MergedRegion{Id: 1000 - v, Into: 8, Version: 8 + v})
	}
	require.Len(t, m.GetRegions(), MaxMerged)
	require.Nil(t, swallowed(m, 10))
	require.Equal(t, uint64(7), m.GetForgotten())
	require.NotNil(t, swallowed(m, 1000))
	heir := remember(nil, m, &ordealpb.MergedRegion{Id: 2, Into: 8, Version: 999})
	require.Equal(t, uint64(8), heir.GetForgotten(), "who swallows it forgets what it forgot, and one more")
}

func TestJudgeMerge(t *testing.T) {
	t.Parallel()
	region := func(id uint64, start, end string, version, confVer uint64) *metapb.Region {
		return &metapb.Region{Id: id, StartKey: []byte(start), EndKey: []byte(end),
			RegionEpoch: &metapb.RegionEpoch{Version: version, ConfVer: confVer}}
	}
	const source, frozen = 7, 4 // frozen is the source's version
	target := region(8, "m", "z", 5, 3)
	none := &ordealpb.Merged{}
	swallowedIt := remember(nil, nil, &ordealpb.MergedRegion{Id: source, Into: 8, Version: 6})
	for _, c := range []struct {
		what   string
		r      *metapb.Region
		m      *ordealpb.Merged
		target *metapb.Region
		want   ordealpb.MergeAnswer_Outcome
	}{
		{"the target as it was", target, none, target, ordealpb.MergeAnswer_UNKNOWN},
		{"an older state of the target", region(8, "m", "", 4, 3), none, target, ordealpb.MergeAnswer_UNKNOWN},
		{"the target with other members", region(8, "m", "z", 5, 4), none, target, ordealpb.MergeAnswer_NOT_MERGED},
		{"the target with another range", region(8, "m", "p", 6, 3), none, target, ordealpb.MergeAnswer_NOT_MERGED},
		{"the target keeps its last part", region(8, "p", "z", 6, 3), none, target, ordealpb.MergeAnswer_NOT_MERGED},
		{"the target after the merge", region(8, "a", "z", 6, 3), swallowedIt, target, ordealpb.MergeAnswer_MERGED},
		{"a child of that", region(9, "q", "z", 7, 3), swallowedIt, target, ordealpb.MergeAnswer_MERGED},
		{"for one who does not know of a merge", region(9, "q", "z", 7, 3), swallowedIt, nil, ordealpb.MergeAnswer_MERGED},
		{"who has the target's first key later", region(9, "k", "n", 6, 1), none, target, ordealpb.MergeAnswer_NOT_MERGED},
		{"who had it before", region(9, "k", "n", 5, 9), none, target, ordealpb.MergeAnswer_UNKNOWN},
		{"who has another part of it", region(9, "n", "p", 6, 9), none, target, ordealpb.MergeAnswer_UNKNOWN},
		{"one who may have forgotten", region(8, "m", "p", 9, 3), &ordealpb.Merged{Forgotten: 6}, target, ordealpb.MergeAnswer_UNKNOWN},
		{"one who forgot only earlier ones", region(8, "m", "p", 9, 3), &ordealpb.Merged{Forgotten: 5}, target, ordealpb.MergeAnswer_NOT_MERGED},
	} {
		require.Equal(t, c.want, judgeMerge(c.r, c.m, source, frozen, c.target), c.what)
	}
}
