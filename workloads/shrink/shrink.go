// Package shrink makes a failing run small: it tries runs with less of everything, and keeps each that fails in the same
// way. Less is a shorter time under faults, fewer faults, clients, regions and stores, knobs that are as usual, and faults
// that are over sooner.
//
// A smaller run is another run, so a failure that needs luck may be missed in it. Each candidate is therefore tried with
// some other luck too (workloads.Config.Luck), with the same knobs and faults. What comes out fails for certain: it has been
// seen to, and a run is the same each time.
//
// The search is the delta debugging of Zeller and Hildebrandt (Simplifying and Isolating Failure-Inducing Input, 2002) over
// several kinds of things in turn, until none can be made smaller or the time is up.
package shrink

import (
	"context"
	"fmt"
	"time"

	"ordeal/checker"
	"ordeal/nemesis"
	"ordeal/workloads"
)

// Runner makes runs until one of them fits, and returns its index and summary; none if none does, or ctx ended first. It may
// make several at a time, but asks whether they fit one after another.
type Runner func(ctx context.Context, cfgs []workloads.Config, fits func(*workloads.Summary) bool) (int, *workloads.Summary, error)

// Shrinker is a search. Its fields are set before Shrink and not changed afterwards.
type Shrinker struct {
	Run Runner
	// Told, if not nil, is called after each run that was made, and whenever a smaller one has been found.
	Told func(Progress)

	kind     string
	best     Found
	schedule nemesis.Schedule
	made     int
}

// Found is a run that fails.
type Found struct {
	Config  workloads.Config
	Summary *workloads.Summary
}

// Progress is how far a search is.
type Progress struct {
	// Made is how many runs were made.
	Made int
	Best Found
	// Less says what the last step took away, "" if it took nothing.
	Less string
}

// candidate is a smaller run.
type candidate struct {
	less     string
	cfg      workloads.Config
	schedule nemesis.Schedule
}

// Shrink returns the smallest run that it has found to fail as the one given does, when nothing can be made smaller or ctx
// ends. The run must have failed, and its configuration must hold its schedule. An error is that of a run that could not be
// made.
func (s *Shrinker) Shrink(ctx context.Context, from Found) (Found, error) {
	var err error
	if from.Summary.Verdict != checker.FAIL {
		return from, workloads.Usagef("the run ended %s: only one that failed can be made smaller", from.Summary.Verdict)
	}
	if s.schedule, err = nemesis.ParseSchedule(from.Config.Schedule); err != nil {
		return from, workloads.Usagef("%v", err)
	}
	s.kind, s.best = from.Summary.Kind, from
	s.best.Config.Out, s.best.Config.Trace = "", ""
	for again := true; again && ctx.Err() == nil; {
		again = false
		for _, pass := range passes {
			smaller, err := s.exhaust(ctx, pass)
			if err != nil {
				return s.best, err
			}
			again = again || smaller
		}
	}
	return s.best, nil
}

// exhaust repeats a pass as long as it finds something smaller.
func (s *Shrinker) exhaust(ctx context.Context, p pass) (smaller bool, err error) {
	// A pass over n things begins with large parts of them, and takes smaller ones when those fail.
	for part := p.parts(s); part >= 1 && ctx.Err() == nil; {
		found, err := s.first(ctx, p.smaller(s, part), p.lucks)
		if err != nil {
			return smaller, err
		}
		if found {
			smaller = true
			part = min(part, p.parts(s))
			continue
		}
		part /= 2
	}
	return smaller, nil
}

// first tries candidates and takes the first that fails in the right way.
func (s *Shrinker) first(ctx context.Context, all []candidate, lucks int) (bool, error) {
	var cfgs []workloads.Config
	for luck := range uint64(lucks) {
		// All candidates with the luck that they have, then all with other luck.
		for _, c := range all {
			cfg := c.cfg
			if cfg.Schedule = c.schedule.String(); cfg.Schedule == "" {
				cfg.Nemesis = nil // or faults would be drawn
			}
			cfg.Luck += luck
			cfgs = append(cfgs, cfg)
		}
	}
	i, summary, err := s.Run(ctx, cfgs, func(sum *workloads.Summary) bool {
		s.made++
		s.tell("")
		return sum.Verdict == checker.FAIL && sum.Kind == s.kind
	})
	if err != nil || summary == nil {
		return false, err
	}
	c := all[i%len(all)]
	s.best, s.schedule = Found{Config: cfgs[i], Summary: summary}, c.schedule
	s.tell(c.less)
	return true, nil
}

func (s *Shrinker) tell(less string) {
	if s.Told != nil {
		s.Told(Progress{Made: s.made, Best: s.best, Less: less})
	}
}

// Size says how large a run was, in words.
func (f Found) Size() string {
	o := f.Summary.Ops
	return fmt.Sprintf("%d operations of %d clients, %d faults, %d stores, %d regions, %v under faults",
		o.OK+o.Failed+o.Unknown, f.Config.Clients, len(f.Summary.Faults), f.Config.Stores, f.Config.Regions,
		f.Config.Duration.Round(time.Millisecond))
}
