package nemesis

import (
	"fmt"

	"ordeal/world"
)

// Kill takes the power from stores: what they had not synced is lost.
type Kill struct{ Whom Whom }

// Name is the family.
func (f Kill) Name() string { return "kill" }

// String is the source text.
func (f Kill) String() string { return "kill " + f.Whom.String() }

// Apply crashes those of the stores that are up.
func (f Kill) Apply(_ world.Proc, t Target) (Receipt, error) {
	nodes, why := f.Whom.resolve(t)
	if why != "" {
		return skip("%s", why)
	}
	up := upOnly(t, nodes)
	if len(up) == 0 {
		return skip("%s down already", names(nodes))
	}
	return crash(t, up, names(up))
}

// Heal starts every store that is down.
func (f Kill) Heal(_ world.Proc, t Target) (Receipt, error) { return restartStores(t) }

// KillPD takes the power from members of the placement driver.
type KillPD struct{ Whom PDWhom }

// Name is the family.
func (f KillPD) Name() string { return "pd-kill" }

// String is the source text.
func (f KillPD) String() string {
	if f.Whom.Kind == PDAll {
		return "kill pd"
	}
	return "kill pd " + f.Whom.String()
}

// Apply crashes the members that are up.
func (f KillPD) Apply(_ world.Proc, t Target) (Receipt, error) {
	nodes, why := f.Whom.resolve(t)
	if why != "" {
		return skip("%s", why)
	}
	up := upOnly(t, nodes)
	if len(up) == 0 {
		return skip("%s down already", pdNames(t, nodes))
	}
	return crash(t, up, pdNames(t, up))
}

// Heal starts every member that is down.
func (f KillPD) Heal(_ world.Proc, t Target) (Receipt, error) {
	up, err := restart(t, t.PDs())
	if len(up) == 0 {
		return Receipt{}, err
	}
	return Receipt{Text: pdNames(t, up) + " up again"}, err
}

func parseKill(s *scanner) (Fault, error) {
	s.space()
	start := s.pos
	if s.word() == "pd" {
		if s.space(); s.pos == len(s.text) {
			return KillPD{}, nil
		}
		w, err := s.pdWhom()
		return KillPD{Whom: w}, err
	}
	s.pos = start
	w, err := s.whom(orPD)
	if err != nil {
		return nil, err
	}
	return Kill{Whom: w}, nil
}

// crash takes the power from nodes and adds up what they lost.
func crash(t Target, nodes []world.NodeID, who string) (Receipt, error) {
	var errs error
	var lost uint64
	down := 0
	for _, n := range nodes {
		l, err := t.Crash(n)
		if err != nil {
			errs = joinErrors(errs, fmt.Errorf("crash node %d: %w", n, err))
			continue
		}
		down++
		lost += l
	}
	if down == 0 {
		return Receipt{}, errs
	}
	return Receipt{Bit: true, Text: fmt.Sprintf("%s down, %s lost", who, plural(lost, "commit"))}, errs
}

// restartStores starts every store that is down.
func restartStores(t Target) (Receipt, error) {
	up, err := restart(t, t.Stores())
	if len(up) == 0 {
		return Receipt{}, err
	}
	return Receipt{Text: names(up) + " up again"}, err
}
