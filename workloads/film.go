package workloads

import (
	"slices"
	"strings"

	"ordeal/checker/report"
	"ordeal/pd/schedule"
	"ordeal/proto/metapb"
	"ordeal/world"
)

// A report is given filmMax ranges of regions and filmMax operators at most, and filmPerRegion more ranges for each region
// that the cluster starts with.
const (
	filmMax       = 5000
	filmPerRegion = 4
)

// film keeps what a report draws over time beside leaders and operations: which keys each region held, and what the
// placement driver did. Nothing is judged by it.
type film struct {
	now func() world.Time

	// ranges are in the order in which they began; last is the place of each region's newest one, and ended are regions
	// that are part of others.
	ranges    []report.Range
	rangesMax int
	last      map[uint64]int
	version   map[uint64]uint64
	ended     map[uint64]bool

	// operators are in the order in which they began; open is where those are that have not ended.
	operators []report.Operator
	open      map[*schedule.Operator]int
	// unfilmed is how many operators there was no room for.
	unfilmed int
}

func newFilm(now func() world.Time, regions int) *film {
	return &film{
		now: now, rangesMax: filmMax + filmPerRegion*regions, last: map[uint64]int{}, version: map[uint64]uint64{},
		ended: map[uint64]bool{}, open: map[*schedule.Operator]int{},
	}
}

// region takes note of a region that a store has applied. Stores that lag tell of what has long been otherwise, and
// versions say what is newer.
func (f *film) region(r *metapb.Region) {
	id, version := r.GetId(), r.GetRegionEpoch().GetVersion()
	if version == 0 || f.ended[id] || version <= f.version[id] || len(f.ranges) >= f.rangesMax {
		return
	}
	f.version[id] = version
	i, known := f.last[id]
	if known {
		if old := &f.ranges[i]; string(old.Start) == string(r.GetStartKey()) && string(old.End) == string(r.GetEndKey()) {
			return
		}
		f.ranges[i].To = f.now()
	}
	f.last[id] = len(f.ranges)
	f.ranges = append(f.ranges, report.Range{
		Region: id, Start: slices.Clone(r.GetStartKey()), End: slices.Clone(r.GetEndKey()), From: f.now(), To: report.Open,
	})
}

// merged: source is part of another region from now on.
func (f *film) merged(source uint64) {
	if f.ended[source] {
		return
	}
	f.ended[source] = true
	if i, known := f.last[source]; known {
		f.ranges[i].To = f.now()
	}
}

func (f *film) started(o *schedule.Operator) {
	if len(f.operators) >= filmMax {
		f.unfilmed++
		return
	}
	steps := make([]string, len(o.Steps))
	for i, s := range o.Steps {
		steps[i] = s.String()
	}
	f.open[o] = len(f.operators)
	f.operators = append(f.operators, report.Operator{
		Kind: string(o.Kind), Region: o.Region, Why: o.Why, Steps: strings.Join(steps, ", then "), From: f.now(), To: report.Open,
	})
}

func (f *film) stopped(e schedule.End) {
	i, known := f.open[e.Operator]
	if !known {
		return // of an earlier leader of the driver, or there was no room
	}
	delete(f.open, e.Operator)
	f.operators[i].To, f.operators[i].Outcome, f.operators[i].End = f.now(), string(e.Outcome), e.Why
}

// booted: a new leader of the driver does not know what the last one had begun.
func (f *film) booted() {
	//tidy:maporder each is ended in the same way
	for _, i := range f.open {
		f.operators[i].To, f.operators[i].Outcome, f.operators[i].End = f.now(), report.Forgotten, "another member of the driver leads"
	}
	clear(f.open)
}
