package driver

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"ordeal/checker"
	"ordeal/workloads"
)

// NightSummary is what a night has come to so far.
type NightSummary struct {
	Verdict checker.Verdict
	// Runs is how many were made, by workload and verdict, and in all.
	Runs  []NightRuns
	Total NightRuns
	// Seeds are the first and one beyond the last of which a run was made; of these the shard has its share.
	From, To      uint64
	Shard, Shards int
	Nights        int
	Begun         time.Time
	Elapsed       time.Duration
	VirtualS      float64
	// WallS is the time of all runs together, each on its core.
	WallS  float64
	Ops    workloads.Ops
	Faults []NightFault
	// Failures are the ways in which runs were not OK, the worst first. Others counts runs beyond those.
	Failures []NightFailure
	Others   int
	// Flags are those of the runs, as they are typed, without workload and seed; Out is the folder of the night.
	Flags string
	Out   string
}

// NightRuns counts the runs of a workload by verdict.
type NightRuns struct {
	Workload                        string
	OK, Inconclusive, Unknown, Fail int
}

// All is all of them.
func (r NightRuns) All() int { return r.OK + r.Inconclusive + r.Unknown + r.Fail }

// NightFault counts the faults of a family.
type NightFault struct {
	Kind                  string
	Bit, Applied, Skipped int
}

// NightFailure is runs that were not OK in the same way, and the fastest of them.
type NightFailure struct {
	Verdict     checker.Verdict
	Kind        string
	Count       int
	First, Last time.Time
	// Workload and Seed are of the fastest, "" if it has not been kept. Dir is its folder, below that of the night.
	Workload        string
	Seed            uint64
	WallS, VirtualS float64
	Reason          string
	Dir             string
	// Differs says that it was another run when it was made again.
	Differs string
	// Replay is the command that makes it again.
	Replay string
}

// Report is the address of the failure's report, relative to the page.
func (f NightFailure) Report() string { return f.Dir + "/" + workloads.ReportFile }

// summary sums the night up.
func (u *night) summary() NightSummary {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := u.state
	loads := uint64(len(s.Workloads))
	sum := NightSummary{
		Verdict: checker.OK, From: s.Base + uint64(s.Shard), To: s.Base + (s.Next+loads-1)/loads*uint64(s.Shards), Shard: s.Shard, Shards: s.Shards,
		Nights: s.Nights, Begun: s.Begun, Elapsed: u.elapsed(), VirtualS: s.VirtualS, WallS: s.WallS, Ops: s.Ops, Others: s.Others,
		Flags: nightFlags(s.Config), Out: u.Out, Total: NightRuns{Workload: "all"},
	}
	for _, load := range s.Workloads {
		by := s.Runs[load]
		r := NightRuns{load, by[checker.OK], by[checker.INCONCLUSIVE], by[checker.UNKNOWN], by[checker.FAIL]}
		sum.Runs = append(sum.Runs, r)
		t := &sum.Total
		t.OK, t.Inconclusive, t.Unknown, t.Fail = t.OK+r.OK, t.Inconclusive+r.Inconclusive, t.Unknown+r.Unknown, t.Fail+r.Fail
		for v, n := range by {
			if n > 0 {
				sum.Verdict = checker.Worst(sum.Verdict, v)
			}
		}
	}
	if sum.Total.All() == 0 {
		sum.Verdict = checker.INCONCLUSIVE
	}
	for _, kind := range slices.Sorted(maps.Keys(s.Faults)) {
		f := s.Faults[kind]
		sum.Faults = append(sum.Faults, NightFault{kind, f.Bit, f.Applied, f.Skipped})
	}
	for _, g := range s.Groups {
		sum.Failures = append(sum.Failures, g.failure(u.Out))
		if g.Run != nil && g.Run.Differs != "" {
			sum.Verdict = checker.Worst(sum.Verdict, checker.UNKNOWN)
		}
	}
	worstFirst(sum.Failures)
	return sum
}

func (g *nightGroup) failure(out string) NightFailure {
	f := NightFailure{Verdict: g.Verdict, Kind: g.Kind, Count: g.Count, First: g.First, Last: g.Last}
	if r := g.Run; r != nil {
		f.Workload, f.Seed, f.WallS, f.VirtualS, f.Reason, f.Dir, f.Differs = r.Workload, r.Seed, r.WallS, r.VirtualS, r.Reason, r.Dir, r.Differs
		f.Replay = "go run ./cmd/ordeal replay " + shellQuote(filepath.ToSlash(filepath.Join(out, r.Dir)))
	}
	return f
}

// nightFlags is the flags that all runs have in common.
func nightFlags(c workloads.Config) string {
	text := ""
	for i, a := range c.Args() {
		if i > 2 { // workload, seed, seeds
			text += " " + a
		}
	}
	return text[min(1, len(text)):]
}

// line is the status while the night lasts.
func (s NightSummary) line(limit time.Duration) string {
	text := fmt.Sprintf("%v of %v  %d runs  %.1f/s", s.Elapsed.Round(time.Second), limit, s.Total.All(), float64(s.Total.All())/max(s.Elapsed.Seconds(), 1))
	for _, v := range []struct {
		name string
		n    int
	}{{"OK", s.Total.OK}, {"FAIL", s.Total.Fail}, {"UNKNOWN", s.Total.Unknown}, {"INCONCLUSIVE", s.Total.Inconclusive}} {
		if v.n > 0 {
			text += fmt.Sprintf("  %s %d", v.name, v.n)
		}
	}
	return text
}

// Print prints the night for a terminal.
func (s NightSummary) Print(w io.Writer) {
	t := newTable(w, "workload", "runs", "OK", "FAIL", "UNKNOWN", "INCONCLUSIVE")
	alignRight(t, 2, 3, 4, 5, 6)
	for _, r := range s.Runs {
		t.AppendRow([]any{r.Workload, r.All(), r.OK, r.Fail, r.Unknown, r.Inconclusive})
	}
	a := s.Total
	t.AppendFooter([]any{a.Workload, a.All(), a.OK, a.Fail, a.Unknown, a.Inconclusive})
	t.Render()
	fmt.Fprintf(w, "%.0f virtual s, %d operations, in %v\nverdict: %s\n", s.VirtualS, s.Ops.OK+s.Ops.Failed+s.Ops.Unknown, s.Elapsed.Round(time.Second), s.Verdict)
	for i, f := range s.Failures {
		if i == failuresMax {
			fmt.Fprintf(w, "and %d more ways of failing\n", len(s.Failures)-i)
			break
		}
		fmt.Fprintf(w, "\n%s %d times: %s\n", f.Verdict, f.Count, f.Kind)
		if f.Dir != "" {
			fmt.Fprintf(w, "  the fastest: %s seed %d, %.2f s: %s\n  replay: %s\n", f.Workload, f.Seed, f.WallS, f.Reason, f.Replay)
		}
		if f.Differs != "" {
			fmt.Fprintf(w, "  MADE AGAIN IT WAS ANOTHER RUN: %s\n", f.Differs)
		}
	}
	fmt.Fprintf(w, "page: %s\n", filepath.Join(s.Out, NightIndexFile))
}

//go:embed nightly.html.tmpl
var nightlyPage string

var nightlyTemplate = template.Must(template.New("nightly").Funcs(template.FuncMap{
	"round": func(d time.Duration) time.Duration { return d.Round(time.Second) },
	"clock": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
	"ops":   func(o workloads.Ops) int { return o.OK + o.Failed + o.Unknown },
}).Parse(nightlyPage))

// page is the page of the night: one file that needs nothing from anywhere but the reports that it points to.
func (s NightSummary) page() ([]byte, error) {
	var b bytes.Buffer
	err := nightlyTemplate.Execute(&b, s)
	return b.Bytes(), err
}
