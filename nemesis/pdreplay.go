package nemesis

import (
	"fmt"
	"time"

	"ordeal/world"
)

// Tampering is what happens to messages, in percent of them: late ones are overtaken by others, some come again, and with some
// an earlier one comes again, however old it is. Delays are up to Within.
type Tampering struct {
	Late, Again, Old uint64
	Within           time.Duration
}

// Tampered counts messages that something was done to.
type Tampered struct{ Late, Again, Old uint64 }

// PDReplay tampers with what stores and the placement driver tell each other: reports that are late, doubled, in the wrong
// order, or older than the last split, and orders that come twice and late.
type PDReplay struct{ Tampering }

// Name is the family.
func (f PDReplay) Name() string { return "pd-replay" }

// String is the source text.
func (f PDReplay) String() string {
	return fmt.Sprintf("pd-replay late(%d) again(%d) old(%d) within %s", f.Late, f.Again, f.Old, seconds(f.Within))
}

func parsePDReplay(s *scanner) (Fault, error) {
	var f PDReplay
	for _, part := range []struct {
		name string
		to   *uint64
	}{{"late", &f.Late}, {"again", &f.Again}, {"old", &f.Old}} {
		s.space()
		start := s.pos
		n, err := s.call(part.name, "a percentage")
		if err != nil {
			return nil, err
		}
		if n > 100 {
			return nil, s.errorAt(start, "want at most 100 percent, found %d", n)
		}
		*part.to = n
	}
	s.space()
	if err := s.expect("within"); err != nil {
		return nil, err
	}
	s.space()
	start := s.pos
	var err error
	if f.Within, err = s.duration("1.200s"); err == nil && f.Within <= 0 {
		err = s.errorAt(start, "want a time above 0")
	}
	return f, err
}

// Apply begins.
func (f PDReplay) Apply(_ world.Proc, t Target) (Receipt, error) {
	t.Tamper(f.Tampering)
	return Receipt{}, nil
}

// Heal ends it. What was done to messages is the evidence.
func (f PDReplay) Heal(_ world.Proc, t Target) (Receipt, error) { return endTamper(t), nil }

func endTamper(t Target) Receipt {
	done := t.EndTamper()
	if done == (Tampered{}) {
		return Receipt{}
	}
	return Receipt{Bit: true, Text: fmt.Sprintf("of the driver's messages %d late, %d twice, %d old ones again", done.Late, done.Again, done.Old)}
}

// replayMin and replayMax bound by how much messages are late.
const replayMin, replayMax = 10 * time.Millisecond, 3 * time.Second

func drawPDReplay(d *drawer) Fault {
	percent := func() uint64 { return d.rng.Uint64N(51) }
	t := Tampering{Late: percent(), Again: percent(), Old: percent(), Within: d.logUniform(replayMin, replayMax)}
	if t.Late+t.Again+t.Old == 0 {
		t.Again = 50
	}
	return PDReplay{t}
}
