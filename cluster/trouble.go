package cluster

import (
	"errors"
	"fmt"
	"time"

	"ordeal/nemesis"
	"ordeal/system/engine"
	"ordeal/world"
	"ordeal/world/sim"
)

// machines are all nodes that have power and a disk of their own: stores and members of the placement driver.
func (c *Sim) machines() []world.NodeID { return append(c.Stores(), c.PDs()...) }

// Uncut implements nemesis.Target.
func (c *Sim) Uncut(from, to world.NodeID) { c.World.Uncut(from, to) }

// soundAfter is how long it takes after troubles have ended until nothing of them is under way any more.
const soundAfter = time.Second

// Sound says whether no node is paused, has trouble with its disk or bad links, and within soundAfter none had, and no clock
// has jumped.
func (c *Sim) Sound() bool { return c.troubles == 0 && c.World.Now() >= c.soundFrom }

// trouble is something that keeps a cluster from being Sound.
type trouble uint8

const (
	troublePause trouble = 1 << iota
	troubleLinks
	troubleDisk
)

func (c *Sim) begin(t trouble) { c.troubles |= t }

func (c *Sim) end(t trouble) {
	if c.troubles&t != 0 {
		c.troubles &^= t
		c.soundFrom = c.World.Now().Add(soundAfter)
	}
}

// Pause implements nemesis.Target.
func (c *Sim) Pause(n world.NodeID) error {
	c.begin(troublePause)
	return c.World.Pause(n)
}

// Resume implements nemesis.Target.
func (c *Sim) Resume() (waiting uint64) {
	c.end(troublePause)
	c.resumed = c.World.Now()
	for _, n := range c.machines() {
		waiting += uint64(c.World.Resume(n))
	}
	return waiting
}

func share(percent uint64) float64 { return float64(percent) / 100 }

// Worsen implements nemesis.Target.
func (c *Sim) Worsen(n world.NodeID, w nemesis.Weather) error {
	c.begin(troubleLinks)
	c.World.SetWeather(n, sim.Weather{Loss: share(w.Loss), Again: share(w.Again), Overtake: share(w.Overtake), Slow: w.Slow})
	return nil
}

// EndWorsen implements nemesis.Target.
func (c *Sim) EndWorsen() nemesis.Weathered {
	c.end(troubleLinks)
	var sum sim.Weathered
	for _, n := range c.machines() {
		sum.Add(c.World.EndWeather(n))
	}
	return nemesis.Weathered(sum)
}

// HurtDisk implements nemesis.Target.
func (c *Sim) HurtDisk(n world.NodeID, d nemesis.DiskTrouble) error {
	c.begin(troubleDisk)
	disk := c.disk(n)
	if disk == nil {
		return fmt.Errorf("node %d has no disk", n)
	}
	disk.Hurt(engine.Trouble{Full: d.Full, Low: d.Low, Unreadable: d.Unreadable})
	return c.World.HurtDisk(n, sim.DiskTrouble{Slow: d.Slow, Stalled: d.Stalls, Fails: d.Fails})
}

// HealDisks implements nemesis.Target.
func (c *Sim) HealDisks() (touched uint64) {
	c.end(troubleDisk)
	for _, n := range c.machines() {
		touched += c.World.HealDisk(n) + c.disk(n).Heal()
	}
	return touched
}

// JumpClock implements nemesis.Target.
func (c *Sim) JumpClock(n world.NodeID, by time.Duration) error {
	c.soundFrom = max(c.soundFrom, c.World.Now().Add(soundAfter))
	return c.World.JumpClock(n, by)
}

// SpeedClock implements nemesis.Target.
func (c *Sim) SpeedClock(n world.NodeID, percent uint64) error {
	return c.World.SetDrift(n, c.World.ClockDrift()*share(percent))
}

// errSimOnly is why a fault of one machine is refused in the real world.
var errSimOnly = errors.New("this works in the simulated world only: in the real one all nodes share a process, a disk and a clock")

// Uncut implements nemesis.Target.
func (c *Real) Uncut(from, to world.NodeID) { c.World.Uncut(from, to) }

// Pause implements nemesis.Target. It fails.
func (c *Real) Pause(world.NodeID) error { return errSimOnly }

// Resume implements nemesis.Target.
func (c *Real) Resume() uint64 { return 0 }

// Worsen implements nemesis.Target. It fails.
func (c *Real) Worsen(world.NodeID, nemesis.Weather) error { return errSimOnly }

// EndWorsen implements nemesis.Target.
func (c *Real) EndWorsen() nemesis.Weathered { return nemesis.Weathered{} }

// HurtDisk implements nemesis.Target. It fails.
func (c *Real) HurtDisk(world.NodeID, nemesis.DiskTrouble) error { return errSimOnly }

// HealDisks implements nemesis.Target.
func (c *Real) HealDisks() uint64 { return 0 }

// JumpClock implements nemesis.Target. It fails.
func (c *Real) JumpClock(world.NodeID, time.Duration) error { return errSimOnly }

// SpeedClock implements nemesis.Target. It fails.
func (c *Real) SpeedClock(world.NodeID, uint64) error { return errSimOnly }
