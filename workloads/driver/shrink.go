package driver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"ordeal/workloads"
	"ordeal/workloads/shrink"
)

// SmallFolder is where the small run goes, below the folder of the run that was shrunk, and RegressionFile is the test that
// makes it again, in that folder.
const (
	SmallFolder    = "small"
	RegressionFile = "regression_test.go"
)

// Shrink makes the failed run of a folder as small as it can within a limit of wall-clock time. The small run gets a folder of
// its own, with everything that a run's folder has and a Go test. The time for building a worker does not count.
func Shrink(ctx context.Context, console *Console, self, dir string, limit time.Duration) (found shrink.Found, err error) {
	cfg, summary, err := workloads.ReadConfig(dir)
	if err != nil {
		return found, err
	}
	small := filepath.Join(dir, SmallFolder)
	if err := CheckFolder(small); err != nil {
		return found, err
	}
	b, err := Prepare(ctx, console, ".", self)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if err := b.Need(cfg.Bug); err != nil {
		return found, err
	}
	pool := NewPool(b, runtime.NumCPU())
	defer pool.Close()
	found, err = search(ctx, console, pool, shrink.Found{Config: cfg, Summary: summary}, limit)
	if err != nil {
		return found, err
	}
	found.Config.Out = small
	if found.Summary, err = pool.Run(ctx, found.Config, func(workloads.Progress) {}); err != nil {
		return found, err
	}
	text, err := found.RegressionTest()
	if err != nil {
		return found, fmt.Errorf("write the test: %w", err)
	}
	return found, os.WriteFile(filepath.Join(small, RegressionFile), text, 0o644)
}

// search makes a run smaller until the limit. A folder that was written by an older version may not say how its run failed, so
// that is found out first.
func search(ctx context.Context, console *Console, pool *Pool, from shrink.Found, limit time.Duration) (shrink.Found, error) {
	from.Config.Out = ""
	again, err := pool.Run(ctx, from.Config, func(workloads.Progress) {})
	if err != nil {
		return from, err
	}
	if again.Verdict != from.Summary.Verdict {
		return from, workloads.Usagef("the run ended %s and ends %s now, so there is nothing to hold a smaller one to: the code or the schedule has changed since",
			from.Summary.Verdict, again.Verdict)
	}
	from.Summary = again
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := time.Now()
	s := &shrink.Shrinker{
		Run: pool.RunUntil,
		Told: func(p shrink.Progress) {
			if p.Less != "" {
				console.Status(fmt.Sprintf("%.0fs, %d runs: %s", time.Since(began).Seconds(), p.Made, p.Best.Size()))
			}
		},
	}
	found, err := s.Shrink(within, from)
	console.Done()
	if err == nil {
		err = ctx.Err()
	}
	return found, err
}
