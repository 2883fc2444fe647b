package nemesis

import (
	"fmt"
	"time"

	"ordeal/world"
)

// Clock has the clocks of some nodes jump forward, or run at another speed from now on: Speed is in percent of the most by
// which clocks may run faster than others, which is what stores are told to expect. Clocks never go back, and there is
// nothing to heal: what is past by the clock stays past.
type Clock struct {
	Whom Victims
	Jump time.Duration
	// Speed means something unless Jump is set.
	Speed uint64
}

// Name is the family.
func (f Clock) Name() string { return "clock" }

// String is the source text.
func (f Clock) String() string {
	if f.Jump > 0 {
		return fmt.Sprintf("clock %v jump(%s)", f.Whom, seconds(f.Jump))
	}
	return fmt.Sprintf("clock %v speed(%d)", f.Whom, f.Speed)
}

func parseClock(s *scanner) (Fault, error) {
	v, err := s.victims()
	if err != nil {
		return nil, err
	}
	f := Clock{Whom: v}
	s.space()
	start := s.pos
	word := s.word()
	s.pos = start
	switch word {
	case "jump":
		if f.Jump, err = s.timed("jump"); err == nil && f.Jump == 0 {
			err = s.errorAt(start, "want a time above 0")
		}
	case "speed":
		f.Speed, err = s.percent("speed")
	default:
		err = s.errorAt(start, "want jump(TIME) or speed(PERCENT), found %s", s.rest())
	}
	return f, err
}

// Apply does it.
func (f Clock) Apply(_ world.Proc, t Target) (Receipt, error) {
	nodes, why := f.Whom.resolve(t)
	if why != "" {
		return skip("%s", why)
	}
	for _, n := range nodes {
		var err error
		if f.Jump > 0 {
			err = t.JumpClock(n, f.Jump)
		} else {
			err = t.SpeedClock(n, f.Speed)
		}
		if err != nil {
			return Receipt{}, err
		}
	}
	who := f.Whom.names(t, nodes)
	if f.Jump > 0 {
		return Receipt{Bit: true, Text: fmt.Sprintf("clock of %s jumped by %s", who, seconds(f.Jump))}, nil
	}
	return Receipt{Bit: true, Text: fmt.Sprintf("clock of %s at %d %% of the drift", who, f.Speed)}, nil
}

// Heal has nothing to do.
func (f Clock) Heal(world.Proc, Target) (Receipt, error) { return Receipt{}, nil }

// jumpMin and jumpMax bound jumps of clocks: from less than a tick to more than anything that is waited for.
const jumpMin, jumpMax = time.Millisecond, time.Minute

func drawClock(d *drawer) Fault {
	f := Clock{Whom: d.victims(4)}
	if d.rng.IntN(2) == 0 {
		f.Jump = d.logUniform(jumpMin, jumpMax)
	} else {
		f.Speed = []uint64{0, 100, d.rng.Uint64N(101)}[d.rng.IntN(3)]
	}
	return f
}
