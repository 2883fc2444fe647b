package schedule

import (
	"slices"
	"time"

	"ordeal/world"
)

// historyMax is how many of the latest ends are remembered.
const historyMax = 256

// stayAway is for how long a region does not go back for balance to a store that it has left for balance: another one can be
// moved as well.
const stayAway = time.Minute

// left says whether a region has left a store for balance since a time.
func (h *history) left(region, store uint64, since world.Time) bool {
	return slices.ContainsFunc(h.ends, func(e End) bool {
		return e.Operator.Region == region && e.Operator.Kind == KindBalanceRegion && e.Outcome == OutcomeFinished && e.At >= since &&
			slices.ContainsFunc(e.Operator.Steps, func(step Step) bool {
				gone, ok := step.(RemovePeer)
				return ok && gone.Store == store
			})
	})
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
