package cores

import (
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSpread: every piece is done once, by no more workers than there are processors or pieces.
func TestSpread(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 1000} {
		done := make([]atomic.Int32, n)
		var workers atomic.Int32
		Spread(n, func() func(int) {
			workers.Add(1)
			return func(i int) { done[i].Add(1) }
		})
		for i := range done {
			require.EqualValues(t, 1, done[i].Load(), "piece %d of %d", i, n)
		}
		require.EqualValues(t, min(n, runtime.GOMAXPROCS(0)), workers.Load())
	}
}
