package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"ordeal/workloads"
	"ordeal/workloads/driver"
)

func hashesCommand() *cobra.Command {
	return command{
		use:   "hashes [flags]",
		short: "Print workload, seed and trace hash of runs, to be compared with another process's; no files are written",
		examples: `  ordeal hashes -workload=register -seeds=200
  scripts/determinism.sh -seeds=200`,
		flags: func(fs *flag.FlagSet) func(context.Context, []string) error {
			flags := workloads.RegisterFlags(fs)
			trace := fs.String("trace", "", "`file` that gets a line for every event of the run, if it is only one")
			return func(ctx context.Context, args []string) error {
				if err := noArguments("hashes", args); err != nil {
					return err
				}
				opts, err := flags.Options()
				if err != nil {
					return err
				}
				cfgs := opts.Configs()
				if err := setTrace(cfgs, *trace); err != nil {
					return err
				}
				return hashes(ctx, cfgs)
			}
		},
	}.cobra()
}

// hashes prints the hashes. Verdicts are not its business, but every run must have come to its end.
func hashes(ctx context.Context, cfgs []workloads.Config) error {
	results, err := makeAll(ctx, cfgs, false, nil)
	if err != nil {
		return failed(err)
	}
	for _, r := range results {
		if r.Summary == nil {
			return &failure{fmt.Errorf("%s was not run", r.Config.Name())}
		}
		if r.Summary.TraceHash == "" {
			return &failure{fmt.Errorf("%s did not come to its end: %s", r.Config.Name(), driver.Reasons(r.Summary))}
		}
		fmt.Fprintf(os.Stdout, "%s %d %s\n", r.Config.Workload, r.Config.Seed, r.Summary.TraceHash)
	}
	return nil
}
