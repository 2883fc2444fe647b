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
		late := world.Time(0)
		for i, time := range rapid.SliceOf(rapid.Int64Range(-10, 20)).Draw(t, "times; -1 pops, less comes late") {
			it := item{world.Time(time), uint64(i)}
			switch {
			case time == -1:
				if len(model) > 0 {
					pop()
				}
				continue
			case time < 0:
				late = late.Add(-2 - it.at.Sub(0))
				it.at = late
				q.pushLate(it.at, &event{ref: it.ref})
			default:
				q.push(it.at, &event{ref: it.ref})
			}
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

func TestLane(t *testing.T) {
	t.Parallel()
	var l lane
	next := uint64(0)
	for i := range uint64(1000) {
		l.push(place{at: world.Time(i / 3), seq: i})
		if i%3 == 2 {
			require.Equal(t, next, l.pop().seq)
			next++
		}
	}
	for l.len() > 0 {
		require.Equal(t, next, l.pop().seq)
		next++
	}
	l.push(place{at: 5})
	require.Panics(t, func() { l.push(place{at: 4}) })
}
