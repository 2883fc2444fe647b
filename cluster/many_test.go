package cluster

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/proto/metapb"
	"ordeal/system/region"
	"ordeal/world"
)

// TestGenerations: together they hold every border once, and all parts are cut into about as many regions.
func TestGenerations(t *testing.T) {
	for _, stores := range []int{1, 3, 5, 25, 99} {
		for _, n := range []int{manyRegions, 1000, 9999, 16383} {
			var keys [][]byte
			for i := range n {
				keys = append(keys, fmt.Appendf(nil, "%05d", i))
			}
			first, rest := generations(keys, stores)
			require.LessOrEqual(t, len(first), region.SplitKeysMax)
			require.Len(t, rest, len(first)+1)
			var all [][]byte
			least, most := n, 0
			for i, part := range rest {
				least, most = min(least, len(part)), max(most, len(part))
				all = append(all, part...)
				if i < len(first) {
					all = append(all, first[i])
				}
			}
			require.LessOrEqual(t, most-least, 1)
			require.True(t, slices.EqualFunc(keys, all, bytes.Equal), "%d stores, %d borders", stores, n)
		}
	}
}

func TestEven(t *testing.T) {
	led := func(by world.NodeID, on ...uint64) current {
		r := &metapb.Region{}
		for _, s := range on {
			r.Peers = append(r.Peers, &metapb.Peer{StoreId: s})
		}
		return current{region: r, leader: by}
	}
	all := []current{led(1, 1, 2), led(1, 1, 3)}
	require.True(t, even(all, 3))
	require.False(t, even(append(all, led(1, 1, 2, 3)), 3), "store 1 leads three, the others none")
	require.False(t, even(append(all, led(0, 1, 2, 3)), 3), "nobody leads one")
	require.False(t, even([]current{led(1, 1), led(2, 1), led(3, 1)}, 3), "store 1 has all replicas")
}
