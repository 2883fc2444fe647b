package driver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"

	"ordeal/workloads"
)

// Runs returns the configurations of all runs that opts asks for, each with a folder of its own. The error is a
// UsageError if one of the folders is not ours to replace; then none has been touched.
func Runs(opts workloads.Options) ([]workloads.Config, error) {
	cfgs := opts.Configs()
	for i := range cfgs {
		cfgs[i].Out = filepath.Join(opts.Out, cfgs[i].Name())
		if err := CheckFolder(cfgs[i].Out); err != nil {
			return nil, err
		}
	}
	return cfgs, nil
}

// streamMemory is what the garbage collector of a worker tries to stay below whose runs are as long as one likes. What
// Pebble and the program itself take comes on top.
const streamMemory = "GOMEMLIMIT=512MiB"

// Make makes runs in workers built from the source tree around the current folder, as many at a time as there are
// cores, and shows on the console how they come along; each, if it is not nil, is told about every run that is finished, one
// at a time. self is the executable to fall back to (see Prepare). When ctx
// ends it stops and returns what is done so far, without an error. With untilFail it stops in the same way when the first
// run has failed.
func Make(ctx context.Context, console *Console, self string, cfgs []workloads.Config, untilFail bool, each func(*workloads.Summary)) (results []Result, err error) {
	for _, cfg := range cfgs {
		results = append(results, Result{Config: cfg})
	}
	b, err := Prepare(ctx, console, ".", self)
	if err != nil {
		return results, unlessStopped(ctx, err)
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	for _, cfg := range cfgs {
		if err := b.Need(cfg.Bug); err != nil {
			return results, err
		}
	}
	if slices.ContainsFunc(cfgs, func(c workloads.Config) bool { return c.Stream }) {
		b.Env = append(b.Env, streamMemory)
	}
	pool := NewPool(b, min(runtime.NumCPU(), max(len(cfgs), 1)))
	defer pool.Close()
	watch := Watch(console, cfgs, each)
	defer watch.Stop()
	results, err = pool.RunAll(ctx, cfgs, watch, untilFail)
	if errors.Is(err, errFailed) {
		err = nil
	}
	return results, unlessStopped(ctx, err)
}

// unlessStopped drops the error of a driver that was asked to stop: that is no failure.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// PrintBugs lists the planted bugs, one a line: the name, flags that find it soon, and what is wrong with it.
func PrintBugs(w io.Writer) {
	for _, b := range workloads.Bugs() {
		fmt.Fprintf(w, "%-20s -workload=%s -nemesis=%s  %s\n", b.Name, b.Workload, b.Nemesis, b.About)
	}
}
