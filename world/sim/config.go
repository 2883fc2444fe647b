package sim

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Config describes a world. The zero value of every field but Seed stands for the default.
type Config struct {
	// Seed decides everything that is left to chance.
	Seed uint64
	// Net is the network at the start; the zero value stands for DefaultNet.
	Net NetConfig
	// Disk is how disks behave; the zero value stands for DefaultDisk.
	Disk DiskConfig
	// TurnDelay is the time from the first event in an empty inbox to the turn that handles it together with whatever
	// arrived meanwhile: what it costs a machine to wake up. Default 50µs.
	TurnDelay time.Duration
	// ClockDrift is the largest part by which the clock of one node, and its timers with it, runs faster than that of
	// another: 0.1 for 10 %. Default 0, at most 1. Procs go by the world's clock.
	ClockDrift float64
	// OnEvent, if set, is told of every event right after it entered the trace. Recorder.Record fits.
	OnEvent func(TraceEvent)
	// CheckPayloads makes the world panic when anybody modifies a payload that it no longer, or never, owned.
	CheckPayloads bool
}

// NetConfig describes every link between two different nodes. A node always reaches itself, in order and at once.
//
// A link keeps the order of what is sent over it, as a connection does: a slow message holds up those behind it, save
// for the few that Reorder lets overtake.
type NetConfig struct {
	// LatencyMin and LatencyMax bound the usual time one way, drawn uniformly.
	LatencyMin, LatencyMax time.Duration
	// Tail is the share of messages, from 0 to 1, whose latency is drawn between LatencyMax and LatencyTail instead.
	Tail        float64
	LatencyTail time.Duration
	// Loss is the probability that a message, request or reply disappears.
	Loss float64
	// Duplicate is the probability that a one-way message arrives twice. Requests and replies never do.
	Duplicate float64
	// Late is how long after it was sent the second of two copies may come at most: as old as what waited in a queue
	// somewhere while a network was broken. At 0 it takes as long as any message.
	Late time.Duration
	// Reorder is the probability that a message, request or reply may overtake what was sent before it.
	Reorder float64
}

// DiskConfig describes every disk.
type DiskConfig struct {
	// SyncMin and SyncMax bound the usual length of an fsync, drawn uniformly.
	SyncMin, SyncMax time.Duration
	// Stall is the probability that an fsync takes up to StallMax longer.
	Stall    float64
	StallMax time.Duration
}

const defaultTurnDelay = 50 * time.Microsecond

// DefaultNet is a quiet data centre with a bad moment now and then.
func DefaultNet() NetConfig {
	return NetConfig{
		LatencyMin: 200 * time.Microsecond, LatencyMax: time.Millisecond,
		Tail: 0.01, LatencyTail: 20 * time.Millisecond,
		Loss: 0.001, Duplicate: 0.001, Reorder: 0.01,
	}
}

// DefaultDisk is a solid-state disk that seldom stalls.
func DefaultDisk() DiskConfig {
	return DiskConfig{
		SyncMin: 200 * time.Microsecond, SyncMax: 1500 * time.Microsecond,
		Stall: 0.001, StallMax: 50 * time.Millisecond,
	}
}

func (c Config) withDefaults() Config {
	if c.Net == (NetConfig{}) {
		c.Net = DefaultNet()
	}
	if c.Disk == (DiskConfig{}) {
		c.Disk = DefaultDisk()
	}
	if c.TurnDelay == 0 {
		c.TurnDelay = defaultTurnDelay
	}
	return c
}

// mustBeValid panics on a configuration that means nothing: it is code, not input, that writes one.
func (c Config) mustBeValid() {
	c.Net.mustBeValid()
	mustBeProbability("Disk.Stall", c.Disk.Stall)
	mustBeRange("Disk.Sync", c.Disk.SyncMin, c.Disk.SyncMax)
	mustBeRange("Disk.Stall", 0, c.Disk.StallMax)
	mustBeRange("TurnDelay", 0, c.TurnDelay)
	mustBeProbability("ClockDrift", c.ClockDrift)
}

func (c NetConfig) mustBeValid() {
	mustBeProbability("Net.Tail", c.Tail)
	mustBeProbability("Net.Loss", c.Loss)
	mustBeProbability("Net.Duplicate", c.Duplicate)
	mustBeProbability("Net.Reorder", c.Reorder)
	mustBeRange("Net.Late", 0, c.Late)
	mustBeRange("Net.Latency", c.LatencyMin, c.LatencyMax)
	if c.Tail > 0 {
		mustBeRange("Net.LatencyTail", c.LatencyMax, c.LatencyTail)
	}
}

func mustBeProbability(name string, p float64) {
	if !(p >= 0 && p <= 1) { // written so that NaN fails
		panic(fmt.Sprintf("sim: %s is %v, want a probability from 0 to 1", name, p))
	}
}

func mustBeRange(name string, low, high time.Duration) {
	if low < 0 || high < low {
		panic(fmt.Sprintf("sim: %s from %v to %v is no range of durations", name, low, high))
	}
}

// latency draws the time that one message takes.
func (c NetConfig) latency(rng *rand.Rand) time.Duration {
	if chance(rng, c.Tail) {
		return between(rng, c.LatencyMax, c.LatencyTail)
	}
	return between(rng, c.LatencyMin, c.LatencyMax)
}

// sync draws the time that one fsync takes.
func (c DiskConfig) sync(rng *rand.Rand) time.Duration {
	d := between(rng, c.SyncMin, c.SyncMax)
	if chance(rng, c.Stall) {
		d += between(rng, 0, c.StallMax)
	}
	return d
}
