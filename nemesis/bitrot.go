package nemesis

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ordeal/world"
)

// BitRot damages a block on a store's disk. What was in it is lost there, and only there: it strikes when all stores are
// up, none has damage that is not repaired yet, and the regions in the block have enough replicas that are all well.
type BitRot struct {
	Whom Whom
	// Block is an ordinal among the blocks that may be damaged.
	Block uint64
}

// Name is the family.
func (f BitRot) Name() string { return "bit-rot" }

// String is the source text.
func (f BitRot) String() string { return fmt.Sprintf("bit-rot %v block(%d)", f.Whom, f.Block) }

func parseBitRot(s *scanner) (Fault, error) {
	w, err := s.whom("")
	if err != nil {
		return nil, err
	}
	if s.space(); strings.HasPrefix(s.text[s.pos:], "log") {
		n, err := s.call("log", "the ordinal of a record")
		return RotLog{Whom: w, Record: n}, err
	}
	f := BitRot{Whom: w}
	if f.Block, err = s.call("block", "the ordinal of a block"); err != nil {
		return nil, err
	}
	return f, nil
}

// rotVotersMin is how many voters a region has at least if one of them may be damaged: without it, most of them are left.
const rotVotersMin = 3

// Apply takes the power from the first of the stores, damages its disk, and starts it again.
func (f BitRot) Apply(_ world.Proc, t Target) (Receipt, error) {
	nodes, why := f.Whom.resolve(t)
	if why != "" {
		return skip("%s", why)
	}
	on := nodes[0]
	if why := hurt(t); why != "" {
		return skip("%s", why)
	}
	var regions []uint64
	for _, r := range t.Regions() {
		if !r.Joint && len(r.voters()) >= rotVotersMin && slices.Contains(r.stores(), on) && t.Ails(r.ID) == "" {
			regions = append(regions, r.ID)
		}
	}
	if len(regions) == 0 {
		return skip("s%d has no region with %d voters that are all well", on, rotVotersMin)
	}
	what, err := t.Rot(on, regions, f.Block)
	if err != nil {
		err = fmt.Errorf("damage s%d: %w", on, err)
	}
	if what == "" {
		return Receipt{Text: fmt.Sprintf("s%d has no block that holds nothing but data of regions that are well", on)}, err
	}
	return Receipt{Bit: true, Text: fmt.Sprintf("s%d: %s", on, what)}, err
}

// How long a heal goes on having replicas compared until the damage is noticed and repaired, with a pause between two looks.
// In the midst of other faults it gives up soon, like that of a joint configuration. The heal of everything takes as long as
// regions may need to find their leaders.
const (
	repairWithin    = time.Second
	repairAllWithin = 20 * time.Second
	repairPause     = 200 * time.Millisecond
)

// Heal has replicas compared on stores that have not noticed their damage, and waits a little until they are repaired. Of stores
// that are lost the driver is told.
func (f BitRot) Heal(p world.Proc, t Target) (Receipt, error) { return healRot(p, t) }

func healRot(p world.Proc, t Target) (Receipt, error) {
	told, err := giveUpLost(p, t, giveUpWithin)
	return repair(p, t, repairWithin).and(told), err
}

// unrepaired returns the damages that still are.
func unrepaired(t Target) []Damage {
	return slices.DeleteFunc(t.Damages(), func(d Damage) bool { return d.Repaired })
}

// repair brings damage to the notice of those who have it, and tells what became of the last one. What they do about it is
// the store's and the placement driver's work. A block may hold data of a hundred regions, and in the midst of faults none
// of them may answer: no command is begun after the time.
func repair(p world.Proc, t Target, within time.Duration) Receipt {
	for end := p.Now().Add(within); ; p.Sleep(repairPause) {
		// What is hidden nobody can be made to read, and what is lost nobody has to be made to.
		left := slices.DeleteFunc(unrepaired(t), func(d Damage) bool { return d.Hidden || d.Lost && len(d.Unnoticed) == 0 })
		if len(left) == 0 || p.Now() >= end {
			break
		}
		for _, d := range left {
			for _, region := range d.Unnoticed {
				if p.Now() < end {
					_ = t.Check(p, region) // who refuses is asked again
				}
			}
		}
	}
	all := t.Damages()
	if len(all) == 0 {
		return Receipt{}
	}
	return Receipt{Text: all[len(all)-1].fate()}
}

// fate says what became of the damage.
func (d Damage) fate() string {
	switch {
	case d.Lost && d.Repaired:
		return fmt.Sprintf("s%d is lost, and all its replicas are replaced", d.Store)
	case d.Lost && len(d.Unnoticed) == 0:
		return fmt.Sprintf("s%d is lost, and not all its replicas are replaced yet", d.Store)
	}
	text := fmt.Sprintf("s%d quarantined %s", d.Store, plural(uint64(d.Quarantined), "replica"))
	switch {
	case len(d.Unnoticed) > 0:
		return text + fmt.Sprintf(", and has not noticed the damage of regions %d", d.Unnoticed)
	case d.Hidden:
		return text + ": what was damaged was deleted, and nobody has come to it yet"
	case d.Repaired && d.Quarantined == 0:
		return text + ": what was damaged had gone before anybody read it"
	case d.Repaired:
		return text + ", and is repaired"
	default:
		return text + ", and is not repaired yet"
	}
}

// unnoticed is the error of damage that nobody has noticed though all replicas were compared.
func unnoticed(t Target) (err error) {
	for _, d := range unrepaired(t) {
		if len(d.Unnoticed) > 0 {
			err = joinErrors(err, fmt.Errorf("s%d has not noticed the damage of regions %d (%s)", d.Store, d.Unnoticed, d.What))
		}
	}
	return err
}

// rotRecordEnd bounds ordinals of records; what is beyond their number decides which bit is flipped.
const rotRecordEnd = 1 << 20

// drawBitRot aims a quarter of the damage at logs, and of the rest half at leaders, whose data are read most.
func drawBitRot(d *drawer) Fault {
	if d.rng.IntN(4) == 0 {
		return RotLog{Whom: d.store(), Record: d.rng.Uint64N(rotRecordEnd)}
	}
	f := BitRot{Whom: Leader(d.region()), Block: d.ordinal()}
	if d.rng.IntN(2) == 0 {
		f.Whom = d.store()
	}
	return f
}
