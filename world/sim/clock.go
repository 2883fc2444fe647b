package sim

import (
	"fmt"
	"time"

	"ordeal/world"
)

// JumpClock moves the clock of a node forward, as when a machine that slept is told the time. Clocks never go back.
func (w *World) JumpClock(id world.NodeID, by time.Duration) error {
	w.mustNotStep("JumpClock")
	n := w.nodeOf[id]
	switch {
	case n == nil || !n.added:
		return fmt.Errorf("moving the clock of node %d: there is no such node", id)
	case by < 0:
		return fmt.Errorf("moving the clock of node %d by %v: it can't go back", id, by)
	}
	n.clock.offset += by
	w.tracer.add(TraceEvent{Time: w.now, Kind: KindClock, Node: id, Ref: uint64(by)})
	return nil
}

// ClockDrift is the largest part by which clocks may run faster than others.
func (w *World) ClockDrift() float64 { return w.cfg.ClockDrift }

// SetDrift changes by which part the clock of a node runs faster than the world's, from now on: at most Config.ClockDrift.
// Timers that were set keep their time in the world.
func (w *World) SetDrift(id world.NodeID, drift float64) error {
	w.mustNotStep("SetDrift")
	n := w.nodeOf[id]
	switch {
	case n == nil || !n.added:
		return fmt.Errorf("the clock of node %d: there is no such node", id)
	case !(drift >= 0 && drift <= w.cfg.ClockDrift):
		return fmt.Errorf("the clock of node %d: a drift of %v, want 0 to %v", id, drift, w.cfg.ClockDrift)
	}
	n.clock = n.clock.at(w.now, int64(drift*million))
	w.tracer.add(TraceEvent{Time: w.now, Kind: KindClock, Node: id, Hash: uint64(n.clock.fast)})
	return nil
}

// at returns a clock that shows the same at the time t of the world and runs at another speed.
func (c nodeClock) at(t world.Time, fast int64) nodeClock {
	next := nodeClock{offset: c.offset, fast: fast}
	next.offset += c.read(t).Sub(next.read(t))
	return next
}
