package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"ordeal/workloads"
	"ordeal/workloads/driver"
)

func runCommand() *cobra.Command {
	return command{
		use:   "run [flags]",
		short: "Run workloads on simulated clusters under faults, and judge them",
		examples: `  ordeal run -nemesis=all -seeds=20
  ordeal run -workload=register -nemesis=partition,kill -seed=7 -seeds=1 -duration=1m
  ordeal run -bug=list
  ordeal run -bug=stale-read -seeds=200 -workload=register -until-fail`,
		flags: func(fs *flag.FlagSet) func(context.Context, []string) error {
			flags := workloads.RegisterFlags(fs)
			asJSON := fs.Bool("json", false, "print one summary a line, in JSON, and no tables")
			untilFail := fs.Bool("until-fail", false, "stop when the first run has failed")
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
				cfgs, err := driver.Runs(opts)
				if err != nil {
					return err
				}
				if err := setTrace(cfgs, *trace); err != nil {
					return err
				}
				return makeRuns(ctx, cfgs, *asJSON, *untilFail)
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

// makeRuns makes runs and prints what they came to.
func makeRuns(ctx context.Context, cfgs []workloads.Config, asJSON, untilFail bool) error {
	results, err := makeAll(ctx, cfgs, untilFail)
	begun := slices.ContainsFunc(results, func(r driver.Result) bool { return r.Summary != nil })
	if err != nil && (workloads.IsUsage(err) || !begun) {
		return failed(err)
	}
	if asJSON {
		if err := printJSON(os.Stdout, results); err != nil {
			return failed(err)
		}
	} else {
		driver.PrintResults(os.Stdout, results)
	}
	if err != nil {
		return failed(err)
	}
	return judged(driver.Verdict(results))
}

// makeAll makes runs in workers; where there is no source tree to build one from, this very program is the worker.
func makeAll(ctx context.Context, cfgs []workloads.Config, untilFail bool) ([]driver.Result, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, failed(err)
	}
	return driver.Make(ctx, driver.NewConsole(os.Stderr), self, cfgs, untilFail)
}

func printJSON(w io.Writer, results []driver.Result) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, r := range results {
		if r.Summary == nil {
			continue
		}
		if err := enc.Encode(r.Summary); err != nil {
			return fmt.Errorf("print a summary: %w", err)
		}
	}
	return nil
}
