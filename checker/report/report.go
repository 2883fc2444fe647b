// Package report writes what a person reads after a run: one HTML file that needs nothing else, no network and no other
// file.
//
// The order is that of the questions a reader has: what is the verdict and why; what exactly went wrong (the smallest
// set of operations that no order explains, in words, drawn as clients over time, and what was going on around it); what
// happened when (faults, regions and their leaders, operations by client, latency, throughput, the placement driver's
// moves, all on one axis of time that zooms and filters); then tables, and how to see it again. The first two are plain
// HTML and need no JavaScript, which draws the rest.
//
// Operations are packed into the page (pack.go) and drawn on canvases by its script (page/*.js), never as elements of
// their own, so that a hundred thousand of them open at once. Their number is bounded, and every list is; the page says
// what it leaves out. Equal data give equal bytes.
package report

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"time"

	"ordeal/checker"
	"ordeal/world"
)

// SizeMax is the size that a report does not exceed, in bytes.
const SizeMax = 10 << 20

// Data is what a report shows.
type Data struct {
	// Workload, Seed and Flags say which run this was.
	Workload string
	Seed     uint64
	Flags    string

	Verdict checker.Verdict
	// Reasons says in plain words why the verdict is not OK.
	Reasons    []string
	Violations []checker.Violation
	// Replay is the command that runs it again; there may be several, one a line.
	Replay string

	// Virtual is how long the run took on the clock of the world. If it is 0 the timeline ends with the last event.
	Virtual time.Duration
	// Wall is how long it took in wall-clock time.
	Wall      time.Duration
	Events    uint64
	TraceHash string

	// Asleep says in words how many peers slept at some moments.
	Asleep []string

	Faults []Fault
	// Leaders is sorted by time within each region.
	Leaders []Leader
	// Ranges says which keys each region held, in the order in which that began. Regions stand in where there are none.
	Ranges []Range
	// Regions are those at the end of the run.
	Regions []Region
	// Operators are the placement driver's, in the order in which they began; OperatorsLost is how many more there were.
	Operators     []Operator
	OperatorsLost int
	// History may be nil.
	History *checker.History
}

// Open is the end of what had not ended when the run did.
const Open = checker.Never

// Fault is something that was done to the cluster.
type Fault struct {
	// Name is the fault's source text. Its first word is its kind; faults of a kind share a lane.
	Name     string
	From, To world.Time
	// Receipt says what the fault did, Bit whether that counts as having done something.
	Receipt string
	Bit     bool
}

// Leader says that a region has had a leader since From. Store 0 says that it has had none.
type Leader struct {
	Region uint64
	Store  world.NodeID
	From   world.Time
	Term   uint64
}

// Range says that a region held the keys [Start, End), with no end if End is empty, from From to To, which may be Open.
type Range struct {
	Region     uint64
	Start, End []byte
	From, To   world.Time
}

// Region is a region at the end of the run.
type Region struct {
	ID uint64
	// Start and End bound it: [Start, End), with no end if End is empty.
	Start, End       []byte
	ConfVer, Version uint64
	Peers            []world.NodeID
	Leader           world.NodeID
	Term             uint64
}

// Operator is a plan of the placement driver.
type Operator struct {
	Kind   string
	Region uint64
	// Why is the driver's reason, Steps what it wanted done.
	Why, Steps string
	// To is when it ended; it may be Open.
	From, To world.Time
	// Outcome is how it ended, "" if it has not; End says why, where there is more to say.
	Outcome, End string
}

// Outcomes of operators that the page counts; what ended otherwise than these is shown by its own name.
const (
	Finished = "finished"
	// Forgotten: a new leader of the driver knew nothing of it.
	Forgotten = "forgotten"
)

//go:embed page uplot
var files embed.FS

var tmpl = template.Must(template.New("report.html.tmpl").ParseFS(files, "page/report.html.tmpl"))

// styles and scripts are the parts of the page in their order. The scripts of page/ share one scope.
var (
	styles  = read("uplot/uPlot.min.css", "page/report.css", "page/plots.css")
	library = read("uplot/uPlot.iife.min.js")
	scripts = "(() => {\n'use strict';\n" +
		read("page/data.js", "page/view.js", "page/canvas.js", "page/lanes.js", "page/river.js", "page/charts.js", "page/tip.js", "page/main.js") + "})();\n"
)

func read(names ...string) string {
	var all []byte
	for _, name := range names {
		b, err := files.ReadFile(name)
		if err != nil {
			panic(fmt.Sprintf("report: a part of the page is missing: %v", err))
		}
		all = append(all, b...)
	}
	return string(all)
}

// Write writes the report as one HTML page of at most SizeMax bytes. Should it come out larger, porcupine's pictures
// are left out, and then most operations of the timeline, and the page says so.
func Write(w io.Writer, d Data) error {
	for _, size := range []sizes{{picturesMax, opsDrawnMax}, {0, opsDrawnMax}, {0, opsDrawnMax / 10}} {
		v, err := newView(&d, size)
		if err != nil {
			return fmt.Errorf("report of %s, seed %d: %w", d.Workload, d.Seed, err)
		}
		var buf bytes.Buffer
		if err := tmpl.Execute(&buf, v); err != nil {
			return fmt.Errorf("report of %s, seed %d: %w", d.Workload, d.Seed, err)
		}
		if buf.Len() > SizeMax {
			continue
		}
		if _, err := w.Write(buf.Bytes()); err != nil {
			return fmt.Errorf("write report of %s, seed %d: %w", d.Workload, d.Seed, err)
		}
		return nil
	}
	return fmt.Errorf("report of %s, seed %d: larger than %d bytes even without pictures", d.Workload, d.Seed, SizeMax)
}

// sizes bound what the page holds beside its lists.
type sizes struct {
	// pictures is how many of porcupine's there are, operations how many the timeline draws.
	pictures, operations int
}
