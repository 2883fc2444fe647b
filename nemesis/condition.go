package nemesis

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ordeal/world"
)

// Condition is what a fault can wait for: a state that a store comes to with one of its regions, or a failpoint.
type Condition struct {
	// State is a name of Target.States or, with At, of Target.Failpoints.
	State string
	At    bool
	// One says that only one region counts, the one numbered Region by start key when the wait begins. Else any does.
	One    bool
	Region uint64
}

// String is the source text.
func (c Condition) String() string {
	text := c.State
	if c.At {
		text = "at " + text
	}
	if c.One {
		text += fmt.Sprintf(" region(%d)", c.Region)
	}
	return text
}

// Seen is where a condition came true.
type Seen struct {
	// Store is the store that came to it, 0 if it was none of them.
	Store world.NodeID
	// Region is the region with which, and Other another one that has to do with it: the target of a merge, a child. Both
	// are 0 if there is none.
	Region, Other uint64
}

// String says it in words.
func (s Seen) String() string {
	var words []string
	if s.Region != 0 {
		words = append(words, fmt.Sprintf("region %d", s.Region))
	}
	if s.Other != 0 {
		words = append(words, fmt.Sprintf("with region %d", s.Other))
	}
	if s.Store != 0 {
		words = append(words, fmt.Sprintf("on s%d", s.Store))
	}
	return strings.Join(words, " ")
}

// When is a fault that waits for a condition. It strikes at the very moment at which the condition comes true, whatever else
// the nemesis is doing then; if that does not happen in time, it does not strike. Within it, there, its-leader and
// other-leader name stores by what was seen, and ordinals of regions count from the region that was.
type When struct {
	Cond Condition
	// Within is how long it waits at most.
	Within time.Duration
	Fault  Fault
}

// whenMax is the longest wait.
const whenMax = time.Hour

// Name is the family.
func (f When) Name() string { return "when" }

// String is the source text.
func (f When) String() string {
	return fmt.Sprintf("when %v within %s: %v", f.Cond, seconds(f.Within), f.Fault)
}

func parseWhen(s *scanner) (Fault, error) {
	if s.waits {
		return nil, s.errorAt(s.pos, "a fault that waits can't wait once more")
	}
	c, err := s.condition()
	if err != nil {
		return nil, err
	}
	f := When{Cond: c}
	s.space()
	if err := s.expect("within"); err != nil {
		return nil, err
	}
	s.space()
	at := s.pos
	if f.Within, err = s.duration("2.000s"); err != nil {
		return nil, err
	}
	if f.Within == 0 || f.Within > whenMax {
		return nil, s.errorAt(at, "want a time above 0 and up to %v", whenMax)
	}
	if err := s.expect(":"); err != nil {
		return nil, err
	}
	s.waits = true
	f.Fault, err = s.fault()
	return f, err
}

// condition reads blanks and a condition.
func (s *scanner) condition() (c Condition, err error) {
	s.space()
	start := s.pos
	if c.State = s.word(); c.State == "at" {
		c.At = true
		s.space()
		start = s.pos
		c.State = s.word()
	}
	if c.State == "" || c.State == "within" || c.At && strings.Contains(c.State, "-") {
		s.pos = start
		return c, s.errorAt(start, "want the name of a state, or at and the name of a failpoint, found %s", s.rest())
	}
	s.space()
	if c.One = strings.HasPrefix(s.text[s.pos:], "region"); c.One {
		c.Region, err = s.call("region", "the ordinal of a region")
	}
	return c, err
}

// Apply strikes without a wait, and so without anything that was seen. The runner waits first.
func (f When) Apply(p world.Proc, t Target) (Receipt, error) { return f.Fault.Apply(p, t) }

// Heal undoes what the fault that waits does.
func (f When) Heal(p world.Proc, t Target) (Receipt, error) { return f.Fault.Heal(p, t) }

// Unknown says what is wrong with the condition for a target, empty if it can be waited for.
func (c Condition) Unknown(t Target) string {
	names, what := t.States(), "state"
	if c.At {
		names, what = t.Failpoints(), "failpoint"
	}
	switch {
	case slices.Contains(names, c.State):
		return ""
	case len(names) == 0 && c.At:
		return "no failpoints are compiled in: build with the failpoint overlay"
	case len(names) == 0:
		return "states are seen in the simulated world only"
	}
	return fmt.Sprintf("there is no %s %s, only %s", what, c.State, strings.Join(names, ", "))
}

// kindOf names what heals a fault: the heal of one ends all of its kind.
func kindOf(f Fault) string { return inner(f).Name() }

// HoldUpMax is the longest time that the faults of the schedule hold up what one store says to another: it is under way in a slow
// network, and then the other store stands still.
func (s Schedule) HoldUpMax() time.Duration {
	still, slow := time.Duration(0), time.Duration(0)
	for _, e := range s {
		switch f := inner(e.Fault).(type) {
		case CrashAt:
			still = max(still, f.Act.By)
		case Net:
			slow = max(slow, f.Slow)
		case Coup:
			slow = max(slow, f.Late)
		}
	}
	return still + slow
}

// inner is the fault that strikes in the end.
func inner(f Fault) Fault {
	if w, ok := f.(When); ok {
		return w.Fault
	}
	return f
}

// waitOf is how long a fault may wait before it strikes.
func waitOf(f Fault) time.Duration {
	if w, ok := f.(When); ok {
		return w.Within
	}
	return 0
}

// seenTarget is a target for a fault that has waited: it knows what was seen, and its regions begin with the one that was.
type seenTarget struct {
	Target
	seen Seen
}

// Regions implements Target.
func (t seenTarget) Regions() []Region {
	regions := t.Target.Regions()
	i := slices.IndexFunc(regions, func(r Region) bool { return r.ID == t.seen.Region })
	if i <= 0 {
		return regions
	}
	return append(slices.Clone(regions[i:]), regions[:i]...)
}

// resolveSeen looks up a store by what was seen.
func (w Whom) resolveSeen(t Target) (nodes []world.NodeID, why string) {
	s, ok := t.(seenTarget)
	if !ok {
		return nil, fmt.Sprintf("%v names nobody: nothing was waited for", w)
	}
	if w.Kind == WhomThere {
		if s.seen.Store == 0 {
			return nil, "it was seen on no store"
		}
		return []world.NodeID{s.seen.Store}, ""
	}
	id := s.seen.Region
	if w.Kind == WhomOtherLeader {
		id = s.seen.Other
	}
	if id == 0 {
		return nil, fmt.Sprintf("what was seen has no %v", w)
	}
	for _, r := range t.Regions() {
		if r.ID == id && r.Leader != 0 && t.Up(r.Leader) {
			return []world.NodeID{r.Leader}, ""
		}
	}
	return nil, fmt.Sprintf("region %d has no known leader", id)
}
