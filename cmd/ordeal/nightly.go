package main

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ordeal/workloads"
	"ordeal/workloads/driver"
)

const (
	defaultNight = 8 * time.Hour
	shardsMax    = 10_000
	// seedsADay is how far the first seeds of two days are apart: no night has so many runs.
	seedsADay = 1_000_000_000
)

func nightlyCommand() *cobra.Command {
	return command{
		use:   "nightly [flags]",
		short: "Run fresh seeds on all cores until the time is up; keep the fastest run of each way of failing, and a page of the night",
		examples: `  ordeal nightly -for=8h
  ordeal nightly -for=8h -shard=3/10           the fourth of ten machines, each with seeds of its own
  ordeal nightly -for=30m -runs=1000 -nemesis=partition,kill

An interrupt ends it in order; the same command goes on where it was. Once its time is up, the same command begins another night with
the seeds that follow.`,
		flags: func(fs *flag.FlagSet) func(context.Context, []string) error {
			flags := workloads.RegisterFlags(fs)
			fs.Lookup("seed").Usage = "the first `seed` of the first night in a folder, a whole number; if not given, the date followed by nine zeros"
			fs.Lookup("seed").DefValue = ""
			for name, value := range map[string]string{"out": filepath.Join(workloads.DefaultOut, "nightly"), "workload": "all"} {
				if err := setDefault(fs, name, value); err != nil {
					panic(err)
				}
			}
			fs.Lookup("out").Usage = "`folder` of the night"
			limit := fs.Duration("for", defaultNight, "`time` that the night takes")
			runs := fs.Uint64("runs", 0, "`how many` runs at most, 0 for as many as there is time for")
			shard := fs.String("shard", "0/1", "`i/n`: this is shard i of n, from 0 on; no two of them share a seed")
			return func(ctx context.Context, args []string) error {
				if err := noArguments("nightly", args); err != nil {
					return err
				}
				n, err := nightOf(fs, flags, *shard, time.Now())
				if err != nil {
					return err
				}
				if *limit <= 0 {
					return workloads.Usagef("-for=%v: want more than 0, such as %v", *limit, defaultNight)
				}
				n.For, n.Runs = *limit, *runs
				return nightly(ctx, n)
			}
		},
	}.cobra()
}

// nightOf checks what was asked for.
func nightOf(fs *flag.FlagSet, flags *workloads.FlagSet, shard string, now time.Time) (n driver.Night, err error) {
	opts, err := flags.Options()
	if err != nil {
		return n, err
	}
	n = driver.Night{Workloads: opts.Workloads, Base: opts.Base, Out: opts.Out, Seed: firstSeed(now)}
	fs.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "seed":
			n.Seed = opts.Seed
		case "seeds":
			err = workloads.Usagef("-seeds=%s: nightly makes runs until its time is up; want -for or -runs", f.Value)
		}
	})
	if opts.ListBugs {
		err = workloads.Usagef("-bug=list: want ordeal run -bug=list")
	}
	if err != nil {
		return n, err
	}
	n.Shard, n.Shards, err = parseShard(shard)
	return n, err
}

// firstSeed is the first seed of a day: whoever reads it knows the night.
func firstSeed(now time.Time) uint64 {
	y, m, d := now.UTC().Date()
	return uint64(y*10_000+int(m)*100+d) * seedsADay
}

// parseShard reads i/n.
func parseShard(text string) (i, n int, err error) {
	bad := workloads.Usagef("-shard=%s: want i/n, where n is 1 to %d and i from 0 to below n, such as 3/10", text, shardsMax)
	first, second, ok := strings.Cut(text, "/")
	if !ok {
		return 0, 0, bad
	}
	i, ierr := strconv.Atoi(first)
	n, nerr := strconv.Atoi(second)
	if ierr != nil || nerr != nil || n < 1 || n > shardsMax || i < 0 || i >= n {
		return 0, 0, bad
	}
	return i, n, nil
}

func nightly(ctx context.Context, n driver.Night) error {
	self, err := os.Executable()
	if err != nil {
		return failed(err)
	}
	sum, err := n.Run(ctx, driver.NewConsole(os.Stderr), self)
	if err != nil {
		return failed(err)
	}
	sum.Print(os.Stdout)
	return judged(sum.Verdict)
}
