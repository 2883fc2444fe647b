package pd

import (
	"ordeal/pd/core"
	"ordeal/pd/schedule"
)

// Listener is told what the driver does, by a function for each kind of event; nil ones are not called. It is called in the
// middle of a step and must change nothing.
type Listener struct {
	// Booted: a member comes to lead. Operators of an earlier leader that have not ended are forgotten.
	Booted func()
	// Started: an operator has been taken over. The snapshot is what it was planned on, and holds only during the call.
	Started func(o *schedule.Operator, s *core.Snapshot)
	// Ended: an operator has ended.
	Ended func(schedule.End)
	// Reached: the member has come to a state, one of States by name, with a region or with 0.
	Reached func(state string, region uint64)
}
