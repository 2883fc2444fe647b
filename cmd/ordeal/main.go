// Command ordeal breaks a multi-raft key-value store, or shows that it could not.
//
// It runs simulated clusters under faults, judges what their clients saw, replays what failed and judges recorded
// histories again. `ordeal help` lists the commands, and every command explains itself with -h.
//
// The exit code is 0 if all is well, 1 for a violation, 2 for a mistake in the question, and 3 if there is no answer.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"ordeal/checker"
	"ordeal/workloads"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks for an orderly end; a second one gets what it would get from any program.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:]))
}

// run runs a command line and returns the exit code.
func run(ctx context.Context, args []string) int {
	root := &cobra.Command{
		Use:   "ordeal",
		Short: "Break a multi-raft key-value store, or show that it could not",
		Long: `Ordeal runs a multi-raft key-value store in a deterministic simulated world, hurts it in every way it knows,
heals it, and judges what its clients saw.

  ordeal run -nemesis=all -seeds=20     20 seeds of every workload under all faults
  ordeal replay out/register-7          the same run once more, event by event
  ordeal shrink out/register-7          the smallest run that fails in the same way
  ordeal check out/register-7           judge its recorded history again
  ordeal serve                          browse the runs of out in a browser`,
		SilenceErrors:      true,
		SilenceUsage:       true,
		DisableSuggestions: true,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(runCommand(), replayCommand(), checkCommand(), shrinkCommand(), serveCommand(), placementCommand(), hashesCommand(),
		galleryCommand(), nightlyCommand(), workerCommand())
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var verdict verdictError
	var failed *failure
	switch {
	case err == nil:
		return workloads.ExitOK
	case errors.As(err, &verdict):
		return workloads.ExitCode(checker.Verdict(verdict))
	case errors.As(err, &failed):
		fmt.Fprintln(os.Stderr, "ordeal: "+failed.Error())
		return workloads.ExitUnknown
	case workloads.IsUsage(err):
		fmt.Fprintln(os.Stderr, "ordeal: "+err.Error())
		return workloads.ExitUsage
	default:
		// Only cobra's own errors are left: commands and flags that the root does not know.
		var names []string
		for _, c := range root.Commands() {
			if c.IsAvailableCommand() {
				names = append(names, c.Name())
			}
		}
		fmt.Fprintf(os.Stderr, "ordeal: %v: allowed are %s, each with -h\n", err, strings.Join(names, ", "))
		return workloads.ExitUsage
	}
}

// verdictError is how a command whose work is done passes a verdict that is not OK to the exit code.
type verdictError checker.Verdict

func (v verdictError) Error() string { return string(v) }

// judged is nil for OK.
func judged(v checker.Verdict) error {
	if v == checker.OK {
		return nil
	}
	return verdictError(v)
}

// failure is an error that is not the asking person's: the machine's, or ours.
type failure struct{ err error }

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// failed wraps what is no UsageError.
func failed(err error) error {
	if err == nil || workloads.IsUsage(err) {
		return err
	}
	return &failure{err}
}

// command is one command of ours. Its flags are those of package flag, because `go test` parses them with that package
// too, and because -seeds=20 must work as well as --seeds=20, which cobra's own parser takes for seven flags of one
// letter.
type command struct {
	use, short string
	// examples are lines of help.
	examples string
	hidden   bool
	// flags adds the command's flags to fs and returns what runs once they are parsed, with the other arguments.
	flags func(fs *flag.FlagSet) func(ctx context.Context, args []string) error
}

func (c command) cobra() *cobra.Command {
	name, _, _ := strings.Cut(c.use, " ")
	newFlags := func() (*flag.FlagSet, func(context.Context, []string) error) {
		fs := flag.NewFlagSet(name, flag.ContinueOnError)
		return fs, c.flags(fs)
	}
	cmd := &cobra.Command{
		Use: c.use, Short: c.short, Hidden: c.hidden, DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			fs, run := newFlags()
			rest, err := workloads.ParseArgs(fs, args)
			if errors.Is(err, flag.ErrHelp) {
				return cmd.Help()
			}
			if err != nil {
				return err
			}
			return run(cmd.Context(), rest)
		},
	}
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		fs, _ := newFlags()
		c.printHelp(cmd.OutOrStdout(), fs)
	})
	return cmd
}

// printHelp explains a command.
func (c command) printHelp(w io.Writer, fs *flag.FlagSet) {
	fmt.Fprintf(w, "%s\n\nUsage:\n  ordeal %s\n", c.short, c.use)
	if c.examples != "" {
		fmt.Fprintf(w, "\nExamples:\n%s\n", c.examples)
	}
	any := false
	fs.VisitAll(func(*flag.Flag) { any = true })
	if any {
		fmt.Fprint(w, "\nFlags:\n")
		fs.SetOutput(w)
		fs.PrintDefaults()
	}
	fmt.Fprint(w, "\nExit codes: 0 OK, 1 FAIL, 2 a mistake in the command line, 3 UNKNOWN or INCONCLUSIVE\n")
}

// oneArgument is for commands that take one.
func oneArgument(command, what string, args []string) (string, error) {
	if len(args) != 1 {
		return "", workloads.Usagef("%s takes one argument, %s; there are %d", command, what, len(args))
	}
	return args[0], nil
}

// noArguments is for commands that take none.
func noArguments(command string, args []string) error {
	if len(args) > 0 {
		return workloads.Usagef("%s takes flags only, and %q is none: want a dash before its name", command, args[0])
	}
	return nil
}
