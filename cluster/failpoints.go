package cluster

import (
	"fmt"
	"slices"
	"strings"

	gofail "go.etcd.io/gofail/runtime"

	"ordeal/nemesis"
	"ordeal/world"
)

// Failpoints of stores are switched on while somebody has armed them or waits for them; whom they hurt, and how, is decided
// here and not in them. The switches are the process's, so one simulation at a time can use them.

// crashPrefix and errorPrefix begin the names of a store's failpoints; others are planted bugs.
const (
	crashPrefix = "crash"
	errorPrefix = "error"
)

// points is what is armed, and what was hit.
type points struct {
	armed []armed
	hit   []string
	// on are the failpoints that are switched on.
	on []string
}

type armed struct {
	point string
	node  world.NodeID
	act   nemesis.Act
}

// Failpoints implements nemesis.Target.
func (c *Sim) Failpoints() []string {
	names := slices.DeleteFunc(gofail.List(), func(n string) bool {
		return !strings.HasPrefix(n, crashPrefix) && !strings.HasPrefix(n, errorPrefix)
	})
	slices.Sort(names)
	return names
}

// Arm implements nemesis.Target. A failpoint does one thing at a time: the later takes the place of the earlier.
func (c *Sim) Arm(point string, n world.NodeID, act nemesis.Act) error {
	if err := c.switchOn(point); err != nil {
		return err
	}
	c.points.armed = slices.DeleteFunc(c.points.armed, func(a armed) bool { return a.point == point })
	c.points.armed = append(c.points.armed, armed{point, n, act})
	return nil
}

func (c *Sim) switchOn(point string) error {
	if slices.Contains(c.points.on, point) {
		return nil
	}
	if err := gofail.Enable(point, "return"); err != nil {
		return fmt.Errorf("switch on %s: %w", point, err)
	}
	c.points.on = append(c.points.on, point)
	return nil
}

// Disarm implements nemesis.Target.
func (c *Sim) Disarm() []string {
	hit := c.points.hit
	c.points.hit, c.points.armed = nil, nil
	c.switchOff()
	return hit
}

// switchOff switches off the failpoints that nobody needs any more.
func (c *Sim) switchOff() {
	c.points.on = slices.DeleteFunc(c.points.on, func(point string) bool {
		needed := slices.ContainsFunc(c.points.armed, func(a armed) bool { return a.point == point }) ||
			slices.ContainsFunc(c.awaited, func(w *awaited) bool { return w.cond.At && w.cond.State == point })
		if !needed {
			_ = gofail.Disable(point) // it says only that the point was off
		}
		return !needed
	})
}

// passed is called by a store that comes by a failpoint which is switched on. It may not return, or have the store stalled.
func (c *Sim) passed(n world.NodeID, point string, region uint64) (fail bool) {
	c.came(nemesis.Condition{State: point, At: true}, nemesis.Seen{Store: n, Region: region})
	i := slices.IndexFunc(c.points.armed, func(a armed) bool {
		return a.point == point && (a.node == nemesis.AnyNode || a.node == n)
	})
	if i < 0 {
		return false
	}
	switch act := c.points.armed[i].act; act.Kind {
	case nemesis.ActCrash:
		panic(world.Crash{Node: n, Point: point}) // onCrash does the rest
	case nemesis.ActDelay:
		c.World.Stall(n, act.By)
		c.spend(point)
	case nemesis.ActError:
		if !slices.Contains(c.points.hit, point) {
			c.points.hit = append(c.points.hit, point)
		}
		return true
	}
	return false
}

// spend takes note that a failpoint which strikes once has done so.
func (c *Sim) spend(point string) {
	c.points.hit = append(c.points.hit, point)
	c.points.armed = slices.DeleteFunc(c.points.armed, func(a armed) bool { return a.point == point })
}

// onCrash is told that a node went down; point is nil unless a failpoint did it.
func (c *Sim) onCrash(n world.NodeID, crash *world.Crash) {
	if crash == nil {
		return
	}
	if slices.ContainsFunc(c.points.armed, func(a armed) bool { return a.point == crash.Point }) {
		c.spend(crash.Point) // and no disk that failed
	}
	if s := c.store(n); s != nil {
		s.downSince = c.World.Now()
		if s.store != nil { // else it was its first start
			s.last = s.store.Peers()
		}
	}
	c.switchOff()
}
