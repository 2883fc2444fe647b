package nemesis

import (
	"fmt"
	"slices"
	"strings"

	"ordeal/world"
)

// CrashAt arms a crash point on a store: when it comes by, it loses power in the middle of what it was doing. A point
// can be armed on one store at a time, so of several it takes the first that is up; armed on all, it takes the first that
// comes by.
type CrashAt struct {
	// Point is a name of Target.Failpoints.
	Point string
	Whom  Whom
}

// Name is the family.
func (f CrashAt) Name() string { return "crash-at" }

// String is the source text.
func (f CrashAt) String() string { return fmt.Sprintf("crash-at %s %v", f.Point, f.Whom) }

func parseCrashAt(s *scanner) (Fault, error) {
	s.space()
	start := s.pos
	point := s.word()
	if point == "" || strings.Contains(point, "-") {
		s.pos = start
		return nil, s.errorAt(start, "want the name of a crash point, found %s", s.rest())
	}
	w, err := s.whom("")
	if err != nil {
		return nil, err
	}
	return CrashAt{Point: point, Whom: w}, nil
}

// Apply arms the point. Whether anybody comes by is known only when it is disarmed.
func (f CrashAt) Apply(_ world.Proc, t Target) (Receipt, error) {
	if why := cannotArm(t, f.Point); why != "" {
		return skip("%s", why)
	}
	nodes, why := f.Whom.resolve(t)
	if why != "" {
		return skip("%s", why)
	}
	up := upOnly(t, nodes)
	if len(up) == 0 {
		return skip("%s down already", names(nodes))
	}
	n, where := up[0], names(up[:1])
	if f.Whom.Kind == WhomAll {
		n, where = AnyNode, "all"
	}
	if err := t.ArmCrash(f.Point, n); err != nil {
		return Receipt{}, fmt.Errorf("arm %s on node %d: %w", f.Point, n, err)
	}
	return Receipt{Text: "armed on " + where}, nil
}

// cannotArm says why a crash point can't be armed, empty if it can.
func cannotArm(t Target, point string) string {
	points := t.Failpoints()
	if len(points) == 0 {
		return "no crash points are compiled in: build with the failpoint overlay"
	}
	if !slices.Contains(points, point) {
		return fmt.Sprintf("no crash point %s is compiled in, only %s", point, strings.Join(points, ", "))
	}
	return ""
}

// Heal disarms all crash points and starts every store that is down. Only now it is known which points were hit.
func (f CrashAt) Heal(_ world.Proc, t Target) (Receipt, error) {
	hits := t.DisarmCrashes()
	r, err := restartStores(t)
	r.Hits = hits
	return f.judge(r), err
}

// judge turns the heal of all crash points into the evidence of this one.
func (f CrashAt) judge(healed Receipt) Receipt {
	verdict := Receipt{Bit: slices.Contains(healed.Hits, f.Point), Text: "not reached"}
	if verdict.Bit {
		verdict.Text = "hit"
	}
	healed.Bit = false
	return verdict.and(healed)
}

// HealAll brings back everything that any fault can take: it disarms crash points, removes all cuts and starts every
// node that is down, lets stores join for those that leave, takes every region out of its joint configuration, and at last waits until all damage on disks is
// noticed and repaired. It is idempotent, and goes on where one step fails.
func HealAll(p world.Proc, t Target) (Receipt, error) {
	r := Receipt{Hits: t.DisarmCrashes()}
	r = r.and(Receipt{Text: endTamper(t).Text})
	t.HealNetwork()
	// The placement driver first: stores ask it for things as soon as they are up.
	up, pdErr := restart(t, t.PDs())
	if len(up) > 0 {
		r = r.and(Receipt{Text: "pd up again"})
	}
	stores, err := restartStores(t)
	joined, joinErr := replenish(p, t)
	left, leaveErr := leaveJoints(p, t, leaveAllWithin)
	repaired := repair(p, t, repairAllWithin)
	err = joinErrors(joinErrors(pdErr, err), joinErrors(joinErrors(joinErr, leaveErr), unnoticed(t)))
	return r.and(stores).and(joined).and(left).and(repaired), err
}
