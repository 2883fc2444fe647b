package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"ordeal/checker"
	"ordeal/world"
)

// Bounds on what the timeline draws.
const (
	// width is the timeline's width in units of its drawings, which stretch to the width of the page.
	width = 1000
	// faultLanesMax and regionLanesMax are how many lanes there are; what does not fit is mentioned.
	faultLanesMax  = 12
	regionLanesMax = 32
	// bandsMax is how many fault bands are drawn.
	bandsMax = 300
	// sliver is the width of the narrowest piece of a leader lane; reigns shorter than that are drawn as one piece.
	sliver = 2.0
	// colours is how many colours the style sheet has for stores and for kinds of faults.
	colours = 8
	ticks   = 8
)

// timeline is what happened over virtual time.
type timeline struct {
	Ticks    []tick
	Faults   []lane
	Regions  []lane
	More     int // regions without a lane
	Stores   []legend
	Bands    []rect
	Ops      chart
	Latency  chart
	Cursor   cursor
	HasOps   bool
	HasLanes bool
}

type tick struct{ Left, Text string }

// lane is a strip of pieces.
type lane struct {
	Name   string
	Pieces []rect
}

// rect is a piece of a drawing, with a tooltip.
type rect struct {
	X, Y, W, H, Class, Title string
}

type legend struct{ Class, Name string }

// chart is a drawing of height 100.
type chart struct {
	Unit  string
	Top   string
	Rects []rect
	Lines []line
}

type line struct{ Class, Name, Path string }

// cursor is what the page's script shows for the time under the pointer.
type cursor struct {
	End     float64       `json:"end"`
	Bucket  float64       `json:"bucket"`
	Ok      []int         `json:"ok"`
	Failed  []int         `json:"failed"`
	Unknown []int         `json:"unknown"`
	P50     []float64     `json:"p50"`
	P99     []float64     `json:"p99"`
	Faults  []cursorFault `json:"faults"`
}

type cursorFault struct {
	Name string  `json:"name"`
	From float64 `json:"from"`
	To   float64 `json:"to"`
}

// scale maps time to the width of the timeline.
type scale struct{ end world.Time }

func (s scale) x(t world.Time) float64 {
	return min(max(float64(t)/float64(s.end), 0), 1) * width
}

func newTimeline(d *Data) *timeline {
	s := scale{end: lastMoment(d)}
	t := &timeline{}
	step := niceStep(time.Duration(s.end)/ticks + 1)
	for at := world.Time(0); at <= s.end; at = at.Add(step) {
		t.Ticks = append(t.Ticks, tick{number(s.x(at) / width * 100), fmt.Sprintf("%g s", at.Seconds())})
	}
	t.faults(d, s)
	t.leaders(d, s)
	t.HasLanes = len(t.Faults)+len(t.Regions) > 0
	t.Cursor.End = s.end.Seconds()
	if d.History != nil && len(d.History.Ops) > 0 {
		t.HasOps = true
		b := newBuckets(d.History, s.end)
		t.Ops = b.density(s)
		t.Latency = b.latency(s)
		b.cursor(&t.Cursor)
	}
	return t
}

// lastMoment is where the timeline ends.
func lastMoment(d *Data) world.Time {
	end := world.Time(d.Virtual)
	if end > 0 {
		return end
	}
	for _, f := range d.Faults {
		end = max(end, f.To)
	}
	for _, l := range d.Leaders {
		end = max(end, l.From)
	}
	if d.History != nil {
		for i := range d.History.Ops {
			end = max(end, moment(&d.History.Ops[i]))
		}
	}
	return max(end, 1)
}

// moment is when an operation is counted: when it returned, or when it was invoked if it did not.
func moment(o *checker.Op) world.Time {
	if o.Return == checker.Never {
		return o.Invoke
	}
	return o.Return
}

// niceStep is the least of 1, 2 and 5 times a power of ten that is not below d.
func niceStep(d time.Duration) time.Duration {
	for power := time.Duration(1); ; power *= 10 {
		for _, n := range []time.Duration{1, 2, 5} {
			if n*power >= d {
				return n * power
			}
		}
	}
}

// kinds are the kinds of faults in order of first appearance.
type kinds []string

func faultKinds(faults []Fault) kinds {
	var k kinds
	for _, f := range faults {
		if kind := kindOf(f.Name); !slices.Contains(k, kind) && len(k) < faultLanesMax {
			k = append(k, kind)
		}
	}
	return k
}

// kindOf is the first word of a fault's name.
func kindOf(name string) string {
	if i := strings.IndexFunc(name, func(r rune) bool { return strings.ContainsRune(" (:=,[{", r) }); i > 0 {
		return name[:i]
	}
	return name
}

// class is the colour of a fault.
func (k kinds) class(name string) string {
	i := slices.Index(k, kindOf(name))
	if i < 0 {
		i = faultLanesMax
	}
	return fmt.Sprintf("c%d", i%colours)
}

func (t *timeline) faults(d *Data, s scale) {
	kinds := faultKinds(d.Faults)
	for _, k := range kinds {
		t.Faults = append(t.Faults, lane{Name: clip(k)})
	}
	for _, f := range d.Faults[:min(len(d.Faults), bandsMax)] {
		from, to := s.x(f.From), s.x(f.To)
		bit := "bit"
		if !f.Bit {
			bit = "missed"
		}
		r := rect{X: number(from), W: number(max(to-from, sliver)), Class: kinds.class(f.Name) + " " + bit,
			Title: clip(fmt.Sprintf("%s\n%s to %s\n%s", f.Name, checker.Clock(f.From), checker.Clock(f.To), f.Receipt))}
		t.Bands = append(t.Bands, rect{X: r.X, W: r.W})
		t.Cursor.Faults = append(t.Cursor.Faults, cursorFault{clip(f.Name), f.From.Seconds(), f.To.Seconds()})
		if i := slices.Index(kinds, kindOf(f.Name)); i >= 0 {
			t.Faults[i].Pieces = append(t.Faults[i].Pieces, r)
		}
	}
}

func (t *timeline) leaders(d *Data, s scale) {
	byRegion := map[uint64][]Leader{}
	var ids []uint64
	stores := map[world.NodeID]bool{}
	var names []world.NodeID
	for _, l := range d.Leaders {
		if byRegion[l.Region] == nil {
			ids = append(ids, l.Region)
		}
		byRegion[l.Region] = append(byRegion[l.Region], l)
		if l.Store != 0 && !stores[l.Store] {
			stores[l.Store] = true
			names = append(names, l.Store)
		}
	}
	slices.Sort(ids)
	slices.Sort(names)
	for _, n := range names {
		t.Stores = append(t.Stores, legend{storeClass(n), storeName(n)})
	}
	t.More = max(0, len(ids)-regionLanesMax)
	// Where there are too many, those that changed their leader most are shown.
	slices.SortStableFunc(ids, func(a, b uint64) int { return cmp.Compare(len(byRegion[b]), len(byRegion[a])) })
	ids = ids[:len(ids)-t.More]
	slices.Sort(ids)
	for _, id := range ids {
		reigns := byRegion[id]
		slices.SortStableFunc(reigns, func(a, b Leader) int { return cmp.Compare(a.From, b.From) })
		t.Regions = append(t.Regions, lane{fmt.Sprintf("region %d", id), reignPieces(reigns, s)})
	}
}

func storeClass(n world.NodeID) string { return fmt.Sprintf("c%d", (n-1)%colours) }

// reignPieces draws the leaders of one region. Reigns in a row that are too short to see are drawn as one grey piece
// that counts them.
func reignPieces(reigns []Leader, s scale) []rect {
	end := func(i int) world.Time {
		if i+1 < len(reigns) {
			return reigns[i+1].From
		}
		return s.end
	}
	short := func(i int) bool { return i < len(reigns) && s.x(end(i))-s.x(reigns[i].From) < sliver }
	var pieces []rect
	for i := 0; i < len(reigns); {
		last := i
		for short(i) && short(last+1) {
			last++
		}
		l := &reigns[i]
		piece := rect{X: number(s.x(l.From)), W: number(s.x(end(last)) - s.x(l.From)), Class: storeClass(l.Store)}
		span := fmt.Sprintf("from %s to %s", checker.Clock(l.From), checker.Clock(end(last)))
		switch {
		case last > i:
			piece.Class, piece.Title = "many", fmt.Sprintf("region %d: %d changes of leader %s", l.Region, last-i+1, span)
		case l.Store == 0:
			piece.Class, piece.Title = "nobody", fmt.Sprintf("region %d: no leader %s", l.Region, span)
		default:
			piece.Title = fmt.Sprintf("region %d: %s leads in term %d %s", l.Region, storeName(l.Store), l.Term, span)
		}
		pieces = append(pieces, piece)
		i = last + 1
	}
	return pieces
}
