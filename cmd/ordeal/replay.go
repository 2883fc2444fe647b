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
			asJSON := fs.Bool("json", false, "print one object in JSON, and no tables")
			return func(ctx context.Context, args []string) error {
				dir, err := oneArgument("replay", "the folder of a run", args)
				if err != nil {
					return err
				}
				return replay(ctx, dir, *trace, *asJSON)
			}
		},
	}.cobra()
}

func replay(ctx context.Context, dir, trace string, asJSON bool) error {
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
	results, err := makeAll(ctx, []workloads.Config{cfg}, false, nil)
	if err != nil {
		return failed(err)
	}
	again := results[0].Summary
	if asJSON {
		line := replayJSON{Recorded: recorded, Replayed: again, Agree: again != nil && agree(recorded, again)}
		if err := newEncoder(os.Stdout).Encode(&line); err != nil {
			return failed(fmt.Errorf("print a replay: %w", err))
		}
	} else {
		driver.PrintResults(os.Stdout, results)
	}
	if again == nil {
		return judged(driver.Verdict(results))
	}
	if !asJSON {
		compare(os.Stdout, recorded, again)
	}
	if !agree(recorded, again) {
		return verdictError(checker.UNKNOWN)
	}
	return judged(again.Verdict)
}

// replayJSON is what -json prints.
type replayJSON struct {
	Recorded *workloads.Summary `json:"recorded"`
	// Replayed is null if the run was not made.
	Replayed *workloads.Summary `json:"replayed"`
	Agree    bool               `json:"agree"`
}

// agree says whether the trace hashes do. A run that died left none to compare with.
func agree(recorded, again *workloads.Summary) bool {
	return recorded.TraceHash == "" || recorded.TraceHash == again.TraceHash
}

// compare prints both trace hashes and whether they agree.
func compare(w io.Writer, recorded, again *workloads.Summary) {
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
	case agree(recorded, again):
		fmt.Fprintln(w, "they agree: this is the same run, event by event")
	default:
		fmt.Fprintln(w, "THEY DIFFER: this is not the run that was recorded. "+
			"The code, the failpoints or the schedule have changed since; if not, the simulation is not deterministic, which is a bug of its own")
	}
}
