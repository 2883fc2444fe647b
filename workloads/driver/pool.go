package driver

import (
	"context"
	"errors"
	"sync"
	"time"

	"ordeal/checker"
	"ordeal/workloads"
)

// Pool is a fixed number of worker processes. Its methods may be called from any goroutine.
type Pool struct {
	binary  *Binary
	silence time.Duration
	// recycle is after how many runs a worker is ended, 0 for never.
	recycle int
	// idle holds every worker that is not running something; nil stands for one that has yet to be started.
	idle chan *process
}

// NewPool returns a pool of so many workers, which start when they are first needed.
func NewPool(b *Binary, workers int) *Pool {
	p := &Pool{binary: b, silence: silenceMax, idle: make(chan *process, workers)}
	for range workers {
		p.idle <- nil
	}
	return p
}

// Close ends the workers. No Run may be under way or come later.
func (p *Pool) Close() {
	for range cap(p.idle) {
		if w := <-p.idle; w != nil {
			w.stop()
		}
	}
}

// Run makes one run in a worker that is free, and waits for one if need be. If cfg.Out is set, the folder is made anew
// (see CheckFolder). A worker that dies makes a summary that says FAIL, with what it printed in the folder; one that is
// stuck makes UNKNOWN. Errors are: a UsageError, ctx's, or that the folder cannot be written.
func (p *Pool) Run(ctx context.Context, cfg workloads.Config, progress func(workloads.Progress)) (*workloads.Summary, error) {
	var w *process
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case w = <-p.idle:
	}
	defer func() { p.idle <- w }()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if cfg.Out != "" {
		if err := openFolder(cfg); err != nil {
			return nil, err
		}
	}
	if w == nil {
		started, err := startProcess(p.binary)
		if err != nil {
			return nil, err
		}
		w = started
	}
	began := time.Now()
	s, err := w.run(ctx, cfg, p.silence, progress)
	if err == nil {
		if p.recycle > 0 && w.jobs >= p.recycle {
			w.stop()
			w = nil
		}
		return s, nil
	}
	var crash *crashError
	var own *runError
	switch {
	case workloads.IsUsage(err), errors.As(err, &own):
		// The worker is well.
	case errors.As(err, &crash):
		w.discard()
		w = nil
	default:
		w.stop()
		w = nil
	}
	s, err = closeFailed(cfg, err)
	if s != nil {
		s.WallS = time.Since(began).Seconds()
	}
	return s, err
}

// Result is what became of one configuration.
type Result struct {
	Config workloads.Config
	// Summary is nil if the run was not made, or not to its end.
	Summary *workloads.Summary
}

// errFailed ends the other runs when one has failed, if that is what was asked for.
var errFailed = errors.New("a run failed")

// RunAll makes many runs, as many at a time as there are workers, and tells watch about them. The results are in the
// order of the configurations, also of those that were not made because of an error, or because ctx ended. With untilFail
// the first run that fails ends them all.
func (p *Pool) RunAll(ctx context.Context, cfgs []workloads.Config, watch *Monitor, untilFail bool) ([]Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	results := make([]Result, len(cfgs))
	next := make(chan int, len(cfgs))
	for i, cfg := range cfgs {
		results[i].Config = cfg
		next <- i
	}
	close(next)
	var wg sync.WaitGroup
	for range cap(p.idle) {
		wg.Go(func() {
			for i := range next {
				s, err := p.Run(ctx, cfgs[i], func(g workloads.Progress) { watch.progress(i, g) })
				if err != nil {
					cancel(err)
					return
				}
				results[i].Summary = s
				watch.finish(i, s)
				if untilFail && s.Verdict == checker.FAIL {
					cancel(errFailed)
				}
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return results, context.Cause(ctx)
	}
	return results, nil
}

// RunUntil makes runs, as many at a time as there are workers, until one of them fits, and returns its index and summary. When
// none does, or ctx ends first, there is no summary, and no error for that.
func (p *Pool) RunUntil(ctx context.Context, cfgs []workloads.Config, fits func(*workloads.Summary) bool) (int, *workloads.Summary, error) {
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int, len(cfgs))
	for i := range cfgs {
		next <- i
	}
	close(next)
	var mu sync.Mutex
	found, at := (*workloads.Summary)(nil), 0
	var wg sync.WaitGroup
	for range cap(p.idle) {
		wg.Go(func() {
			for i := range next {
				s, err := p.Run(within, cfgs[i], func(workloads.Progress) {})
				if err != nil {
					cancel(err)
					return
				}
				mu.Lock()
				if found == nil && within.Err() == nil && fits(s) {
					found, at = s, i
					cancel(errFound)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if err := context.Cause(within); err != nil && found == nil && ctx.Err() == nil {
		return 0, nil, err
	}
	return at, found, nil
}

// errFound ends the other runs when one fits.
var errFound = errors.New("a run fits")
