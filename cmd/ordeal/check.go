package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/spf13/cobra"

	"ordeal/checker"
	"ordeal/workloads"
)

func checkCommand() *cobra.Command {
	return command{
		use:   "check FILE",
		short: "Judge a recorded history again; FILE is a history.jsonl, or the folder of a run",
		examples: `  ordeal check out/register-7
  ordeal check -checker=porcupine -timeout=1m out/register-7/history.jsonl`,
		flags: func(fs *flag.FlagSet) func(context.Context, []string) error {
			engine := fs.String("checker", string(checker.Auto), workloads.CheckerUsage)
			timeout := fs.Duration("timeout", checker.DefaultKeyTimeout, "`time` that porcupine may search for an order of one key's operations")
			return func(_ context.Context, args []string) error {
				file, err := oneArgument("check", "a history.jsonl or the folder of a run", args)
				if err != nil {
					return err
				}
				if *timeout <= 0 {
					return workloads.Usagef("-timeout=%v: want more than 0, such as 30s", *timeout)
				}
				e, err := checker.ParseEngine(*engine)
				if err != nil {
					return workloads.Usagef("-checker=%s: %v", *engine, err)
				}
				return check(file, checker.Options{Engine: e, KeyTimeout: *timeout, Spread: spread})
			}
		},
	}.cobra()
}

// spread does pieces of work on all processors.
func spread(n int, worker func() (do func(i int))) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			do := worker()
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
}

func check(file string, opts checker.Options) error {
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		file = filepath.Join(file, workloads.HistoryFile)
	}
	f, err := os.Open(file)
	if err != nil {
		return workloads.Usagef("%v: want a %s that a run wrote", err, workloads.HistoryFile)
	}
	defer f.Close()
	h, err := checker.ReadJSONL(f)
	if err != nil {
		return workloads.Usagef("%s: %v", file, err)
	}
	result := checker.Check(h, opts)
	fmt.Printf("verdict: %s (%d operations recorded, %d judged, on %d keys)\n",
		result.Verdict, len(h.Ops), result.OpsChecked, result.KeysChecked)
	for _, r := range result.Reasons {
		fmt.Println(r)
	}
	for _, v := range result.Violations {
		fmt.Printf("\n%s", v.Check)
		if v.Key != "" {
			fmt.Printf(" of key %q", v.Key)
		}
		fmt.Printf(": %s\n", v.Message)
	}
	return judged(result.Verdict)
}
