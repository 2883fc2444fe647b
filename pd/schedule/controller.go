package schedule

import (
	"fmt"

	"github.com/tidwall/btree"

	"ordeal/pd/core"
	"ordeal/proto/pdpb"
)

// Limits bound what may be under way at a time.
type Limits struct {
	// OperatorsMax is how many operators there may be in all.
	OperatorsMax int
	// OperatorsPerStoreMax is how many of them may touch one store.
	OperatorsPerStoreMax int
}

// Outcome is how an operator ended.
type Outcome string

// The outcomes.
const (
	// OutcomeFinished: the region was seen to look as planned.
	OutcomeFinished Outcome = "finished"
	// OutcomeCancelled: the region or a store changed so that the plan does not fit any more.
	OutcomeCancelled Outcome = "cancelled"
	// OutcomeExpired: it took too long.
	OutcomeExpired Outcome = "expired"
)

// End is an operator that has ended; Operator is nil if none has.
type End struct {
	Operator *Operator
	Outcome  Outcome
	// Why is the reason of a cancellation.
	Why string
}

// Controller carries operators out, at most one a region. It is part of an actor's state: nothing here acts by itself.
type Controller struct {
	limits    Limits
	operators btree.Map[uint64, *Operator]
	// perStore is how many operators touch each store.
	perStore map[uint64]int
}

// NewController returns one without operators.
func NewController(l Limits) *Controller {
	return &Controller{limits: l, perStore: make(map[uint64]int)}
}

// Add takes an operator over, or says why not: the region has one, or a limit is reached.
func (c *Controller) Add(o *Operator) (refused string) {
	if _, has := c.operators.Get(o.Region); has {
		return fmt.Sprintf("r%d has an operator", o.Region)
	}
	if c.operators.Len() >= c.limits.OperatorsMax {
		return fmt.Sprintf("there are %d operators", c.operators.Len())
	}
	for _, store := range o.stores() {
		if n := c.perStore[store]; n >= c.limits.OperatorsPerStoreMax {
			return fmt.Sprintf("s%d has %d operators", store, n)
		}
	}
	for _, store := range o.stores() {
		c.perStore[store]++
	}
	c.operators.Set(o.Region, o)
	return ""
}

// Operators returns what is under way, by region. The operators must not be modified.
func (c *Controller) Operators() []*Operator { return c.operators.Values() }

// Running sums up what is under way, against the regions of s.
func (c *Controller) Running(s *core.Snapshot) Running {
	n := Running{
		regions: make(map[uint64]bool, c.operators.Len()), stores: make(map[uint64]influence),
		storeOperatorsMax: c.limits.OperatorsPerStoreMax,
	}
	c.operators.Scan(func(id uint64, o *Operator) bool {
		n.add(o, s.Region(id))
		return true
	})
	return n
}

// Dispatch compares a region that has just reported with its plan: it ends the operator, or returns what to ask the
// leader for, nil if there is only to wait. The same command is asked for again at every report until it shows.
func (c *Controller) Dispatch(s *core.Snapshot, r *core.RegionInfo) (*pdpb.RegionHeartbeatResponse, End) {
	o, has := c.operators.Get(r.ID())
	if !has {
		return nil, End{}
	}
	if why := o.outdated(r); why != "" {
		return nil, c.end(o, OutcomeCancelled, why)
	}
	if o.advance(r) {
		return nil, c.end(o, OutcomeFinished, "")
	}
	if s.Now().Sub(o.Start) >= o.Timeout {
		return nil, c.end(o, OutcomeExpired, "")
	}
	if why := o.Steps[o.next].Hazard(s, r); why != "" {
		return nil, c.end(o, OutcomeCancelled, fmt.Sprintf("%s: %s", o.Steps[o.next], why))
	}
	return o.command(r), End{}
}

// Sweep ends the operators that no report will end: those out of time, and those of regions that are gone.
func (c *Controller) Sweep(s *core.Snapshot) []End {
	var ends []End
	for _, o := range c.Operators() {
		switch {
		case s.Now().Sub(o.Start) >= o.Timeout:
			ends = append(ends, c.end(o, OutcomeExpired, ""))
		case s.Region(o.Region) == nil:
			ends = append(ends, c.end(o, OutcomeCancelled, "the region is gone"))
		}
	}
	return ends
}

func (c *Controller) end(o *Operator, outcome Outcome, why string) End {
	c.operators.Delete(o.Region)
	for _, store := range o.stores() {
		if c.perStore[store]--; c.perStore[store] == 0 {
			delete(c.perStore, store)
		}
	}
	return End{Operator: o, Outcome: outcome, Why: why}
}
