package nemesis

import (
	"fmt"
	"slices"
	"time"

	"ordeal/world"
)

// Wipe takes a store's disk away, and with it one copy of each of its regions: it strikes when each of them has enough others that
// are all well. The store is lost for good. Another one, with a disk of its own and a new id, joins in its place, and when
// the fault ends the placement driver is told that the old one will not come back, if it has not found that out by itself.
type Wipe struct {
	// Whom names the store; of several the first that is not to leave already.
	Whom Whom
	// Blank has the machine come up with an empty disk under the old id first, as if nothing had been on it: it must be
	// refused. It is lost when the fault ends.
	Blank bool
}

// Name is the family.
func (f Wipe) Name() string { return "wipe" }

// String is the source text.
func (f Wipe) String() string {
	if f.Blank {
		return fmt.Sprintf("wipe %v blank", f.Whom)
	}
	return fmt.Sprintf("wipe %v", f.Whom)
}

func parseWipe(s *scanner) (Fault, error) {
	w, err := s.whom("")
	if err != nil {
		return nil, err
	}
	return Wipe{Whom: w, Blank: s.flag("blank")}, nil
}

// Apply takes the disk. That it is gone is the evidence.
func (f Wipe) Apply(p world.Proc, t Target) (Receipt, error) {
	on, why := f.Whom.staying(t)
	if why != "" {
		return skip("%s", why)
	}
	if why := indispensable(t, on); why != "" {
		return skip("%s", why)
	}
	r := Receipt{Bit: true, Text: fmt.Sprintf("s%d lost its disk with %s", on, plural(replicasOn(t, on), "replica"))}
	if f.Blank {
		if err := t.Blank(on); err != nil {
			return Receipt{}, fmt.Errorf("s%d is to come up with an empty disk: %w", on, err)
		}
		return r, nil
	}
	if err := t.Lose(on); err != nil {
		return Receipt{}, fmt.Errorf("s%d is to be lost: %w", on, err)
	}
	joined, err := replenish(p, t)
	return r.and(joined), err
}

// indispensable says why a store's disk may not be lost now, "" if it may: any of its replicas may be one of those that a region
// lives by, or the last that has something.
func indispensable(t Target, on world.NodeID) string {
	if why := hurt(t); why != "" {
		return why
	}
	if why := noRoom(t, on); why != "" {
		return why
	}
	for _, r := range t.Regions() {
		if slices.Contains(r.stores(), on) && (r.Joint || len(r.voters()) < rotVotersMin) {
			return fmt.Sprintf("region %d on s%d has not %d voters", r.ID, on, rotVotersMin)
		}
	}
	return t.AilsOn(on)
}

// hurt says why one copy of some region may be missing already, "" if none is.
func hurt(t Target) string {
	if up := upOnly(t, t.Stores()); len(up) < len(t.Stores()) {
		return names(without(t.Stores(), up)) + " down: one copy may be missing already"
	}
	switch d := unrepaired(t); {
	case len(d) == 0:
		return ""
	case d[0].Lost:
		return fmt.Sprintf("not all replicas of s%d, which is lost, are replaced yet", d[0].Store)
	default:
		return fmt.Sprintf("the damage on s%d is not repaired yet", d[0].Store)
	}
}

// Heal gives up those that came up without their data, and has the driver told of all that are lost.
func (f Wipe) Heal(p world.Proc, t Target) (Receipt, error) {
	r, err := loseBlanks(t)
	told, e := giveUpLost(p, t, giveUpWithin)
	return r.and(told), joinErrors(err, e)
}

// loseBlanks has stores with empty disks taken away.
func loseBlanks(t Target) (r Receipt, errs error) {
	for _, b := range t.Blanks() {
		if err := t.Lose(b.Store); err != nil {
			errs = joinErrors(errs, fmt.Errorf("s%d is to be lost: %w", b.Store, err))
			continue
		}
		switch {
		case b.Refused != "":
			r = r.and(Receipt{Text: fmt.Sprintf("s%d came up empty and was refused: %s", b.Store, b.Refused)})
		default:
			r = r.and(Receipt{Text: fmt.Sprintf("s%d came up empty, and nobody had answered it yet", b.Store)})
		}
	}
	return r, errs
}

// How long a heal goes on telling the driver of stores that are lost, which may have no leader yet, or not know those yet that
// take their places; and that of everything.
const (
	giveUpWithin    = time.Second
	giveUpAllWithin = 10 * time.Second
	giveUpPause     = 200 * time.Millisecond
)

// giveUpLost lets stores join for those that are lost, and tells the driver that these will not come back. No command is begun
// after the time, but for the first.
func giveUpLost(p world.Proc, t Target, within time.Duration) (Receipt, error) {
	r, failed := replenish(p, t)
	for end := p.Now().Add(within); ; p.Sleep(giveUpPause) {
		var refused error
		for _, n := range without(t.Lost(), t.Leaving()) {
			if refused != nil && p.Now() >= end {
				break
			}
			if err := t.Leave(p, n); err != nil {
				refused = joinErrors(refused, fmt.Errorf("s%d is lost, of which the driver is to hear: %w", n, err))
				continue
			}
			r = r.and(Receipt{Text: fmt.Sprintf("s%d is given up with %s", n, plural(replicasOn(t, n), "replica"))})
		}
		if refused == nil || p.Now() >= end {
			return r, joinErrors(failed, refused)
		}
	}
}

// gone are the stores that leave, by decision or since they are lost.
func gone(t Target) []world.NodeID {
	return append(without(t.Lost(), t.Leaving()), t.Leaving()...)
}

func drawWipe(d *drawer) Fault {
	f := Wipe{Whom: d.store(), Blank: d.rng.IntN(3) == 0}
	if d.rng.IntN(3) == 0 {
		f.Whom = Leader(d.region())
	}
	return f
}
