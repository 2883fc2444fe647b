package nemesis

import (
	"fmt"
	"strings"
	"time"

	"ordeal/world"
)

// Lag leaves a store behind: it hears nothing from other stores until their logs can't help it any more, and when it
// hears them again it loses power at a crash point, in the middle of the snapshots that come. What a follower had before
// a snapshot, and not only what an empty one gets, is what a crash there can spoil.
type Lag struct {
	Whom Whom
	// Point is the crash point, a name of Target.Failpoints.
	Point string
}

// Name is the family.
func (f Lag) Name() string { return "lag" }

// String is the source text.
func (f Lag) String() string { return fmt.Sprintf("lag %v %s", f.Whom, f.Point) }

func parseLag(s *scanner) (Fault, error) {
	w, err := s.whom("")
	if err != nil {
		return nil, err
	}
	s.space()
	start := s.pos
	point := s.word()
	if point == "" || strings.Contains(point, "-") {
		s.pos = start
		return nil, s.errorAt(start, "want the name of a crash point, found %s", s.rest())
	}
	return Lag{Whom: w, Point: point}, nil
}

// A store that catches up is watched for the crash every lagLook, and lagLooks times at most, which bounds how late the
// next fault may come. It stays down for lagDown.
const (
	lagLook  = 20 * time.Millisecond
	lagLooks = 75
	lagDown  = 100 * time.Millisecond
)

// Apply cuts the store off from the other ones. It still reaches clients and the placement driver.
func (f Lag) Apply(_ world.Proc, t Target) (Receipt, error) {
	n, why := f.victim(t)
	if why != "" {
		return skip("%s", why)
	}
	for _, o := range without(t.Stores(), []world.NodeID{n}) {
		cutBoth(t, n, o)
	}
	return Receipt{Text: fmt.Sprintf("s%d left behind", n)}, nil
}

// victim is the first of those meant that is up, or why there is none.
func (f Lag) victim(t Target) (n world.NodeID, why string) {
	if why := cannotArm(t, f.Point); why != "" {
		return 0, why
	}
	nodes, why := f.Whom.resolve(t)
	if why != "" {
		return 0, why
	}
	up := upOnly(t, nodes)
	if len(up) == 0 {
		return 0, names(nodes) + " down already"
	}
	return up[0], ""
}

// Heal removes all cuts, waits until the store comes by the crash point, and starts every store that is down. Whom the
// fault cut off is not remembered, so whoever comes by first will do: it is the one that gets snapshots.
func (f Lag) Heal(p world.Proc, t Target) (Receipt, error) {
	defer t.HealNetwork()
	if why := cannotArm(t, f.Point); why != "" {
		return skip("%s", why)
	}
	if err := t.Arm(f.Point, AnyNode, Act{Kind: ActCrash}); err != nil {
		return Receipt{}, fmt.Errorf("arm %s: %w", f.Point, err)
	}
	were := len(upOnly(t, t.Stores()))
	t.HealNetwork()
	for look := 0; look < lagLooks && len(upOnly(t, t.Stores())) >= were; look++ {
		p.Sleep(lagLook)
	}
	p.Sleep(lagDown)
	return CrashAt{Point: f.Point}.Heal(p, t)
}

func drawLag(d *drawer) Fault {
	points := snapshotPoints(d.opts.CrashPoints)
	return Lag{Whom: d.store(), Point: points[d.rng.IntN(len(points))]}
}

// snapshotPoints are the crash points on the way of a snapshot.
func snapshotPoints(all []string) []string {
	var out []string
	for _, p := range all {
		if strings.Contains(p, "Snapshot") {
			out = append(out, p)
		}
	}
	return out
}
