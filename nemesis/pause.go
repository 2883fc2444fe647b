package nemesis

import (
	"fmt"

	"ordeal/world"
)

// Pause stops nodes in the midst of what they do, as SIGSTOP, a hypervisor or a long garbage collection does. They keep
// their memory and find, when they go on, all that came meanwhile, and a clock that has gone on: who led may have been
// deposed long ago.
type Pause struct{ Whom Victims }

// Name is the family.
func (f Pause) Name() string { return "pause" }

// String is the source text.
func (f Pause) String() string { return fmt.Sprintf("pause %v", f.Whom) }

func parsePause(s *scanner) (Fault, error) {
	v, err := s.victims()
	return Pause{v}, err
}

// Apply pauses those that are up.
func (f Pause) Apply(_ world.Proc, t Target) (Receipt, error) {
	nodes, why := f.Whom.resolve(t)
	if why != "" {
		return skip("%s", why)
	}
	var errs error
	for _, n := range nodes {
		if err := t.Pause(n); err != nil {
			errs = joinErrors(errs, fmt.Errorf("pause node %d: %w", n, err))
		}
	}
	if errs != nil {
		return Receipt{}, errs
	}
	return Receipt{Text: f.Whom.names(t, nodes) + " paused"}, nil
}

// Heal lets all that are paused go on. What waited for them is the evidence.
func (f Pause) Heal(_ world.Proc, t Target) (Receipt, error) {
	if waiting := t.Resume(); waiting > 0 {
		return Receipt{Bit: true, Text: plural(waiting, "event") + " waited"}, nil
	}
	return Receipt{}, nil
}

func drawPause(d *drawer) Fault {
	if d.rng.IntN(8) == 0 {
		return Pause{Victims{Stores: Whom{Kind: WhomAll}}}
	}
	return Pause{d.victims(6)}
}
