package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"ordeal/checker"
	"ordeal/checker/formats"
	"ordeal/internal/cores"
	"ordeal/workloads"
)

// checking is what `ordeal check` is asked for.
type checking struct {
	file   string
	format formats.Format
	// model is nil for the one that the file seems to be made for.
	model  *formats.Model
	out    string
	asJSON bool
	opts   checker.Options
}

func checkCommand() *cobra.Command {
	return command{
		use:   "check FILE",
		short: "Judge a recorded history; FILE is a history.jsonl, the folder of a run, or a history of Jepsen or porcupine",
		examples: `  ordeal check out/register-7
  ordeal check -checker=porcupine -timeout=1m out/register-7/history.jsonl
  ordeal check -out=history.edn out/register-7
  ordeal check -model=register store/etcd/latest/history.edn
  ordeal check -model=set store/etcd/latest/history.edn`,
		flags: func(fs *flag.FlagSet) func(context.Context, []string) error {
			engine := fs.String("checker", string(checker.Auto), workloads.CheckerUsage)
			timeout := fs.Duration("timeout", checker.DefaultKeyTimeout, "`time` that porcupine may search for an order of one key's operations")
			format := fs.String("format", string(formats.Auto), "`format` of FILE: jsonl (Ordeal's own), edn (events of Jepsen, or of porcupine's key-value stores), log (lines of a Jepsen log); auto looks at how it begins")
			model := fs.String("model", "", "`model` that operations are judged by: register (read, write, cas, delete of keys), kv (get, put and append of strings), append (lists), set or counter; by default the one that the operations and what reads returned look like")
			out := fs.String("out", "", "new `file` to write the history to as well: as edn for Jepsen if its name ends in .edn, or as .jsonl")
			asJSON := fs.Bool("json", false, "print one object in JSON")
			return func(_ context.Context, args []string) error {
				file, err := oneArgument("check", "a history.jsonl, the folder of a run, or a history of Jepsen or porcupine", args)
				if err != nil {
					return err
				}
				if *timeout <= 0 {
					return workloads.Usagef("-timeout=%v: want more than 0, such as 30s", *timeout)
				}
				c := checking{file: file, out: *out, asJSON: *asJSON, opts: checker.Options{KeyTimeout: *timeout, Spread: cores.Spread}}
				if c.opts.Engine, err = checker.ParseEngine(*engine); err != nil {
					return workloads.Usagef("-checker=%s: %v", *engine, err)
				}
				if c.format, err = formats.ParseFormat(*format); err != nil {
					return workloads.Usagef("-format=%s: %v", *format, err)
				}
				if c.model, err = formats.ParseModel(*model); err != nil {
					return workloads.Usagef("-model=%s: %v", *model, err)
				}
				return c.run()
			}
		},
	}.cobra()
}

func (c *checking) run() error {
	if info, err := os.Stat(c.file); err == nil && info.IsDir() {
		c.file = filepath.Join(c.file, workloads.HistoryFile)
	}
	f, err := os.Open(c.file)
	if err != nil {
		return workloads.Usagef("%v: want a %s that a run wrote, or a history of Jepsen or porcupine", err, workloads.HistoryFile)
	}
	defer f.Close()
	history, err := formats.Read(f, c.format)
	if err != nil {
		return workloads.Usagef("%s: %v", c.file, err)
	}
	if history.Broken != nil && history.Len() == 0 {
		return workloads.Usagef("%s: no history of format %s: %v", c.file, history.Format, history.Broken)
	}
	model := c.model
	if model == nil {
		model = formats.ModelFor(history)
	}
	if c.out != "" {
		if err := writeHistory(c.out, history, model); err != nil {
			return err
		}
	}
	result, err := formats.Check(history, model, c.opts)
	if err != nil {
		return workloads.Usagef("%s: %v; -model= takes %s", c.file, err, formats.ModelNames())
	}
	show := printCheck
	if c.asJSON {
		show = printCheckJSON
	}
	if err := show(os.Stdout, model, history, &result); err != nil {
		return failed(err)
	}
	return judged(result.Verdict)
}

// writeHistory writes a history to a file that is not there yet.
func writeHistory(name string, f *formats.File, model *formats.Model) error {
	write := formats.WriteEDN
	switch filepath.Ext(name) {
	case ".edn":
	case ".jsonl":
		write = checker.WriteJSONL
	default:
		return workloads.Usagef("-out=%s: want a name that ends in .edn or .jsonl", name)
	}
	h, err := model.History(f)
	if err != nil {
		return workloads.Usagef("-out=%s: a history of model %s can't be written: %v", name, model.Name, err)
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return workloads.Usagef("-out=%s: %v; want a new file", name, err)
	}
	return failed(errors.Join(write(file, h), file.Close()))
}

func printCheck(w io.Writer, model *formats.Model, f *formats.File, result *checker.Result) error {
	as := ""
	if f.Format != formats.JSONL || model != &formats.Models[0] {
		as = fmt.Sprintf("; %s, judged as %s", f.Format, model.Name)
	}
	fmt.Fprintf(w, "verdict: %s (%d operations recorded, %d judged, on %d keys%s)\n",
		result.Verdict, f.Len(), result.OpsChecked, result.KeysChecked, as)
	if f.Skipped > 0 {
		fmt.Fprintf(w, "%d lines are no operations of clients and were passed over\n", f.Skipped)
	}
	for _, r := range result.Reasons {
		fmt.Fprintln(w, r)
	}
	for _, v := range result.Violations {
		fmt.Fprintf(w, "\n%s", v.Check)
		if v.Key != "" {
			fmt.Fprintf(w, " of key %q", v.Key)
		}
		fmt.Fprintf(w, ": %s\n", v.Message)
		for i := range v.Ops {
			fmt.Fprintf(w, "  %s", v.Ops[i].String())
			if i < len(v.Notes) && v.Notes[i] != "" {
				fmt.Fprintf(w, " (%s)", v.Notes[i])
			}
			fmt.Fprintln(w)
		}
	}
	return nil
}

// checkJSON is what -json prints.
type checkJSON struct {
	Verdict checker.Verdict `json:"verdict"`
	Format  formats.Format  `json:"format"`
	Model   string          `json:"model"`
	// Ops counts the operations read, Judged those that had a say, Skipped the lines of a log that are no operations.
	Ops     int `json:"ops"`
	Judged  int `json:"judged"`
	Keys    int `json:"keys"`
	Skipped int `json:"skipped,omitempty"`
	// BrokenLine is the line at which the file could not be read any further; the reasons say why.
	BrokenLine int                 `json:"broken_line,omitempty"`
	Reasons    []string            `json:"reasons,omitempty"`
	Violations []checker.Violation `json:"violations,omitempty"`
}

func printCheckJSON(w io.Writer, model *formats.Model, f *formats.File, result *checker.Result) error {
	line := checkJSON{Verdict: result.Verdict, Format: f.Format, Model: model.Name, Ops: f.Len(), Judged: result.OpsChecked,
		Keys: result.KeysChecked, Skipped: f.Skipped, Reasons: result.Reasons, Violations: result.Violations}
	if f.Broken != nil {
		line.BrokenLine = f.Broken.Line
	}
	return newEncoder(w).Encode(&line)
}
