package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"ordeal/checker"
	"ordeal/workloads"
	"ordeal/workloads/driver"
)

func runCommand() *cobra.Command {
	return command{
		use:   "run [flags]",
		short: "Run workloads on simulated clusters under faults, and judge them",
		examples: `  ordeal run -nemesis=all -seeds=20
  ordeal run -workload=register -nemesis=partition,kill -seed=7 -seeds=1 -duration=1m
  ordeal run -explain -workload=register -seed=7 -seeds=1
  ordeal run -bug=list
  ordeal run -bug=stale-read -seeds=200 -workload=register -until-fail`,
		flags: func(fs *flag.FlagSet) func(context.Context, []string) error {
			flags := workloads.RegisterFlags(fs)
			asJSON := fs.Bool("json", false, "print the summary of each run as soon as it is finished, one a line, in JSON, and no tables")
			untilFail := fs.Bool("until-fail", false, "stop when the first run has failed")
			small := fs.Duration("shrink", defaultShrink, "`time` to make the first run that fails smaller, 0 to leave it")
			states := fs.Bool("states", false, "print a table of the states that the code declares: how many runs came to each")
			explain := fs.Bool("explain", false, "print what the seeds draw, families of faults, schedule and knobs, and make no run")
			trace := fs.String("trace", "", "`file` that gets a line for every event of the run, if it is only one")
			return func(ctx context.Context, args []string) error {
				if err := noArguments("run", args); err != nil {
					return err
				}
				opts, err := flags.Options()
				if err != nil {
					return err
				}
				if opts.ListBugs {
					driver.PrintBugs(os.Stdout)
					return nil
				}
				if *explain {
					self, err := os.Executable()
					if err != nil {
						return failed(err)
					}
					return failed(driver.Explain(ctx, driver.NewConsole(os.Stderr), self, opts.Configs(), os.Stdout))
				}
				cfgs, err := driver.Runs(opts)
				if err != nil {
					return err
				}
				if err := setTrace(cfgs, *trace); err != nil {
					return err
				}
				if *small < 0 {
					return workloads.Usagef("-shrink=%v: want a time, or 0", *small)
				}
				return makeRuns(ctx, cfgs, output{json: *asJSON, states: *states}, *untilFail, *small)
			}
		},
	}.cobra()
}

// setTrace asks for the trace of the only run.
func setTrace(cfgs []workloads.Config, file string) error {
	if file != "" && len(cfgs) != 1 {
		return workloads.Usagef("-trace=%s: it takes one run, these are %d: want one -workload and -seeds=1", file, len(cfgs))
	}
	cfgs[0].Trace = file
	return nil
}

// output is what is printed of runs.
type output struct{ json, states bool }

// makeRuns makes runs and prints what they came to.
func makeRuns(ctx context.Context, cfgs []workloads.Config, out output, untilFail bool, small time.Duration) error {
	lines := jsonLines{enc: newEncoder(os.Stdout)}
	each := lines.print
	if !out.json {
		each = nil
	}
	results, err := makeAll(ctx, cfgs, untilFail, each)
	begun := slices.ContainsFunc(results, func(r driver.Result) bool { return r.Summary != nil })
	if err != nil && (workloads.IsUsage(err) || !begun) {
		return failed(err)
	}
	if out.json {
		if lines.err != nil {
			return failed(lines.err)
		}
		small = 0
	} else {
		driver.PrintResults(os.Stdout, results)
		driver.PrintStates(os.Stdout, results, out.states)
	}
	if err != nil {
		return failed(err)
	}
	if err := shrinkFirst(ctx, results, small); err != nil {
		return failed(err)
	}
	return judged(driver.Verdict(results))
}

// shrinkFirst makes the first run that failed smaller.
func shrinkFirst(ctx context.Context, results []driver.Result, limit time.Duration) error {
	i := slices.IndexFunc(results, func(r driver.Result) bool { return r.Summary != nil && r.Summary.Verdict == checker.FAIL })
	if i < 0 || limit == 0 || ctx.Err() != nil {
		return nil
	}
	fmt.Fprintf(os.Stderr, "\nmaking %s smaller, for %v at most (-shrink=0 leaves it)\n", results[i].Config.Name(), limit)
	return shrinkRun(ctx, results[i].Config.Out, limit)
}

// makeAll makes runs in workers, and tells each, if it is not nil, about every one that is finished; where there is no source tree to build one from, this very program is the worker.
func makeAll(ctx context.Context, cfgs []workloads.Config, untilFail bool, each func(*workloads.Summary)) ([]driver.Result, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, failed(err)
	}
	return driver.Make(ctx, driver.NewConsole(os.Stderr), self, cfgs, untilFail, each)
}

// newEncoder writes one object a line.
func newEncoder(w io.Writer) *json.Encoder {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc
}

// jsonLines prints summaries as they come, until one can't be printed.
type jsonLines struct {
	enc *json.Encoder
	err error
}

func (l *jsonLines) print(s *workloads.Summary) {
	if l.err != nil {
		return
	}
	if err := l.enc.Encode(s); err != nil {
		l.err = fmt.Errorf("print a summary: %w", err)
	}
}
