package driver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"ordeal/checker"
	"ordeal/workloads"
)

const (
	// GalleryFolder holds the runs that found planted bugs, below the folder of all runs.
	GalleryFolder = "gallery"
	// baseStep is how far the first seeds of two searches for one bug are apart: more than a search tries.
	baseStep = workloads.SeedsMax
)

// Gallery is what `ordeal gallery` is asked for: each bug is looked for several times, with other seeds each time.
type Gallery struct {
	Bugs []workloads.Bug
	// Bases is how many times each is looked for, and Seeds how many seeds each search tries at most, from Seed on.
	Seed         uint64
	Bases, Seeds int
	// Workloads and Nemesis take the place of what a bug asks for by itself, if they are not empty.
	Workloads, Nemesis []string
	// Base is what all runs have in common. The shape of the clusters is the usual one unless Base says.
	Base workloads.Config
	// Out holds the folder with the runs that found something.
	Out string
}

// Search is one search for a planted bug: runs with one seed after another, until one fails.
type Search struct {
	Bug string `json:"bug"`
	// From is the first seed.
	From uint64 `json:"from"`
	// Found says that a run failed; the others did not.
	Found bool `json:"found"`
	// Runs is how many were made, the one that failed included, VirtualS and WallS how long they took together, on the clocks of
	// the clusters and on one core of this machine.
	Runs     int     `json:"runs"`
	VirtualS float64 `json:"virtual_s"`
	WallS    float64 `json:"wall_s"`
	// Unknown counts those that could not be judged. They have not found the bug.
	Unknown  int    `json:"unknown,omitempty"`
	Workload string `json:"workload,omitempty"`
	Seed     uint64 `json:"seed,omitempty"`
	Kind     string `json:"kind,omitempty"`
	Reason   string `json:"reason,omitempty"`
	// RunDir is the folder of the run that failed.
	RunDir string `json:"run_dir,omitempty"`
	// Differs says why the run that failed is not the same when it is made again; "" if it is, event by event.
	Differs string `json:"differs,omitempty"`
}

// Searches are those that a gallery asks for, bug by bug.
func (g Gallery) searches() []Search {
	var all []Search
	for _, b := range g.Bugs {
		for i := range g.Bases {
			all = append(all, Search{Bug: b.Name, From: g.Seed + uint64(i)*baseStep})
		}
	}
	return all
}

// configs are the runs of a search in their order.
func (g Gallery) configs(s Search) ([]workloads.Config, error) {
	i := slices.IndexFunc(g.Bugs, func(b workloads.Bug) bool { return b.Name == s.Bug })
	loads, families, err := g.Bugs[i].Mix()
	if err != nil {
		return nil, err
	}
	if len(g.Workloads) > 0 {
		loads = g.Workloads
	}
	if len(g.Nemesis) > 0 {
		families = g.Nemesis
	}
	var cfgs []workloads.Config
	for n := range g.Seeds {
		for _, load := range loads {
			c := g.Base.Usual().For(load, s.From+uint64(n))
			c.Nemesis, c.Bug = families, s.Bug
			cfgs = append(cfgs, c)
		}
	}
	return cfgs, nil
}

// Search looks for the bugs, as many searches at a time as there are cores, each on one, and tells about each that has ended.
// When ctx ends, it returns those that have, without an error. self is the executable to fall back to (see Prepare), which can't have
// bugs: that is an error.
func (g Gallery) Search(ctx context.Context, console *Console, self string, told func(Search)) (done []Search, err error) {
	b, err := Prepare(ctx, console, ".", self)
	if err != nil {
		return nil, unlessStopped(ctx, err)
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if err := b.Need(g.Bugs[0].Name); err != nil {
		return nil, err
	}
	all := g.searches()
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int, len(all))
	for i := range all {
		next <- i
	}
	close(next)
	ended := make([]bool, len(all))
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(all)) {
		wg.Go(func() {
			pool := NewPool(b, 1)
			defer pool.Close()
			for i := range next {
				if err := g.search(within, pool, b, &all[i]); err != nil {
					cancel(err)
					return
				}
				mu.Lock()
				ended[i] = true
				told(all[i])
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for i, s := range all {
		if ended[i] {
			done = append(done, s)
		}
	}
	return done, unlessStopped(ctx, context.Cause(within))
}

// search makes the runs of a search until one fails, and that one again.
func (g Gallery) search(ctx context.Context, pool *Pool, b *Binary, s *Search) error {
	cfgs, err := g.configs(*s)
	if err != nil {
		return err
	}
	for _, cfg := range cfgs {
		sum, err := pool.Run(ctx, cfg, func(workloads.Progress) {})
		if err != nil {
			return err
		}
		s.Runs++
		s.VirtualS, s.WallS = s.VirtualS+sum.VirtualS, s.WallS+sum.WallS
		switch sum.Verdict {
		case checker.UNKNOWN:
			s.Unknown++
		case checker.FAIL:
			s.Found, s.Workload, s.Seed, s.Kind, s.Reason = true, cfg.Workload, cfg.Seed, sum.Kind, Reasons(sum)
			cfg.Out = filepath.Join(g.Out, GalleryFolder, cfg.Name())
			s.RunDir = cfg.Out
			s.Differs, err = again(ctx, b, cfg, sum)
			return err
		}
	}
	return nil
}

// again makes a run that failed once more, in a process of its own, with a folder, and a third time from what the folder holds, as
// `ordeal replay` does. It says where they differ, "" if all are the same, event by event.
func again(ctx context.Context, b *Binary, cfg workloads.Config, first *workloads.Summary) (differs string, err error) {
	pool := NewPool(b, 1)
	defer pool.Close()
	recorded, err := pool.Run(ctx, cfg, func(workloads.Progress) {})
	if err != nil {
		return "", err
	}
	if why := differ(first, recorded); why != "" {
		return why, nil
	}
	fromFolder, _, err := workloads.ReadConfig(cfg.Out)
	if err != nil {
		return "", err
	}
	replayed, err := pool.Run(ctx, fromFolder, func(workloads.Progress) {})
	if err != nil {
		return "", err
	}
	return differ(recorded, replayed), nil
}

// differ says what tells two runs apart.
func differ(a, b *workloads.Summary) string {
	switch {
	case a.TraceHash == "" || b.TraceHash == "":
		return "the run did not end, so there is no trace to compare: " + Reasons(b)
	case a.TraceHash != b.TraceHash || a.Verdict != b.Verdict:
		return fmt.Sprintf("trace %s (%s) has become %s (%s)", a.TraceHash, a.Verdict, b.TraceHash, b.Verdict)
	}
	return ""
}

// CheckOut returns a UsageError if the folders of the gallery are not ours to replace.
func (g Gallery) CheckOut() error {
	entries, err := os.ReadDir(filepath.Join(g.Out, GalleryFolder))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return workloads.Usagef("folder %s cannot be written: %v; want another -out", filepath.Join(g.Out, GalleryFolder), err)
	}
	for _, e := range entries {
		if err := CheckFolder(filepath.Join(g.Out, GalleryFolder, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
