package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"ordeal/checker"
	"ordeal/workloads"
	"ordeal/workloads/driver"
)

// defaultShrink is how long a failed run is made smaller.
const defaultShrink = 30 * time.Second

func shrinkCommand() *cobra.Command {
	return command{
		use:   "shrink DIR",
		short: "Make a failed run small: DIR/small gets the smallest that fails in the same way, and a Go test of it",
		examples: `  ordeal shrink out/register-7
  ordeal shrink -for=5m out/register-7`,
		flags: func(fs *flag.FlagSet) func(context.Context, []string) error {
			limit := fs.Duration("for", defaultShrink, "`time` after which the smallest run so far will do")
			return func(ctx context.Context, args []string) error {
				dir, err := oneArgument("shrink", "the folder of a run that failed", args)
				if err != nil {
					return err
				}
				if *limit <= 0 {
					return workloads.Usagef("-for=%v: want more than 0, such as %v", *limit, defaultShrink)
				}
				if err := shrinkRun(ctx, dir, *limit); err != nil {
					return failed(err)
				}
				return verdictError(checker.FAIL)
			}
		},
	}.cobra()
}

// shrinkRun makes the run of a folder smaller and says how small it has become.
func shrinkRun(ctx context.Context, dir string, limit time.Duration) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	_, from, err := workloads.ReadConfig(dir)
	if err != nil {
		return err
	}
	found, err := driver.Shrink(ctx, driver.NewConsole(os.Stderr), self, dir, limit)
	if err != nil {
		return err
	}
	s := found.Summary
	fmt.Printf("\nshrunk from %d operations and %d faults to %s\n", operations(from), len(from.Faults), found.Size())
	for _, f := range s.Faults {
		fmt.Printf("  %6.3f s  %s: %s\n", f.AtS, f.Fault, f.Receipt)
	}
	fmt.Printf("%s %s seed %d: %s\n", s.Verdict, s.Workload, s.Seed, driver.Reasons(s))
	fmt.Printf("  report: %s\n  test: %s, for the folder workloads\n  replay: %s\n", filepath.Join(found.Config.Out, workloads.ReportFile),
		filepath.Join(found.Config.Out, driver.RegressionFile), driver.ReplayLine(found.Config))
	return nil
}

func operations(s *workloads.Summary) int { return s.Ops.OK + s.Ops.Failed + s.Ops.Unknown }
