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
)

func checkCommand() *cobra.Command {
	return command{
		use:   "check FILE",
		short: "Judge a recorded history again; FILE is a history.jsonl, or the folder of a run",
		examples: `  ordeal check out/register-7
  ordeal check -timeout=1m out/register-7/history.jsonl`,
		flags: func(fs *flag.FlagSet) func(context.Context, []string) error {
			timeout := fs.Duration("timeout", checker.DefaultKeyTimeout, "`time` to search for an order of one key's operations")
			return func(_ context.Context, args []string) error {
				file, err := oneArgument("check", "a history.jsonl or the folder of a run", args)
				if err != nil {
					return err
				}
				if *timeout <= 0 {
					return workloads.Usagef("-timeout=%v: want more than 0, such as 30s", *timeout)
				}
				return check(file, *timeout)
			}
		},
	}.cobra()
}

func check(file string, timeout time.Duration) error {
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
	result := checker.Check(h, checker.Options{KeyTimeout: timeout})
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
