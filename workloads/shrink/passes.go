package shrink

import (
	"fmt"
	"slices"
	"time"

	"ordeal/nemesis"
	"ordeal/workloads"
)

// pass makes one kind of thing smaller.
type pass struct {
	// parts is how many things can be taken away at most.
	parts func(*Shrinker) int
	// smaller returns the runs without n of them.
	smaller func(s *Shrinker, n int) []candidate
	// lucks is how many draws of luck each of those gets.
	lucks int
}

// passes are in the order in which most is gained: a short run makes all that follows quick.
var passes = []pass{
	{func(*Shrinker) int { return windowHalvings }, (*Shrinker).window, windowLucks},
	{func(*Shrinker) int { return timeSteps }, (*Shrinker).sooner, usualLucks},
	{func(s *Shrinker) int { return len(s.schedule) }, (*Shrinker).fewerFaults, usualLucks},
	{func(s *Shrinker) int { return s.best.Config.Clients - 1 }, (*Shrinker).fewerClients, usualLucks},
	{func(s *Shrinker) int { return len(workloads.Plains()) - len(s.best.Config.Plain) }, (*Shrinker).plainer, usualLucks},
	{func(s *Shrinker) int { return s.best.Config.Regions - 1 }, (*Shrinker).fewerRegions, usualLucks},
	{func(s *Shrinker) int { return s.best.Config.Stores - s.best.Config.Replicas }, (*Shrinker).fewerStores, usualLucks},
	{func(*Shrinker) int { return timeSteps }, (*Shrinker).sooner, usualLucks},
	{func(s *Shrinker) int { return len(s.schedule) }, (*Shrinker).shorterFaults, usualLucks},
}

// windowHalvings is how often the time is halved at most for a window.
const windowHalvings = 3

// usualLucks is how many draws of luck a candidate gets, windowLucks how many one does that is short and gains much.
const usualLucks, windowLucks = 3, 12

// timeSteps is into how many parts a time is cut: the largest cut leaves one in so many.
const timeSteps = 8

// faultMin is the shortest time that a fault is cut to.
const faultMin = 20 * time.Millisecond

func (s *Shrinker) with(less string, change func(*candidate)) candidate {
	c := candidate{less: less, cfg: s.best.Config, schedule: slices.Clone(s.schedule)}
	c.cfg.Plain = slices.Clone(c.cfg.Plain)
	change(&c)
	return c
}

// window leaves a part of the time, after it was halved n times, each part in turn. What came before the window is left out,
// so this is not the run that it was; but a minute under faults is mostly waiting for the right few of them, so that one of
// many short parts often does, and all of them together take no longer than the whole.
func (s *Shrinker) window(n int) (all []candidate) {
	d := (s.best.Config.Duration >> n).Truncate(time.Millisecond)
	if d < workloads.DurationMin {
		return nil
	}
	for from := time.Duration(0); from+d <= s.best.Config.Duration; from += d {
		all = append(all, s.with(fmt.Sprintf("%v from %v on instead of %v", d, from, s.best.Config.Duration), func(c *candidate) {
			c.cfg.Duration = d
			c.schedule = between(s.schedule, from, from+d)
		}))
	}
	return all
}

// between is what happens of a schedule from one time to another, counted from the first.
func between(all nemesis.Schedule, from, to time.Duration) (part nemesis.Schedule) {
	for _, e := range all {
		if e.At >= to || e.At < from && e.At+e.For <= from {
			continue
		}
		begins, ends := max(e.At, from), min(e.At+e.For, to)
		e.At, e.For = begins-from, ends-begins
		part = append(part, e)
	}
	return part
}

// sooner ends the run earlier. Up to then it is the same run, so this hardly ever misses a failure that had come by then.
func (s *Shrinker) sooner(n int) []candidate {
	d := (s.best.Config.Duration / timeSteps * time.Duration(timeSteps-n)).Truncate(time.Millisecond)
	if n == timeSteps {
		d = workloads.DurationMin
	}
	if d < workloads.DurationMin || d >= s.best.Config.Duration {
		return nil
	}
	return []candidate{s.with(fmt.Sprintf("%v instead of %v", d, s.best.Config.Duration), func(c *candidate) {
		c.cfg.Duration = d
		c.schedule = between(s.schedule, 0, d)
	})}
}

// fewerFaults leaves out n faults in a row.
func (s *Shrinker) fewerFaults(n int) (all []candidate) {
	for at := 0; at < len(s.schedule); at += n {
		gone := s.schedule[at:min(at+n, len(s.schedule))]
		all = append(all, s.with(fmt.Sprintf("%d faults less", len(gone)), func(c *candidate) {
			c.schedule = slices.Delete(c.schedule, at, at+len(gone))
		}))
	}
	return all
}

func (s *Shrinker) fewerClients(n int) []candidate {
	return []candidate{s.with(fmt.Sprintf("%d clients less", n), func(c *candidate) { c.cfg.Clients -= n })}
}

func (s *Shrinker) fewerRegions(n int) []candidate {
	return []candidate{s.with(fmt.Sprintf("%d regions less", n), func(c *candidate) { c.cfg.Regions -= n })}
}

func (s *Shrinker) fewerStores(n int) []candidate {
	return []candidate{s.with(fmt.Sprintf("%d stores less", n), func(c *candidate) { c.cfg.Stores -= n })}
}

// plainer takes n groups of knobs from the seed.
func (s *Shrinker) plainer(n int) (all []candidate) {
	var drawn []string
	for _, name := range workloads.Plains() {
		if !slices.Contains(s.best.Config.Plain, name) {
			drawn = append(drawn, name)
		}
	}
	for at := 0; at < len(drawn); at += n {
		set := drawn[at:min(at+n, len(drawn))]
		all = append(all, s.with(fmt.Sprintf("usual knobs: %v", set), func(c *candidate) {
			c.cfg.Plain = append(c.cfg.Plain, set...)
		}))
	}
	return all
}

// shorterFaults ends n faults in a row after half their time.
func (s *Shrinker) shorterFaults(n int) (all []candidate) {
	for at := 0; at < len(s.schedule); at += n {
		part := s.schedule[at:min(at+n, len(s.schedule))]
		if !slices.ContainsFunc(part, func(e nemesis.Entry) bool { return e.For >= 2*faultMin }) {
			continue
		}
		all = append(all, s.with("shorter faults", func(c *candidate) {
			for i := range part {
				if e := &c.schedule[at+i]; e.For >= 2*faultMin {
					e.For = (e.For / 2).Truncate(time.Millisecond)
				}
			}
		}))
	}
	return all
}
