package sim

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/world"
)

// The queue behaves as a list that is sorted stably by time.
func TestQueueIsAStableSort(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		type item struct {
			at  world.Time
			ref uint64
		}
		var q queue
		var model []item
		pop := func() {
			var ev event
			require.Equal(t, model[0].at, q.next())
			require.Equal(t, model[0], item{q.pop(&ev), ev.ref})
			model = model[1:]
		}
		for i, time := range rapid.SliceOf(rapid.Int64Range(-1, 20)).Draw(t, "times; -1 pops") {
			if time < 0 {
				if len(model) > 0 {
					pop()
				}
				continue
			}
			it := item{world.Time(time), uint64(i)}
			q.push(it.at, &event{ref: it.ref})
			model = append(model, it)
			slices.SortStableFunc(model, func(a, b item) int { return int(a.at - b.at) })
		}
		for q.len() > 0 {
			pop()
		}
		require.Empty(t, model)
		require.Len(t, q.free, len(q.slab), "every slot is free again")
	})
}
