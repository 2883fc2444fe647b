package nemesis

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ordeal/world"
)

// Act is what a store suffers that comes by a failpoint.
type Act struct {
	Kind ActKind
	// By is how long it stands still.
	By time.Duration
}

// ActKind is a kind of Act.
type ActKind uint8

// The kinds. Power is lost, and a store stands still, once; operations fail as long as the failpoint is armed.
const (
	ActCrash ActKind = iota
	ActDelay
	ActError
)

// errorPrefix begins the names of failpoints at which an operation can fail; crashPrefix those of others.
const (
	errorPrefix = "error"
	crashPrefix = "crash"
)

// delayMax is the longest that a store stands still.
const delayMax = 10 * time.Second

// CrashAt arms a failpoint on a store: when it comes by, in the middle of what it was doing, it loses power, or stands
// still, or what it was about to do fails. A fault arms it on one store, so of several it takes the first that is up; armed
// on all, it takes the first that comes by, or for errors all of them.
type CrashAt struct {
	// Point is a name of Target.Failpoints.
	Point string
	Whom  Whom
	Act   Act
}

// Name is the family.
func (f CrashAt) Name() string { return "crash-at" }

// String is the source text.
func (f CrashAt) String() string {
	switch f.Act.Kind {
	case ActDelay:
		return fmt.Sprintf("delay-at %s %v by %s", f.Point, f.Whom, seconds(f.Act.By))
	case ActError:
		return fmt.Sprintf("error-at %s %v", f.Point, f.Whom)
	default:
		return fmt.Sprintf("crash-at %s %v", f.Point, f.Whom)
	}
}

func parseCrashAt(s *scanner) (Fault, error) {
	f, err := s.pointWhom()
	return f, err
}

func parseErrorAt(s *scanner) (Fault, error) {
	f, err := s.pointWhom()
	f.Act.Kind = ActError
	return f, err
}

func parseDelayAt(s *scanner) (Fault, error) {
	f, err := s.pointWhom()
	if err != nil {
		return nil, err
	}
	s.space()
	if err := s.expect("by"); err != nil {
		return nil, err
	}
	s.space()
	at := s.pos
	f.Act.Kind = ActDelay
	if f.Act.By, err = s.duration("0.080s"); err != nil {
		return nil, err
	}
	if f.Act.By == 0 || f.Act.By > delayMax {
		return nil, s.errorAt(at, "want a time above 0 and up to %v", delayMax)
	}
	return f, nil
}

// pointWhom reads blanks, the name of a failpoint and whom it is armed for.
func (s *scanner) pointWhom() (CrashAt, error) {
	s.space()
	start := s.pos
	point := s.word()
	if point == "" || strings.Contains(point, "-") {
		s.pos = start
		return CrashAt{}, s.errorAt(start, "want the name of a failpoint, found %s", s.rest())
	}
	w, err := s.whom("")
	return CrashAt{Point: point, Whom: w}, err
}

// Apply arms the point. Whether anybody comes by is known only when it is disarmed.
func (f CrashAt) Apply(_ world.Proc, t Target) (Receipt, error) {
	why := cannotArm(t, f.Point)
	if why == "" && f.Act.Kind == ActError && !strings.HasPrefix(f.Point, errorPrefix) {
		why = fmt.Sprintf("nothing can fail at %s, only at %s", f.Point, strings.Join(withPrefix(t.Failpoints(), errorPrefix), ", "))
	}
	if why != "" {
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
	if err := t.Arm(f.Point, n, f.Act); err != nil {
		return Receipt{}, fmt.Errorf("arm %s on node %d: %w", f.Point, n, err)
	}
	return Receipt{Text: "armed on " + where}, nil
}

// cannotArm says why a failpoint can't be armed, empty if it can.
func cannotArm(t Target, point string) string {
	points := t.Failpoints()
	if len(points) == 0 {
		return "no failpoints are compiled in: build with the failpoint overlay"
	}
	if !slices.Contains(points, point) {
		return fmt.Sprintf("no failpoint %s is compiled in, only %s", point, strings.Join(points, ", "))
	}
	return ""
}

// SplitPoints tells the failpoints at which operations can fail from the others.
func SplitPoints(all []string) (crashes, errors []string) {
	return withPrefix(all, crashPrefix), withPrefix(all, errorPrefix)
}

// withPrefix returns the names that begin in such a way.
func withPrefix(names []string, prefix string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !strings.HasPrefix(n, prefix) })
}

// Heal disarms all failpoints and starts every store that is down. Only now it is known which points were hit.
func (f CrashAt) Heal(_ world.Proc, t Target) (Receipt, error) {
	hits := t.Disarm()
	r, err := restartStores(t)
	r.Hits = hits
	return f.judge(r), err
}

// judge turns the heal of all failpoints into the evidence of this one.
func (f CrashAt) judge(healed Receipt) Receipt {
	verdict := Receipt{Bit: slices.Contains(healed.Hits, f.Point), Text: "not reached"}
	if verdict.Bit {
		verdict.Text = "hit"
	}
	healed.Bit = false
	return verdict.and(healed)
}

// HealAll brings back everything that any fault can take: it disarms failpoints, removes all cuts and troubles of disks, and starts every
// node that is down, lets stores join for those that leave or are lost, takes every region out of its joint configuration, and at last waits until all damage on disks is
// noticed and repaired. It is idempotent, and goes on where one step fails.
func HealAll(p world.Proc, t Target) (Receipt, error) {
	r := Receipt{Hits: t.Disarm()}
	r = r.and(Receipt{Text: endTamper(t).Text})
	t.HealNetwork()
	t.HealDisks()
	// The placement driver first: stores ask it for things as soon as they are up.
	up, pdErr := restart(t, t.PDs())
	if len(up) > 0 {
		r = r.and(Receipt{Text: "pd up again"})
	}
	stores, err := restartStores(t)
	blanks, blankErr := loseBlanks(t)
	joined, joinErr := giveUpLost(p, t, giveUpAllWithin)
	left, leaveErr := leaveAllJoints(p, t, leaveAllWithin)
	repaired := repair(p, t, repairAllWithin)
	err = joinErrors(joinErrors(joinErrors(pdErr, err), blankErr), joinErrors(joinErrors(joinErr, leaveErr), unnoticed(t)))
	return r.and(stores).and(blanks).and(joined).and(left).and(repaired), err
}
