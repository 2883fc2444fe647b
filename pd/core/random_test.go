package core_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/pd/core"
	"ordeal/pd/internal/pdtest"
)

func TestRandomRegionInRange(t *testing.T) {
	t.Parallel()
	c := core.NewCluster(core.Liveness{})
	require.NoError(t, c.PutStore(pdtest.Store(1), 0))
	require.NoError(t, c.PutStore(pdtest.Store(2), 0))
	rng := rand.New(rand.NewPCG(1, 2))
	require.Nil(t, c.RandomRegion(rng, nil, nil))
	require.Nil(t, c.Snapshot(0).RandomOf(rng, 1, core.RoleLeader, nil, nil))
	for i := range 9 { // r1 [b,c), r2 [c,d) and so on; the last is r9 [j,k). Odd ones are led from store 1.
		_, err := c.ProcessHeartbeat(pdtest.MustRegion(fmt.Sprintf("r%d [%c,%c) v1 c1 {s1:%d,s2:%d} leader=%d term=1",
			i+1, 'b'+i, 'c'+i, 10*i+10, 10*i+11, 1+i%2)))
		require.NoError(t, err)
	}
	s := c.Snapshot(0)
	drawn := func(draw func() *core.RegionInfo) map[uint64]bool {
		ids := map[uint64]bool{}
		for range 500 {
			if r := draw(); r != nil {
				ids[r.ID()] = true
			}
		}
		return ids
	}
	set := func(ids ...uint64) map[uint64]bool {
		m := map[uint64]bool{}
		for _, id := range ids {
			m[id] = true
		}
		return m
	}
	for _, tc := range []struct {
		start, end string
		all        map[uint64]bool
		led        map[uint64]bool
	}{
		{"", "", set(1, 2, 3, 4, 5, 6, 7, 8, 9), set(1, 3, 5, 7, 9)},
		{"d", "", set(3, 4, 5, 6, 7, 8, 9), set(3, 5, 7, 9)},
		{"", "d", set(1, 2), set(1)},
		{"cc", "e\x00", set(3, 4), set(3)},
		{"c", "d", set(2), set()},
		{"", "b", set(), set()},
		{"jj", "", set(), set()},
		{"h", "c", set(), set()},
	} {
		require.Equal(t, tc.all, drawn(func() *core.RegionInfo {
			return s.RandomRegion(rng, []byte(tc.start), []byte(tc.end))
		}), "[%s,%s)", tc.start, tc.end)
		require.Equal(t, tc.led, drawn(func() *core.RegionInfo {
			return s.RandomOf(rng, 1, core.RoleLeader, []byte(tc.start), []byte(tc.end))
		}), "[%s,%s)", tc.start, tc.end)
	}
	require.Nil(t, s.RandomOf(rng, 1, core.RolePending, nil, nil))
	require.Nil(t, s.RandomOf(rng, 7, core.RoleLeader, nil, nil))

	var around []uint64
	s.AscendOf(2, core.RoleLeader, 7, func(r *core.RegionInfo) bool { // 7 of 4 is the last
		around = append(around, r.ID())
		return len(around) < 3
	})
	require.Equal(t, []uint64{8, 2, 4}, around)

	// A snapshot keeps its roles while the cluster goes on.
	_, err := c.ProcessHeartbeat(pdtest.MustRegion("r1 [b,c) v1 c1 {s1:10,s2:11} leader=2 term=2"))
	require.NoError(t, err)
	require.Equal(t, 5, s.CountOf(1, core.RoleLeader))
	require.Equal(t, 4, c.Snapshot(0).CountOf(1, core.RoleLeader))
}
