package nemesis

import (
	"fmt"
	"time"

	"ordeal/world"
)

// Restart takes the power from stores again and again, for an instant: from each of several in turn, as an upgrade does, or
// from one several times, as a machine does that crashes soon after it came up.
type Restart struct {
	// Rolling is each of Whom once. Otherwise it is the first of Whom, Times times.
	Rolling bool
	Whom    Whom
	Times   uint64
}

// Name is the family.
func (f Restart) Name() string { return "restart" }

// String is the source text.
func (f Restart) String() string {
	if f.Rolling {
		return fmt.Sprintf("restart rolling %v", f.Whom)
	}
	return fmt.Sprintf("restart loop %v times(%d)", f.Whom, f.Times)
}

// A store that restarts is down for restartDown, and the next one goes down restartUp after it came up. Times is restartMax
// at most, which bounds how late the next fault may come.
const (
	restartDown = 30 * time.Millisecond
	restartUp   = 120 * time.Millisecond
	restartMax  = 8
)

func parseRestart(s *scanner) (Fault, error) {
	s.space()
	start := s.pos
	word := s.word()
	if word != "rolling" && word != "loop" {
		s.pos = start
		return nil, s.errorAt(start, "want rolling or loop, found %s", s.rest())
	}
	f := Restart{Rolling: word == "rolling"}
	var err error
	if f.Whom, err = s.whom(""); err != nil || f.Rolling {
		return f, err
	}
	s.space()
	start = s.pos
	if f.Times, err = s.call("times", "how often"); err == nil && (f.Times < 1 || f.Times > restartMax) {
		err = s.errorAt(start, "want 1 to %d times, found %d", restartMax, f.Times)
	}
	return f, err
}

// Apply does it. A store without which no majority of the stores would be up is left alone.
func (f Restart) Apply(p world.Proc, t Target) (Receipt, error) {
	nodes, why := f.Whom.resolve(t)
	if why != "" {
		return skip("%s", why)
	}
	if !f.Rolling {
		first := nodes[0]
		nodes = nil
		for range f.Times {
			nodes = append(nodes, first)
		}
	}
	var done []world.NodeID
	var errs error
	var lost uint64
	for _, n := range nodes {
		if up := len(upOnly(t, t.Stores())); !t.Up(n) || up-1 <= len(t.Stores())/2 {
			continue
		}
		l, err := t.Crash(n)
		if err != nil {
			errs = joinErrors(errs, fmt.Errorf("crash s%d: %w", n, err))
			continue
		}
		p.Sleep(restartDown)
		_, err = restart(t, []world.NodeID{n})
		errs = joinErrors(errs, err)
		p.Sleep(restartUp)
		done, lost = append(done, n), lost+l
	}
	if len(done) == 0 && errs == nil {
		return skip("%s can't be spared", names(nodes))
	}
	return Receipt{Bit: len(done) > 0, Text: fmt.Sprintf("%s restarted, %s lost", names(done), plural(lost, "commit"))}, errs
}

// Heal starts every store that is down.
func (f Restart) Heal(_ world.Proc, t Target) (Receipt, error) { return restartStores(t) }

func drawRestart(d *drawer) Fault {
	if d.rng.IntN(2) == 0 {
		f := Restart{Rolling: true, Whom: Whom{Kind: WhomAll}}
		if d.stores > restartMax {
			f.Whom = Stores(d.mask(restartMax))
		}
		return f
	}
	f := Restart{Whom: d.store(), Times: 2 + d.rng.Uint64N(4)}
	if d.rng.IntN(2) == 0 {
		f.Whom = Leader(d.region())
	}
	return f
}
