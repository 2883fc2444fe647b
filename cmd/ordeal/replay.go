package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"ordeal/checker"
	"ordeal/workloads"
	"ordeal/workloads/driver"
)

// replayFolder is where a replay writes, below the folder of the run.
const replayFolder = "replay"

func replayCommand() *cobra.Command {
	return command{
		use:   "replay DIR",
		short: "Make a recorded run once more and compare the traces; DIR/replay gets the new one",
		examples: `  ordeal replay out/register-7

The schedule is read from DIR/schedule.txt and may be edited; the traces differ then, of course.`,
		flags: func(fs *flag.FlagSet) func(context.Context, []string) error {
			trace := fs.String("trace", "", "`file` that gets a line for every event of the run")
			return func(ctx context.Context, args []string) error {
				dir, err := oneArgument("replay", "the folder of a run", args)
				if err != nil {
					return err
				}
				return replay(ctx, dir, *trace)
			}
		},
	}.cobra()
}

func replay(ctx context.Context, dir, trace string) error {
	cfg, recorded, err := workloads.ReadConfig(dir)
	if err != nil {
		return err
	}
	cfg.Out, cfg.Trace = filepath.Join(dir, replayFolder), trace
	if err := driver.CheckFolder(cfg.Out); err != nil {
		return err
	}
	if cfg.Schedule == "" {
		fmt.Fprintf(os.Stderr, "%s holds no faults of its own: they are drawn from the seed again\n",
			filepath.Join(dir, workloads.ScheduleFile))
	}
	results, err := makeAll(ctx, []workloads.Config{cfg}, false)
	if err != nil {
		return failed(err)
	}
	driver.PrintResults(os.Stdout, results)
	again := results[0].Summary
	if again == nil {
		return judged(driver.Verdict(results))
	}
	if !compare(os.Stdout, recorded, again) {
		return verdictError(checker.UNKNOWN)
	}
	return judged(again.Verdict)
}

// compare prints both trace hashes and says whether they agree. A run that died left none to compare with.
func compare(w io.Writer, recorded, again *workloads.Summary) bool {
	show := func(s *workloads.Summary) string {
		if s.TraceHash == "" {
			return "none, the run did not end"
		}
		return s.TraceHash
	}
	fmt.Fprintf(w, "\nrecorded trace hash: %s (%s)\nreplayed trace hash: %s (%s)\n",
		show(recorded), recorded.Verdict, show(again), again.Verdict)
	switch {
	case recorded.TraceHash == "":
		fmt.Fprintln(w, "there is no recorded trace to compare with")
		return true
	case recorded.TraceHash == again.TraceHash:
		fmt.Fprintln(w, "they agree: this is the same run, event by event")
		return true
	default:
		fmt.Fprintln(w, "THEY DIFFER: this is not the run that was recorded. "+
			"The code, the failpoints or the schedule have changed since; if not, the simulation is not deterministic, which is a bug of its own")
		return false
	}
}
