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

// PatienceMax is how many times the usual time an operator gets at most after others like it were too slow.
const PatienceMax = 16

// patience is how long an operator of a kind may take for a region: twice as long as the latest one, if that ran out of time. How
// long a peer takes to get its data depends on the region's size, on how fast its store may send, and on who else waits
// there; the driver is not told. A new peer starts from nothing, so one that never gets more time than the last one never comes.
func (h *history) patience(region uint64, kind Kind, usual time.Duration) time.Duration {
	if h == nil {
		return usual
	}
	for i := range h.ends {
		// From the latest one back.
		e := &h.ends[(h.next+len(h.ends)-1-i)%len(h.ends)]
		if e.Operator.Region != region || e.Operator.Kind != kind {
			continue
		}
		if e.Outcome == OutcomeExpired {
			return min(2*e.Operator.Timeout, PatienceMax*usual)
		}
		break
	}
	return usual
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
