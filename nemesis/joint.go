package nemesis

import (
	"fmt"
	"slices"
	"time"

	"ordeal/world"
)

// Joint replaces voters of a region by others, all at once, through a joint configuration: what is decided meanwhile needs
// a majority of the old voters and one of the new. The region stays in it as long as the fault lasts if it is explicit;
// otherwise its leader takes it out as soon as it can. Those who lost their vote are left behind as learners.
type Joint struct {
	// Region is an ordinal among the regions.
	Region uint64
	// From is an ordinal among the stores of the region's voters, To one among the stores that are up and do not hold
	// it. The next ones follow if there are several swaps.
	From, To uint64
	// Swaps is how many voters are replaced.
	Swaps uint64
	// Explicit has the region stay in the joint configuration until it is told to leave.
	Explicit bool
	// Kill takes the power from the leader as soon as the joint configuration was entered: its successor has to end what it
	// began.
	Kill bool
}

// Name is the family.
func (f Joint) Name() string { return "joint" }

// String is the source text.
func (f Joint) String() string {
	text := fmt.Sprintf("joint region(%d) %d->%d swaps(%d)", f.Region, f.From, f.To, f.Swaps)
	if f.Explicit {
		text += " explicit"
	}
	if f.Kill {
		text += " kill"
	}
	return text
}

func parseJoint(s *scanner) (Fault, error) {
	var f Joint
	var err error
	if f.Region, f.From, f.To, err = s.move(); err != nil {
		return nil, err
	}
	if f.Swaps, err = s.call("swaps", "how many voters to replace"); err != nil {
		return nil, err
	}
	f.Explicit = s.flag("explicit")
	f.Kill = s.flag("kill")
	return f, nil
}

// move reads region(K) N->M.
func (s *scanner) move() (region, from, to uint64, err error) {
	if region, err = s.call("region", "the ordinal of a region"); err != nil {
		return 0, 0, 0, err
	}
	s.space()
	if from, err = s.number("the ordinal of a replica"); err != nil {
		return 0, 0, 0, err
	}
	if err = s.expect("->"); err != nil {
		return 0, 0, 0, err
	}
	to, err = s.number("the ordinal of a store")
	return region, from, to, err
}

// flag reads blanks and a word if that is what comes next.
func (s *scanner) flag(word string) bool {
	start := s.pos
	s.space()
	if s.word() == word {
		return true
	}
	s.pos = start
	return false
}

// Apply brings learners up to date on the new stores, and then swaps them with the voters.
func (f Joint) Apply(p world.Proc, t Target) (Receipt, error) {
	before, ok := regionAt(t, f.Region)
	if !ok || len(before.Peers) == 0 {
		return skip("no region is known")
	}
	if before.Joint {
		return skip("region %d is in a joint configuration already", before.ID)
	}
	voters := before.voters()
	free := roomFor(t, before)
	n := min(f.Swaps, uint64(len(voters)), uint64(len(free)))
	if n == 0 {
		return skip("no store that is up has room for region %d", before.ID)
	}
	var swaps []PeerChange
	left := voters
	for i := range n {
		from, to := pick(voters, f.From+i), pick(free, f.To+i)
		swaps = append(swaps, PeerChange{MakeVoter, to}, PeerChange{MakeLearner, from})
		left = append(without(left, []world.NodeID{from}), to)
	}
	if why := endangers(t, before, left); why != "" {
		return skip("%s", why)
	}
	err := f.enter(p, t, before, swaps)
	r := changedMembers(p, t, before, 2*n, err == nil)
	if err != nil || !f.Kill {
		return r, err
	}
	now, led := settle(p, t, before.ID, false, func(r Region) bool { return r.Leader != 0 && t.Up(r.Leader) })
	if !led {
		return r.and(Receipt{Text: "no leader to kill"}), nil
	}
	killed, err := Kill{Store(now.Leader)}.Apply(p, t)
	return r.and(killed), err
}

// enter gives the commands. A new voter begins as a learner: nobody can be made a voter who has no data yet.
func (f Joint) enter(p world.Proc, t Target, before Region, swaps []PeerChange) error {
	for i := 0; i < len(swaps); i += 2 {
		if err := changePeer(p, t, before.ID, MakeLearner, swaps[i].Store); err != nil {
			return err
		}
	}
	err := insist(p, func() error { return t.ChangePeers(p, before.ID, swaps, f.Explicit) })
	if err != nil {
		return fmt.Errorf("joint change of region %d: %w", before.ID, err)
	}
	return nil
}

// Heal takes every region out of its joint configuration and starts every store that is down.
func (f Joint) Heal(p world.Proc, t Target) (Receipt, error) {
	r, err := restartStores(t)
	left, leaveErr := leaveJoints(p, t, leaveWithin)
	return left.and(r), joinErrors(err, leaveErr)
}

// How long a heal goes on telling regions to leave joint configurations, with a pause between two looks at all of them. In
// the midst of other faults it gives up soon: the heal of everything comes later, and takes as long as an election may.
const (
	leaveWithin    = time.Second
	leaveAllWithin = 10 * time.Second
	leaveLook      = 500 * time.Millisecond
	leavePause     = 200 * time.Millisecond
)

// leaveJoints takes every region out of its joint configuration. Once the time is up, no command follows one that failed.
func leaveJoints(p world.Proc, t Target, within time.Duration) (Receipt, error) {
	var left []uint64
	for end := p.Now().Add(within); ; {
		var err error
		for _, r := range t.Regions() {
			if !r.Joint {
				continue
			}
			if err != nil && p.Now() >= end {
				err = joinErrors(err, fmt.Errorf("region %d stays in its joint configuration: there was no time left", r.ID))
				continue
			}
			if e := t.LeaveJoint(p, r.ID); e != nil {
				err = joinErrors(err, fmt.Errorf("region %d stays in its joint configuration: %w", r.ID, e))
			} else {
				left = append(left, r.ID)
			}
		}
		if err == nil || p.Now() >= end {
			return leftJoint(left), err
		}
		p.Sleep(leavePause)
	}
}

// leaveAllJoints is leaveJoints for good. A leader may yet come that has a change in its log which enters a joint configuration,
// so it ends when every region has been led for a while.
func leaveAllJoints(p world.Proc, t Target, within time.Duration) (Receipt, error) {
	var r Receipt
	led := 0
	for end := p.Now().Add(within); ; p.Sleep(leaveLook) {
		left, err := leaveJoints(p, t, max(end.Sub(p.Now()), 0))
		r = r.and(left)
		if slices.ContainsFunc(t.Regions(), func(g Region) bool { return g.Leader == 0 }) {
			led = 0
		} else {
			led++
		}
		if err != nil || led > 1 || p.Now() >= end {
			return r, err
		}
	}
}

func leftJoint(regions []uint64) Receipt {
	if len(regions) == 0 {
		return Receipt{}
	}
	return Receipt{Text: fmt.Sprintf("out of the joint configuration: %d", regions)}
}
