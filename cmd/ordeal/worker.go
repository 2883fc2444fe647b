package main

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"strings"

	"github.com/spf13/cobra"

	"ordeal/workloads"
	"ordeal/workloads/driver"
)

// workerCommand is what the driver starts; people have no use for it.
func workerCommand() *cobra.Command {
	return command{
		use: driver.WorkerCommand, short: "Make runs for a driver, which talks to it in lines of JSON", hidden: true,
		flags: func(fs *flag.FlagSet) func(context.Context, []string) error {
			explain := fs.Bool(strings.TrimPrefix(driver.ExplainFlag, "-"), false, "print what the runs would be like")
			return func(_ context.Context, args []string) error {
				if err := noArguments(driver.WorkerCommand, args); err != nil {
					return err
				}
				if *explain {
					return failed(driver.WorkExplain(os.Stdin, os.Stdout, workloads.Explain))
				}
				// A terminal interrupts its whole group; it is the driver's to end the workers in order.
				signal.Ignore(os.Interrupt)
				// What a run prints must not end up between the reports.
				out := os.Stdout
				os.Stdout = os.Stderr
				return failed(driver.Work(os.Stdin, out, workloads.Run, func() { os.Exit(workloads.ExitOK) }))
			}
		},
	}.cobra()
}
