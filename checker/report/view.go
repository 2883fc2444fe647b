package report

import (
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"

	"ordeal/checker"
	"ordeal/world"
)

// Bounds on what one page shows. Each list says how much it left out.
const (
	violationsMax = 10
	// opsMax is how many operations of one violation are listed.
	opsMax        = 60
	picturesMax   = 3
	pictureMax    = 384 << 10 // bytes
	faultRowsMax  = 400
	regionRowsMax = 400
	reasonsMax    = 20
	// wordsMax bounds any text that comes from outside, in bytes.
	wordsMax = 600
)

// view is what the template shows: everything decided, formatted and capped.
type view struct {
	CSS        template.CSS
	JS         template.JS
	Title      string
	Class      string
	Verdict    string
	Headline   string
	Reasons    []string
	Replay     []string
	Chips      []pair
	Violations []violation
	MoreViol   int
	Timeline   *timeline
	Faults     []faultRow
	MoreFaults int
	Kinds      []kindRow
	Regions    []regionRow
	MoreRegs   int
	Run        []pair
}

type pair struct{ Name, Text string }

// violation is one broken promise.
type violation struct {
	Check, Message string
	Rows           []opRow
	More           int
	Noted          bool
	Picture        string
	// PictureHeight has room for a lane each client, in pixels.
	PictureHeight int
	// Lost says why there is no picture though there was one.
	Lost string
}

// opRow is an operation of a counter-example, with its bar on a scale on which the times of all of them are evenly
// spread: what matters is which came first.
type opRow struct {
	Who, Call, Answer, From, To, Note, Class string
	Left, Width                              string
}

type faultRow struct {
	Name, From, To, Receipt, Class string
	Bit                            bool
}

type regionRow struct {
	ID, Range, Epoch, Peers, Leader, Term string
}

func newView(d *Data, pictures int) *view {
	v := &view{CSS: template.CSS(css), JS: template.JS(js), Verdict: string(d.Verdict),
		Class: strings.ToLower(string(d.Verdict)), Headline: headline(d.Verdict)}
	v.Title = fmt.Sprintf("%s · %s · seed %d · Ordeal", d.Verdict, d.Workload, d.Seed)
	for _, r := range d.Reasons[:min(len(d.Reasons), reasonsMax)] {
		if len(d.Violations) == 0 || r != d.Violations[0].Message {
			v.Reasons = append(v.Reasons, clip(r))
		}
	}
	for line := range strings.Lines(d.Replay) {
		if line = strings.TrimSpace(line); line != "" {
			v.Replay = append(v.Replay, line)
		}
	}
	for i := range d.Violations[:min(len(d.Violations), violationsMax)] {
		v.Violations = append(v.Violations, newViolation(&d.Violations[i], i < pictures))
	}
	v.MoreViol = len(d.Violations) - len(v.Violations)
	v.Timeline = newTimeline(d)
	v.Kinds = kindRows(d.History)
	v.faults(d)
	v.regions(d)
	v.run(d)
	return v
}

func headline(v checker.Verdict) string {
	switch v {
	case checker.OK:
		return "Every answer is explained and no promise was broken."
	case checker.FAIL:
		return "The cluster broke a promise."
	case checker.INCONCLUSIVE:
		return "Nothing went wrong, but the run did not try all that it should have."
	default:
		return "This run could not be judged. It does not count as passed."
	}
}

func newViolation(from *checker.Violation, picture bool) violation {
	v := violation{Check: from.Check, Message: clip(from.Message)}
	v.Rows = opRows(from)
	v.More = len(from.Ops) - len(v.Rows)
	v.Noted = slices.ContainsFunc(v.Rows, func(r opRow) bool { return r.Note != "" })
	switch {
	case len(from.Picture) == 0:
	case !picture:
		v.Lost = "porcupine's picture is left out to keep this file small."
	case len(from.Picture) > pictureMax:
		v.Lost = fmt.Sprintf("porcupine's picture is left out: it takes %d KiB.", len(from.Picture)>>10)
	default:
		v.Picture = string(from.Picture)
		clients := map[int]bool{}
		for i := range from.Ops {
			clients[from.Ops[i].Client] = true
		}
		v.PictureHeight = 100 + 50*min(len(clients), 10)
	}
	return v
}

func opRows(v *checker.Violation) []opRow {
	ops := v.Ops[:min(len(v.Ops), opsMax)]
	var times []world.Time
	for i := range ops {
		times = append(times, ops[i].Invoke, ops[i].Return)
	}
	slices.Sort(times)
	times = slices.Compact(times)
	place := func(t world.Time) float64 {
		i, _ := slices.BinarySearch(times, t)
		return 100 * (float64(i) + 0.5) / float64(len(times))
	}
	var rows []opRow
	for i := range ops {
		o := &ops[i]
		row := opRow{Who: o.Who(), Call: clip(o.Call()), Answer: clip(o.Answer()), From: checker.Clock(o.Invoke),
			To: checker.Clock(o.Return), Class: string(o.Outcome)}
		from, to := place(o.Invoke), place(o.Return)
		if o.Outcome == checker.Unknown {
			to = 100 // it may still take effect
		}
		if o.Return == checker.Never {
			row.To = "open"
		}
		if i < len(v.Notes) {
			row.Note = clip(v.Notes[i])
		}
		row.Left, row.Width = number(from), number(max(to-from, 1))
		rows = append(rows, row)
	}
	return rows
}

func (v *view) faults(d *Data) {
	lanes := faultKinds(d.Faults)
	for _, f := range d.Faults[:min(len(d.Faults), faultRowsMax)] {
		v.Faults = append(v.Faults, faultRow{Name: clip(f.Name), From: checker.Clock(f.From), To: checker.Clock(f.To),
			Receipt: clip(f.Receipt), Bit: f.Bit, Class: lanes.class(f.Name)})
	}
	v.MoreFaults = len(d.Faults) - len(v.Faults)
}

func (v *view) regions(d *Data) {
	for _, r := range d.Regions[:min(len(d.Regions), regionRowsMax)] {
		row := regionRow{ID: strconv.FormatUint(r.ID, 10), Range: "[" + bound(r.Start, "start") + ", " + bound(r.End, "end") + ")",
			Epoch: fmt.Sprintf("%d / %d", r.ConfVer, r.Version), Leader: "none", Term: strconv.FormatUint(r.Term, 10)}
		var peers []string
		for _, p := range r.Peers {
			peers = append(peers, storeName(p))
		}
		row.Peers = strings.Join(peers, ", ")
		if r.Leader != 0 {
			row.Leader = storeName(r.Leader)
		}
		v.Regions = append(v.Regions, row)
	}
	v.MoreRegs = len(d.Regions) - len(v.Regions)
}

func (v *view) run(d *Data) {
	bit := 0
	for _, f := range d.Faults {
		if f.Bit {
			bit++
		}
	}
	v.Chips = []pair{{"workload", d.Workload}, {"seed", strconv.FormatUint(d.Seed, 10)},
		{"virtual time", fmt.Sprintf("%.1f s", d.Virtual.Seconds())}}
	if d.History != nil {
		c := d.History.Count()
		v.Chips = append(v.Chips, pair{"operations", grouped(c.Total())}, pair{"unknown", grouped(c.Unknown)})
	}
	v.Chips = append(v.Chips, pair{"faults that bit", fmt.Sprintf("%d of %d", bit, len(d.Faults))})
	v.Run = []pair{{"workload", d.Workload}, {"seed", strconv.FormatUint(d.Seed, 10)}, {"flags", clip(d.Flags)},
		{"trace hash", d.TraceHash}, {"events", grouped(int(d.Events))},
		{"virtual time", fmt.Sprintf("%.3f s", d.Virtual.Seconds())}}
	if d.Wall > 0 {
		v.Run = append(v.Run, pair{"wall time", fmt.Sprintf("%.3f s (%.0f times faster than the clock)",
			d.Wall.Seconds(), d.Virtual.Seconds()/d.Wall.Seconds())})
	}
	if len(d.Asleep) > 0 {
		v.Run = append(v.Run, pair{"asleep", clip(strings.Join(d.Asleep, ", "))})
	}
}

// bound prints a key that bounds a region.
func bound(key []byte, none string) string {
	if len(key) == 0 {
		return none
	}
	return clip(strconv.Quote(string(key[:min(len(key), wordsMax)])))
}

func storeName(n world.NodeID) string { return "s" + strconv.FormatUint(uint64(n), 10) }

// clip cuts a long text, at a place where UTF-8 allows it.
func clip(s string) string {
	if len(s) <= wordsMax {
		return s
	}
	return strings.ToValidUTF8(s[:wordsMax], "") + "…"
}

// number prints a coordinate.
func number(f float64) string { return strconv.FormatFloat(f, 'f', 2, 64) }

// grouped prints a count with its thousands apart.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}
