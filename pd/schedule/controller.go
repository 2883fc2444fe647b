package schedule

import (
	"fmt"

	"github.com/tidwall/btree"

	"ordeal/pd/core"
	"ordeal/proto/pdpb"
	"ordeal/system/region"
	"ordeal/world"
)

// Limits bound what may be under way at a time.
type Limits struct {
	// OperatorsMax is how many operators there may be in all, and OperatorsPerStoreMax how many of them may touch one store,
	// those apart that only hand leadership over.
	OperatorsMax, OperatorsPerStoreMax int
	// HandoversMax and HandoversPerStoreMax are the same for those.
	HandoversMax, HandoversPerStoreMax int
	// OperatorsPerKindMax is how many of one kind there may be; those that are not named are not bounded.
	OperatorsPerKindMax map[Kind]int
	// AddPeer and RemovePeer bound how often a store may be given peers and lose them. Repair is never held up by them.
	AddPeer, RemovePeer Rate
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
	At  world.Time
}

// Controller carries operators out, at most one a region. It is part of an actor's state: nothing here acts by itself.
type Controller struct {
	limits    Limits
	operators btree.Map[uint64, *Operator]
	// occupied are regions without an operator of their own that one of another region needs as they are, and whose.
	occupied map[uint64]uint64
	// perLane is how many operators there are in each lane, perKind how many of each kind.
	perLane [lanes]traffic
	perKind map[Kind]int
	tokens  tokens
	history history
	// replaced have ended since the last Sweep.
	replaced []End
}

// NewController returns one without operators.
func NewController(l Limits) *Controller {
	c := &Controller{limits: l, occupied: make(map[uint64]uint64), perKind: make(map[Kind]int), tokens: newTokens(l.AddPeer, l.RemovePeer)}
	for i := range c.perLane {
		c.perLane[i].perStore = make(map[uint64]int)
	}
	return c
}

// Add takes an operator over, or says why not: its regions have others of at least its priority, or a limit is reached. Those of
// lower priority are cancelled.
func (c *Controller) Add(o *Operator) (refused string) {
	var lesser []*Operator
	for _, id := range append([]uint64{o.Region}, o.Also...) {
		other, has := c.operators.Get(id)
		if owner, occupied := c.occupied[id]; occupied {
			other, has = c.operators.Get(owner)
		}
		switch {
		case has && other.Kind.Priority() >= o.Kind.Priority():
			return fmt.Sprintf("r%d has an operator", id)
		case has && (len(lesser) == 0 || lesser[0] != other):
			lesser = append(lesser, other)
		}
	}
	if why := c.exceeds(o, lesser); why != "" {
		return why
	}
	for _, other := range lesser {
		c.replaced = append(c.replaced, c.end(other, OutcomeCancelled, fmt.Sprintf("%s goes first", o.Kind), o.Start))
	}
	c.perLane[o.lane()].enter(o)
	for _, id := range o.Also {
		c.occupied[id] = o.Region
	}
	c.perKind[o.Kind]++
	c.tokens.pay(o)
	c.operators.Set(o.Region, o)
	return ""
}

// exceeds says which limit o would exceed in the place of others.
func (c *Controller) exceeds(o *Operator, instead []*Operator) string {
	lane, freed := o.lane(), traffic{perStore: map[uint64]int{}}
	for _, other := range instead {
		if other.lane() == lane {
			freed.enter(other)
		}
	}
	now := c.perLane[lane]
	all, perStore := c.limits.most(lane)
	if now.all-freed.all >= all {
		return fmt.Sprintf("there are %d %s", now.all, lane)
	}
	if most, bounded := c.limits.OperatorsPerKindMax[o.Kind]; bounded && c.perKind[o.Kind] >= most {
		return fmt.Sprintf("there are %d operators of kind %s", c.perKind[o.Kind], o.Kind)
	}
	for _, store := range o.stores() {
		if n := now.perStore[store]; n-freed.perStore[store] >= perStore {
			return fmt.Sprintf("s%d has %d %s", store, n, lane)
		}
	}
	if store, what := c.tokens.lacks(o); store != 0 {
		return fmt.Sprintf("s%d can't %s so soon again", store, what)
	}
	return ""
}

// Operators returns what is under way, by region. The operators must not be modified.
func (c *Controller) Operators() []*Operator { return c.operators.Values() }

// History returns how the latest operators ended, the oldest first; at most historyMax.
func (c *Controller) History() []End { return c.history.all() }

// Running sums up what is under way, against the regions of s.
func (c *Controller) Running(s *core.Snapshot) Running {
	n := Running{
		regions: make(map[uint64]*Operator, c.operators.Len()), stores: make(map[uint64]influence),
		limits: c.limits, tokens: &c.tokens, history: &c.history,
	}
	c.operators.Scan(func(id uint64, o *Operator) bool {
		n.add(o, s.Region(id))
		return true
	})
	return n
}

// Cancel ends the operator of a region, if it has one, for a reason that people gave.
func (c *Controller) Cancel(regionID uint64, why string, now world.Time) End {
	if o, has := c.operators.Get(regionID); has {
		return c.end(o, OutcomeCancelled, why, now)
	}
	return End{}
}

// Dispatch compares a region that has just reported with its plan: it ends the operator, or returns what to ask the
// leader for, nil if there is only to wait. The same command is asked for again at every report until it shows.
func (c *Controller) Dispatch(s *core.Snapshot, r *core.RegionInfo) (*pdpb.RegionHeartbeatResponse, End) {
	o, has := c.operators.Get(r.ID())
	if !has {
		return nil, End{}
	}
	if why := o.outdated(r); why != "" {
		return nil, c.end(o, OutcomeCancelled, why, s.Now())
	}
	if o.advance(r) {
		return nil, c.end(o, OutcomeFinished, "", s.Now())
	}
	if o.late(s.Now()) {
		return nil, c.end(o, OutcomeExpired, "", s.Now())
	}
	if why := o.Steps[o.next].Hazard(s, r); why != "" {
		return nil, c.end(o, OutcomeCancelled, fmt.Sprintf("%s: %s", o.Steps[o.next], why), s.Now())
	}
	return o.command(r), End{}
}

// Sweep ends the operators that no report will end: those out of time, and those of regions that are gone. It also returns
// those that others have replaced since the last time.
func (c *Controller) Sweep(s *core.Snapshot) []End {
	ends := c.replaced
	c.replaced = nil
	for _, o := range c.Operators() {
		switch {
		case s.Region(o.Region) == nil && o.merged(s):
			ends = append(ends, c.end(o, OutcomeFinished, "", s.Now()))
		case o.late(s.Now()):
			ends = append(ends, c.end(o, OutcomeExpired, "", s.Now()))
		case s.Region(o.Region) == nil:
			ends = append(ends, c.end(o, OutcomeCancelled, "the region is gone", s.Now()))
		}
	}
	return ends
}

// late says whether an operator has taken too long.
func (o *Operator) late(now world.Time) bool {
	// gofail: var bugPDNoTimeout struct{}
	// return false

	return now.Sub(o.Start) >= o.Timeout
}

// merged says whether a region that is gone has become part of the one that it should.
func (o *Operator) merged(s *core.Snapshot) bool {
	m, ok := o.Steps[o.next].(MergeInto)
	if !ok {
		return false
	}
	t := s.Region(m.Target.GetId())
	return t != nil && region.Contains(t.Region, o.StartKey)
}

func (c *Controller) end(o *Operator, outcome Outcome, why string, now world.Time) End {
	c.operators.Delete(o.Region)
	c.perLane[o.lane()].leave(o)
	for _, id := range o.Also {
		delete(c.occupied, id)
	}
	if c.perKind[o.Kind]--; c.perKind[o.Kind] == 0 {
		delete(c.perKind, o.Kind)
	}
	e := End{Operator: o, Outcome: outcome, Why: why, At: now}
	c.history.add(e)
	return e
}
