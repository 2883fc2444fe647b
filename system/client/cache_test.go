package client

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/proto/metapb"
	"ordeal/system/region"
)

func (c *cache) format() []string {
	var all []string
	for _, e := range c.entries {
		r := e.region
		all = append(all, fmt.Sprintf("r%d [%s,%s) v%d c%d", r.GetId(), r.GetStartKey(), r.GetEndKey(),
			r.GetRegionEpoch().GetVersion(), r.GetRegionEpoch().GetConfVer()))
	}
	return all
}

func TestCacheReplacement(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		before []*metapb.Region
		insert *metapb.Region
		taken  bool
		after  []string
	}{
		{"first", nil, testRegion(1, "", "", 1, 1), true, []string{"r1 [,) v1 c1"}},
		{"beside others", []*metapb.Region{testRegion(1, "a", "c", 5, 1), testRegion(2, "m", "", 5, 1)}, testRegion(3, "c", "m", 1, 1), true,
			[]string{"r1 [a,c) v5 c1", "r3 [c,m) v1 c1", "r2 [m,) v5 c1"}},
		{"left half of a split", []*metapb.Region{testRegion(1, "", "", 1, 1)}, testRegion(1, "", "m", 2, 1), true, []string{"r1 [,m) v2 c1"}},
		{"right half of a split", []*metapb.Region{testRegion(1, "", "", 1, 1)}, testRegion(2, "m", "", 2, 1), true, []string{"r2 [m,) v2 c1"}},
		{"before the split", []*metapb.Region{testRegion(2, "m", "", 2, 1)}, testRegion(1, "", "", 1, 9), false, []string{"r2 [m,) v2 c1"}},
		{"merged", []*metapb.Region{testRegion(1, "", "c", 3, 1), testRegion(2, "c", "m", 7, 1), testRegion(3, "m", "", 1, 1)}, testRegion(1, "", "m", 8, 1), true,
			[]string{"r1 [,m) v8 c1", "r3 [m,) v1 c1"}},
		{"one neighbour is newer", []*metapb.Region{testRegion(1, "", "c", 3, 1), testRegion(2, "c", "m", 9, 1)}, testRegion(4, "", "m", 8, 1), false,
			[]string{"r1 [,c) v3 c1", "r2 [c,m) v9 c1"}},
		{"new members", []*metapb.Region{testRegion(1, "", "", 1, 1)}, testRegion(1, "", "", 1, 2), true, []string{"r1 [,) v1 c2"}},
		{"old members", []*metapb.Region{testRegion(1, "", "", 1, 2)}, testRegion(1, "", "", 1, 1), false, []string{"r1 [,) v1 c2"}},
		{"nothing new", []*metapb.Region{testRegion(1, "", "", 1, 1)}, testRegion(1, "", "", 1, 1), false, []string{"r1 [,) v1 c1"}},
	} {
		var c cache
		for _, r := range tc.before {
			require.True(t, c.insert(newEntry(r, nil)), tc.name)
		}
		require.Equal(t, tc.taken, c.insert(newEntry(tc.insert, nil)), tc.name)
		require.Equal(t, tc.after, c.format(), tc.name)
	}
}

// TestCacheNeverOverlaps throws regions of all sizes and epochs at a cache.
func TestCacheNeverOverlaps(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 1))
	var c cache
	for range 5_000 {
		a, b := rnd.IntN(30), rnd.IntN(31)
		start, end := fmt.Sprintf("%02d", a), fmt.Sprintf("%02d", a+1+b)
		if a+1+b > 30 {
			end = ""
		}
		r := testRegion(rnd.Uint64N(5), start, end, rnd.Uint64N(1000), rnd.Uint64N(3))
		before := c.find([]byte(start))
		taken := c.insert(newEntry(r, nil))
		if taken {
			require.Same(t, r, c.find([]byte(start)).region)
		} else if before != nil {
			require.Same(t, before, c.find([]byte(start)))
		}
		for i := 1; i < len(c.entries); i++ {
			end := string(c.entries[i-1].region.GetEndKey())
			if end == "" || end > string(c.entries[i].region.GetStartKey()) {
				require.Fail(t, "overlap", c.format())
			}
		}
		if e := c.find([]byte("15")); e != nil {
			require.True(t, region.Contains(e.region, []byte("15")))
			if rnd.IntN(3) == 0 {
				c.forget(e)
				require.Nil(t, c.find([]byte("15")))
			}
		}
	}
}
