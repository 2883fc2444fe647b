package pd

import (
	"ordeal/internal/reach"
	"ordeal/pd/schedule"
)

// state is one of States.
type state uint8

const (
	stateTookOver state = iota
	stateDeposedSpeaking
	stateSnapshot
	stateStaleReport
	stateEvicted
	stateOperatorCancelled
	stateOperatorExpired
)

// States is what a member of the placement driver may come to.
var States = []reach.State{
	stateTookOver:          {Name: "pd-took-over", About: "a member came to lead a driver that had promised something before"},
	stateDeposedSpeaking:   {Name: "pd-deposed-speaking", About: "a member was deposed that had answers waiting, and withheld them"},
	stateSnapshot:          {Name: "pd-snapshot", About: "a member that was away too long took a snapshot from another one"},
	stateStaleReport:       {Name: "pd-stale-report", About: "a region's report was refused, since a newer one is known of it or of its keys"},
	stateEvicted:           {Name: "pd-evicted", About: "a region's report proved that others are not any more what they were"},
	stateOperatorCancelled: {Name: "pd-operator-cancelled", About: "an operator was ended, since its plan did not fit any more or another one went first"},
	stateOperatorExpired:   {Name: "pd-operator-expired", About: "an operator ran out of time"},
}

// reached tells the listener that the driver has come to a state with a region, if it is not 0.
func (c *Config) reached(st state, region uint64) {
	if f := c.Listener.Reached; f != nil {
		f(States[st].Name, region)
	}
}

// tellEnd tells of an operator that did not end as planned.
func (c *Config) tellEnd(e schedule.End) {
	if e.Operator == nil {
		return
	}
	switch e.Outcome {
	case schedule.OutcomeExpired:
		c.reached(stateOperatorExpired, e.Operator.Region)
	case schedule.OutcomeCancelled:
		c.reached(stateOperatorCancelled, e.Operator.Region)
	}
}
