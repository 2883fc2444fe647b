package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

// A clock goes forward, by no more than its drift faster than the world, and its timers are never early on it.
func TestClocksDriftWithinTheirBound(t *testing.T) {
	t.Parallel()
	const drift = 0.5
	slow, fast := false, false
	for id := range world.NodeID(100) {
		c := newNodeClock(7, id, drift)
		slow, fast = slow || c.fast == 0, fast || c.fast == drift*million
		begin := c.read(0)
		for _, at := range []world.Time{1, 999_999, 1_000_001, world.Time(time.Hour), world.Time(9*time.Hour) + 7} {
			passed := c.read(at).Sub(begin)
			require.GreaterOrEqual(t, passed, time.Duration(at))
			require.LessOrEqual(t, passed, time.Duration(float64(at)*(1+drift)))
			require.GreaterOrEqual(t, c.read(at+1), c.read(at))
			for _, d := range []time.Duration{0, 1, 3, time.Millisecond, time.Minute} {
				require.GreaterOrEqual(t, c.read(at.Add(c.lasts(d))).Sub(c.read(at)), d-1, "%v of %d ppm", d, c.fast)
			}
		}
	}
	require.True(t, slow && fast, "extremes are drawn")
	require.Zero(t, newNodeClock(7, 1, 0).fast)
}
