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
}

// passes are in the order in which most is gained: a short run makes all that follows quick.
var passes = []pass{
	{func(*Shrinker) int { return timeSteps }, (*Shrinker).sooner},
	{func(s *Shrinker) int { return len(s.schedule) }, (*Shrinker).fewerFaults},
	{func(s *Shrinker) int { return s.best.Config.Clients - 1 }, (*Shrinker).fewerClients},
	{func(s *Shrinker) int { return len(workloads.Plains()) - len(s.best.Config.Plain) }, (*Shrinker).plainer},
	{func(s *Shrinker) int { return s.best.Config.Regions - 1 }, (*Shrinker).fewerRegions},
	{func(s *Shrinker) int { return s.best.Config.Stores - s.best.Config.Replicas }, (*Shrinker).fewerStores},
	{func(*Shrinker) int { return timeSteps }, (*Shrinker).sooner},
	{func(s *Shrinker) int { return len(s.schedule) }, (*Shrinker).shorterFaults},
}

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
		c.schedule = nil
		for _, e := range s.schedule {
			if e.At >= d {
				continue
			}
			if e.For > 0 {
				e.For = min(e.For, d-e.At)
			}
			c.schedule = append(c.schedule, e)
		}
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
