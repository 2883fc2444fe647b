package schedule

import (
	"time"

	"ordeal/world"
)

// historyMax is how many of the latest ends are remembered.
const historyMax = 256

// stayAway is for how long a region does not go back for balance to a store that it has left for balance: another one can be
// moved as well.
const stayAway = time.Minute

// departure is a region that left a store for balance.
type departure struct{ region, store uint64 }

// departures are those since a time.
func (h *history) departures(since world.Time) map[departure]bool {
	left := map[departure]bool{}
	for _, e := range h.ends {
		if e.Operator.Kind != KindBalanceRegion || e.Outcome != OutcomeFinished || e.At < since {
			continue
		}
		for _, step := range e.Operator.Steps {
			if gone, ok := step.(RemovePeer); ok {
				left[departure{e.Operator.Region, gone.Store}] = true
			}
		}
	}
	return left
}

// history remembers how the latest operators ended.
type history struct {
	ends []End
	// next is the place of the oldest once there are historyMax.
	next int
}

func (h *history) add(e End) {
	if len(h.ends) < historyMax {
		h.ends = append(h.ends, e)
		return
	}
	h.ends[h.next] = e
	h.next = (h.next + 1) % historyMax
}

// all returns them, the oldest first.
func (h *history) all() []End {
	return append(append([]End(nil), h.ends[h.next:]...), h.ends[:h.next]...)
}
