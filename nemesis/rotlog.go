package nemesis

import (
	"fmt"

	"ordeal/world"
)

// RotLog damages the write-ahead log of a store that has lost power. What was in the log is acknowledged: votes, and entries of all
// its regions. So the store must refuse to start, and is lost with its disk, as in Wipe.
type RotLog struct {
	Whom Whom
	// Record is an ordinal among the records of the log; which bit of it is flipped follows from it.
	Record uint64
}

// Name is the family.
func (f RotLog) Name() string { return (BitRot{}).Name() }

// String is the source text.
func (f RotLog) String() string { return fmt.Sprintf("bit-rot %v log(%d)", f.Whom, f.Record) }

// Apply takes the power from the first of the stores, damages its log, and tries to start it.
func (f RotLog) Apply(p world.Proc, t Target) (Receipt, error) {
	on, why := f.Whom.staying(t)
	if why != "" {
		return skip("%s", why)
	}
	if why := indispensable(t, on); why != "" {
		return skip("%s", why)
	}
	held := replicasOn(t, on)
	what, refused, err := t.RotLog(on, f.Record)
	switch {
	case err != nil:
		return Receipt{Bit: what != "", Text: what}, fmt.Errorf("damage the log of s%d: %w", on, err)
	case what == "":
		return Receipt{Text: fmt.Sprintf("s%d has nothing in its log", on)}, nil
	case refused == "":
		return Receipt{Bit: true, Text: fmt.Sprintf("s%d: %s, and started all the same", on, what)}, nil
	}
	joined, err := replenish(p, t)
	r := Receipt{Bit: true, Text: fmt.Sprintf("s%d: %s, and did not start with its %s", on, what, plural(held, "replica"))}
	return r.and(joined), err
}

// Heal is that of BitRot.
func (f RotLog) Heal(p world.Proc, t Target) (Receipt, error) { return healRot(p, t) }
