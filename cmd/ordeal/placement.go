package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"ordeal/checker"
	"ordeal/pd/placement"
	"ordeal/workloads"
)

// progressEvery is how often a placement tells how far it is.
const progressEvery = time.Second

func placementCommand() *cobra.Command {
	return command{
		use:   "placement",
		short: "Let the real schedulers spread modelled regions over modelled stores, and plot it",
		examples: `  ordeal placement
  ordeal placement -stores=30 -empty=6 -regions=5000 -out=out/placement.html`,
		flags: func(fs *flag.FlagSet) func(context.Context, []string) error {
			var o placement.Options
			fs.Uint64Var(&o.Seed, "seed", 1, "what sizes, first places and choices are drawn from")
			fs.IntVar(&o.Stores, "stores", 100, "how many stores there are")
			fs.IntVar(&o.Empty, "empty", 10, "how many of them have just joined and hold nothing")
			fs.IntVar(&o.Regions, "regions", 100_000, "how many regions there are, of three peers each")
			fs.IntVar(&o.TicksMax, "ticks", placement.DefaultTicksMax, "after how many virtual seconds to give up")
			out := fs.String("out", filepath.Join("out", "placement.html"), "the `file` for the page with the plots")
			return func(ctx context.Context, args []string) error {
				if err := noArguments("placement", args); err != nil {
					return err
				}
				return place(ctx, o, *out)
			}
		},
	}.cobra()
}

// place runs a placement, and writes what there is of it even if it was interrupted.
func place(ctx context.Context, o placement.Options, out string) error {
	started, told := time.Now(), time.Now()
	r, err := placement.Run(ctx, o, func(s placement.Sample) {
		if time.Since(told) >= progressEvery {
			told = time.Now()
			fmt.Fprintf(os.Stderr, "%d s: worst store %.1f %% from the mean by size, %.1f %% by leaders; %d moves, %d under way\n",
				s.Tick, s.WorstWeight, s.WorstLeaders, s.Moves, s.Underway)
		}
	})
	if r == nil {
		return workloads.Usagef("placement: %v", err)
	}
	fmt.Println(r.Verdict())
	fmt.Printf("within 5 %% of the mean after %d virtual s, at rest after %d (%.0f s of wall time)\n", r.EvenAfter, r.Ticks, time.Since(started).Seconds())
	fmt.Printf("%d moves, %.0f necessary, %.1f %% redundant; %d swings; %d transfers\n",
		r.Moves, r.Necessary, r.RedundantPercent(), r.Swings, r.Transfers)
	fmt.Printf("worst store in the end: %.2f %% from the mean by size, %.2f %% by leaders\n", r.WorstWeight, r.WorstLeaders)
	if e := writePage(r, out); e != nil {
		return &failure{errors.Join(err, e)}
	}
	fmt.Println("report: " + out)
	if err != nil {
		return &failure{err}
	}
	if !r.Even() {
		return verdictError(checker.FAIL)
	}
	return nil
}

func writePage(r *placement.Result, file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(r.WritePage(f), f.Close())
}
