package driver

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"ordeal/checker"
	"ordeal/workloads"
)

const (
	// rowsMax bounds the table of runs; those that are not OK come first into it.
	rowsMax = 100
	// failuresMax bounds how many runs are told about below the tables.
	failuresMax = 20
	// reasonsMax bounds what is printed of one run; its summary has all.
	reasonsMax = 3
)

// Verdict is the worst of the results; a run that was not made to its end counts as INCONCLUSIVE.
func Verdict(results []Result) checker.Verdict {
	worst := checker.OK
	for _, r := range results {
		if r.Summary == nil {
			worst = checker.Worst(worst, checker.INCONCLUSIVE)
		} else {
			worst = checker.Worst(worst, r.Summary.Verdict)
		}
	}
	return worst
}

// PrintResults prints the table of runs, that of faults, and what a person does next.
func PrintResults(w io.Writer, results []Result) {
	var done []Result
	for _, r := range results {
		if r.Summary != nil {
			done = append(done, r)
		}
	}
	if len(done) > 0 {
		printRuns(w, done)
	}
	printFaults(w, done)
	if missing := len(results) - len(done); missing > 0 {
		fmt.Fprintf(w, "%d of %d runs were not made\n", missing, len(results))
	}
	fmt.Fprintf(w, "verdict: %s\n", Verdict(results))
	printReports(w, done)
	failures := 0
	for _, r := range done {
		if r.Summary.Verdict == checker.OK {
			continue
		}
		if failures++; failures <= failuresMax {
			printFailure(w, r)
		}
	}
	if failures > failuresMax {
		fmt.Fprintf(w, "\nand %d more that are not OK; their folders have the rest\n", failures-failuresMax)
	}
}

func newTable(w io.Writer, header ...any) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header, t.Style().Format.Footer = text.FormatDefault, text.FormatDefault
	t.AppendHeader(header)
	return t
}

func alignRight(t table.Writer, columns ...int) {
	var cfgs []table.ColumnConfig
	for _, c := range columns {
		cfgs = append(cfgs, table.ColumnConfig{Number: c, Align: text.AlignRight, AlignHeader: text.AlignRight, AlignFooter: text.AlignRight})
	}
	t.SetColumnConfigs(cfgs)
}

func printRuns(w io.Writer, done []Result) {
	shown := shorten(done)
	t := newTable(w, "workload", "seed", "verdict", "ok", "failed", "unknown", "faults", "virtual s", "wall s", "trace hash")
	alignRight(t, 2, 4, 5, 6, 7, 8, 9)
	for _, r := range shown {
		s := r.Summary
		hash := s.TraceHash
		if hash == "" {
			hash = "-"
		}
		t.AppendRow(table.Row{s.Workload, s.Seed, s.Verdict, s.Ops.OK, s.Ops.Failed, s.Ops.Unknown, len(s.Faults),
			fmt.Sprintf("%.1f", s.VirtualS), fmt.Sprintf("%.2f", s.WallS), hash})
	}
	var ops workloads.Ops
	var faults int
	var virtualS, wallS float64
	for _, r := range done {
		s := r.Summary
		ops.OK, ops.Failed, ops.Unknown = ops.OK+s.Ops.OK, ops.Failed+s.Ops.Failed, ops.Unknown+s.Ops.Unknown
		faults, virtualS, wallS = faults+len(s.Faults), virtualS+s.VirtualS, wallS+s.WallS
	}
	t.AppendFooter(table.Row{"all", len(done), "", ops.OK, ops.Failed, ops.Unknown, faults,
		fmt.Sprintf("%.1f", virtualS), fmt.Sprintf("%.2f", wallS), ""})
	t.Render()
	if left := len(done) - len(shown); left > 0 {
		fmt.Fprintf(w, "and %d more runs, all no worse than these\n", left)
	}
}

// shorten keeps rowsMax results, the worst ones, in their order.
func shorten(results []Result) []Result {
	if len(results) <= rowsMax {
		return results
	}
	order := make([]int, len(results))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		va, vb := results[a].Summary.Verdict, results[b].Summary.Verdict
		switch {
		case va == vb:
			return 0
		case checker.Worst(va, vb) == va:
			return -1
		default:
			return 1
		}
	})
	order = order[:rowsMax]
	slices.Sort(order)
	var kept []Result
	for _, i := range order {
		kept = append(kept, results[i])
	}
	return kept
}

// faultCount is how often faults of one kind had an effect, were tried, and could not strike, with the evidence of one.
type faultCount struct {
	kind                  string
	bit, applied, skipped int
	example               string
}

func countFaults(done []Result) []faultCount {
	var counts []faultCount
	for _, r := range done {
		for _, f := range r.Summary.Faults {
			i := slices.IndexFunc(counts, func(c faultCount) bool { return c.kind == f.Kind })
			if i < 0 {
				i = len(counts)
				counts = append(counts, faultCount{kind: f.Kind})
			}
			c := &counts[i]
			if f.Skipped != "" {
				c.skipped++
				continue
			}
			c.applied++
			if f.Bit {
				c.bit++
				if c.example == "" {
					c.example = f.Receipt
				}
			}
		}
	}
	slices.SortFunc(counts, func(a, b faultCount) int { return cmp.Compare(a.kind, b.kind) })
	return counts
}

func printFaults(w io.Writer, done []Result) {
	counts := countFaults(done)
	if len(counts) == 0 {
		return
	}
	t := newTable(w, "fault", "bit", "applied", "skipped", "a receipt")
	alignRight(t, 2, 3, 4)
	for _, c := range counts {
		t.AppendRow(table.Row{c.kind, c.bit, c.applied, c.skipped, text.Trim(c.example, statusWidth)})
	}
	t.Render()
}

func printReports(w io.Writer, done []Result) {
	for _, r := range done {
		if r.Config.Out == "" {
			continue
		}
		where := r.Config.Out
		if len(done) > 1 {
			where = filepath.Join(filepath.Dir(where), "*")
		}
		fmt.Fprintf(w, "reports: %s\n", filepath.Join(where, workloads.ReportFile))
		return
	}
}

// printFailure says why a run is not OK and how to make it again.
func printFailure(w io.Writer, r Result) {
	s := r.Summary
	fmt.Fprintf(w, "\n%s %s seed %d: %s\n", s.Verdict, s.Workload, s.Seed, Reasons(s))
	fmt.Fprintf(w, "  replay: %s\n", ReplayLine(r.Config))
}

// Reasons is why a run is not OK, on one line.
func Reasons(s *workloads.Summary) string {
	line := strings.Join(s.Reasons[:min(len(s.Reasons), reasonsMax)], "; ")
	if more := len(s.Reasons) - reasonsMax; more > 0 {
		line += fmt.Sprintf("; and %d more", more)
	}
	return strings.Join(strings.Fields(line), " ")
}

// ReplayLine is the commands that make a run again, through either door, on one line.
func ReplayLine(cfg workloads.Config) string {
	again := cfg.TestLine()
	if cfg.Out == "" {
		return again
	}
	return fmt.Sprintf("go run ./cmd/ordeal replay %s   # or: %s", shellQuote(cfg.Out), again)
}

// shellQuote quotes a path if a shell would take it for something else.
func shellQuote(path string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%,", r)
	}
	if path != "" && strings.IndexFunc(path, func(r rune) bool { return !plain(r) }) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
