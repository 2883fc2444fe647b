package driver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"ordeal/checker"
	"ordeal/workloads"
)

const (
	// recycleAfter is after how many runs a worker is replaced by a new one, so that what leaks in it does not last a night.
	recycleAfter = 500
	// workerMemory is what the garbage collector of a worker tries to stay below, whatever GOGC says.
	workerMemory = "GOMEMLIMIT=1GiB"
	// saveEvery is how often the state and the page are written. What was made since is made again after a power loss.
	saveEvery = 10 * time.Second
)

// Night is what `ordeal nightly` is asked for: runs with fresh seeds until the time is up.
type Night struct {
	// Workloads are run in turn with each seed; Base is what all runs have in common.
	Workloads []string
	Base      workloads.Config
	// Seed is the first seed of a new night. One that goes on has its own.
	Seed uint64
	// Shard of Shards takes every seed that is its number above a multiple of Shards.
	Shard, Shards int
	// For is how long a night takes, in wall-clock time, interruptions not counted, and Runs how many it makes at most, 0 for any
	// number.
	For  time.Duration
	Runs uint64
	// Out is the folder of the night.
	Out string
}

// config is the n-th run of the night.
func (n Night) config(base, index uint64) workloads.Config {
	loads := uint64(len(n.Workloads))
	return n.Base.For(n.Workloads[index%loads], base+index/loads*uint64(n.Shards)+uint64(n.Shard))
}

// night is one that is under way. Its methods may be called from any goroutine.
type night struct {
	Night
	mu    sync.Mutex
	state *nightState
	// from is when it began or went on, and had is how long it had been under way before.
	from time.Time
	had  time.Duration
	// busy is the runs that are under way.
	busy map[uint64]bool
	// pool makes the runs, and keep makes those again that are kept.
	pool, keep *Pool
}

// Run makes runs in workers, one a core, until the time is up or ctx ends, and returns what the night came to so far. If the folder
// has a night that was interrupted, it goes on with that. self is the executable to fall back to (see Prepare). A UsageError
// says that the folder is not ours to use, or has the night of another configuration.
func (n Night) Run(ctx context.Context, console *Console, self string) (sum NightSummary, err error) {
	state, err := n.openState(time.Now())
	if err != nil {
		return sum, err
	}
	b, err := Prepare(ctx, console, ".", self)
	if err != nil {
		return sum, unlessStopped(ctx, err)
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if err := b.Need(n.Base.Bug); err != nil {
		return sum, err
	}
	b.Env = append(b.Env, workerMemory)
	return n.run(ctx, console, b, state)
}

// run is Run once there is something to make runs with.
func (n Night) run(ctx context.Context, console *Console, b *Binary, state *nightState) (NightSummary, error) {
	lanes := runtime.GOMAXPROCS(0) // a container with a limit has fewer than the machine
	u := &night{
		Night: n, state: state, from: time.Now(), had: time.Duration(state.ElapsedS * float64(time.Second)),
		busy: map[uint64]bool{}, pool: NewPool(b, lanes), keep: NewPool(b, lanes),
	}
	u.pool.recycle, u.keep.recycle = recycleAfter, 1
	defer u.pool.Close()
	defer u.keep.Close()
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for range lanes {
		wg.Go(func() {
			if err := u.lane(within); err != nil {
				cancel(err)
			}
		})
	}
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }()
	u.watch(console, ended, cancel)
	err := u.save()
	if cause := context.Cause(within); cause != nil && ctx.Err() == nil {
		err = errors.Join(cause, err)
	}
	return u.summary(), err
}

// watch saves the night now and then, and shows how it comes along, until it has ended.
func (u *night) watch(console *Console, ended <-chan struct{}, cancel context.CancelCauseFunc) {
	show, save := time.NewTicker(monitorEvery), time.NewTicker(saveEvery)
	defer show.Stop()
	defer save.Stop()
	defer console.Done()
	for {
		select {
		case <-ended:
			return
		case <-show.C:
			console.Status(u.summary().line(u.For))
		case <-save.C:
			if err := u.save(); err != nil {
				cancel(err)
			}
		}
	}
}

// lane makes one run after another.
func (u *night) lane(ctx context.Context) error {
	for {
		index, more := u.take()
		if !more {
			return nil
		}
		cfg := u.config(u.state.Base, index)
		s, err := u.pool.Run(ctx, cfg, func(workloads.Progress) {})
		if err == nil && s.Verdict != checker.OK {
			err = u.failed(ctx, cfg, s)
		}
		if err != nil {
			u.drop(index)
			return unlessStopped(ctx, err)
		}
		u.done(index, s)
	}
}

// take gives out the next run, unless the time is up.
func (u *night) take() (index uint64, more bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.elapsed() >= u.For {
		return 0, false
	}
	for index = u.state.Next; u.busy[index] || u.state.isAhead(index); index++ {
	}
	if u.Runs > 0 && index >= u.state.NightFrom+u.Runs {
		return 0, false
	}
	u.busy[index] = true
	return index, true
}

// drop takes back a run that came to nothing, to be made when the night goes on.
func (u *night) drop(index uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.busy, index)
}

// done counts a run.
func (u *night) done(index uint64, s *workloads.Summary) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.busy, index)
	u.state.finish(index)
	u.state.count(s)
}

func (u *night) elapsed() time.Duration { return u.had + time.Since(u.from) }

// failed puts a run that is not OK to those that are like it. One that is the first of them, or the fastest so far, is made again, with
// a folder, which replaces that of a slower one.
func (u *night) failed(ctx context.Context, cfg workloads.Config, s *workloads.Summary) error {
	u.mu.Lock()
	g := u.state.group(s, time.Now())
	keep := g != nil && !g.keeping && (g.Run == nil || s.WallS < g.Run.WallS)
	if keep {
		g.keeping = true
	}
	u.mu.Unlock()
	if !keep {
		return nil
	}
	run, err := u.keepRun(ctx, g, cfg, s)
	u.mu.Lock()
	defer u.mu.Unlock()
	g.keeping = false
	if err != nil {
		u.state.ungroup(g)
		return err
	}
	old := g.Run
	g.Run = run
	if old != nil && old.Dir != run.Dir {
		return os.RemoveAll(filepath.Join(u.Out, old.Dir))
	}
	return nil
}

// keepRun makes a run again with a folder. If it is another run then, that is said with it: the simulation is not deterministic,
// which is a bug of its own.
func (u *night) keepRun(ctx context.Context, g *nightGroup, cfg workloads.Config, first *workloads.Summary) (*nightRun, error) {
	run := &nightRun{
		Workload: cfg.Workload, Seed: cfg.Seed, WallS: first.WallS, VirtualS: first.VirtualS, Reason: Reasons(first),
		Dir: filepath.ToSlash(filepath.Join(failuresFolder, g.folder(), cfg.Name())),
	}
	cfg.Out = filepath.Join(u.Out, filepath.FromSlash(run.Dir))
	if err := os.MkdirAll(filepath.Dir(cfg.Out), 0o755); err != nil {
		return nil, fmt.Errorf("keep a failure: %w", err)
	}
	again, err := u.keep.Run(ctx, cfg, func(workloads.Progress) {})
	if err != nil {
		return nil, err
	}
	if again.TraceHash != first.TraceHash || again.Verdict != first.Verdict {
		run.Differs = fmt.Sprintf("trace %q (%s) has become %q (%s)", first.TraceHash, first.Verdict, again.TraceHash, again.Verdict)
	}
	return run, nil
}
