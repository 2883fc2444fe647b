// Package report writes what a person reads after a run: one HTML file that needs nothing else, no network, no other
// file, and not even JavaScript, which only adds a cursor over the timeline and buttons that copy.
//
// The order is that of the questions a reader has: what is the verdict and why, how do I see it again; what exactly went
// wrong (the smallest set of operations that no order explains, in words, as bars over time and as porcupine draws it);
// what was going on at the time (faults, leaders, operations, latency over virtual time); then the tables.
//
// The file's size does not grow with the run: operations are drawn in buckets, never one by one, and every list is
// capped. Equal data give equal bytes.
package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"

	"ordeal/checker"
	"ordeal/world"
)

// SizeMax is the size that a report does not exceed, in bytes.
const SizeMax = 5 << 20

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
	// Regions are those at the end of the run.
	Regions []Region
	// History may be nil.
	History *checker.History
}

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

//go:embed report.html.tmpl
var page string

//go:embed report.css
var css string

//go:embed report.js
var js string

var tmpl = template.Must(template.New("report").Parse(page))

// Write writes the report as one HTML page of at most SizeMax bytes. Should it come out larger, porcupine's pictures
// are left out, and the page says so.
func Write(w io.Writer, d Data) error {
	for _, pictures := range []int{picturesMax, 0} {
		var buf bytes.Buffer
		if err := tmpl.Execute(&buf, newView(&d, pictures)); err != nil {
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
