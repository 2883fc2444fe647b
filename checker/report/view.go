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
	moveRowsMax   = 30
	// regionChoicesMax is how many regions the filter names.
	regionChoicesMax = 500
	// colours is how many colours the style sheet has for stores and for kinds of faults.
	colours = 8
	// wordsMax bounds any text that comes from outside, in bytes.
	wordsMax = 600
)

// view is what the template shows: everything decided, formatted and capped.
type view struct {
	CSS     template.CSS
	Library template.JS
	JS      template.JS

	Title, Class, Verdict, Headline, Lead string
	Reasons                               []string
	Replay                                []string
	Chips                                 []pair
	Violations                            []violation
	// Further are the violations after the first.
	Further  []violation
	MoreViol int

	// Timeline is empty where nothing happened. Drawn says how many of the operations it has, if not all.
	Timeline, Drawn string
	Clients         []int
	Regions         []uint64
	HasOps          bool

	Kinds      []kindRow
	Moves      []moveRow
	MovesLost  int
	Faults     []faultRow
	MoreFaults int
	Ends       []regionRow
	MoreEnds   int
	Run        []pair
}

type pair struct{ Name, Text string }

// violation is one broken promise.
type violation struct {
	Check, Message string
	Drawing        *drawing
	Rows           []opRow
	More           int
	Noted, Traced  bool
	// Around says what else was going on.
	Around []string
	// Mark is the violation's place among the marks of the timeline, -1 if it has none.
	Mark    int
	Picture string
	// PictureHeight has room for a lane each client, in pixels.
	PictureHeight int
	// Lost says why there is no picture though there was one.
	Lost string
}

// opRow is an operation of a counter-example; Witness is who answered it.
type opRow struct {
	Who, Call, Answer, From, To, Witness, Note, Class string
}

type faultRow struct {
	Name, From, To, Receipt, Class string
	Bit                            bool
}

// moveRow counts the placement driver's operators of a kind.
type moveRow struct {
	Kind, Total, Finished, Other, Median, Example string
}

type regionRow struct {
	ID, Range, Epoch, Peers, Leader, Term string
}

func newView(d *Data, size sizes) (*view, error) {
	v := &view{CSS: template.CSS(styles), Library: template.JS(library), JS: template.JS(scripts), Verdict: string(d.Verdict),
		Class: strings.ToLower(string(d.Verdict)), Headline: headline(d.Verdict)}
	v.Title = fmt.Sprintf("%s · %s · seed %d · Ordeal", d.Verdict, d.Workload, d.Seed)
	if len(d.Violations) > 0 {
		v.Lead = clip(d.Violations[0].Message)
	}
	for _, r := range d.Reasons[:min(len(d.Reasons), reasonsMax)] {
		if r = clip(r); r != v.Lead {
			v.Reasons = append(v.Reasons, r)
		}
	}
	for line := range strings.Lines(d.Replay) {
		if line = strings.TrimSpace(line); line != "" {
			v.Replay = append(v.Replay, line)
		}
	}
	mark := 0
	for i := range d.Violations[:min(len(d.Violations), violationsMax)] {
		shown := newViolation(d, &d.Violations[i], i < size.pictures)
		if shown.Mark = -1; len(d.Violations[i].Ops) > 0 {
			shown.Mark = mark
			mark++
		}
		v.Violations = append(v.Violations, shown)
	}
	v.Further = v.Violations[min(1, len(v.Violations)):]
	v.MoreViol = len(d.Violations) - len(v.Violations)
	v.Kinds = kindRows(d.History)
	v.Moves = moveRows(d.Operators)
	v.MovesLost = d.OperatorsLost
	v.faults(d)
	v.regions(d)
	v.run(d)
	return v, v.timeline(d, size.operations)
}

// timeline packs what the script draws, if there is anything.
func (v *view) timeline(d *Data, operations int) error {
	all := 0
	if d.History != nil {
		all = len(d.History.Ops)
	}
	if all+len(d.Faults)+len(d.Leaders)+len(d.Ranges)+len(d.Operators) == 0 {
		return nil
	}
	text, drawn, err := pack(d, operations)
	if err != nil {
		return err
	}
	v.Timeline, v.HasOps = text, all > 0
	if drawn < all {
		v.Drawn = fmt.Sprintf("%s of %s operations are drawn: all that were not ok, those of the counter-examples, and an even share of the others.",
			grouped(drawn), grouped(all))
	}
	if all > 0 {
		var clients []int
		for i := range d.History.Ops {
			clients = append(clients, d.History.Ops[i].Client)
		}
		v.Clients = newNames(clients).all
	}
	v.Regions = newNames(regionIDs(d)).all
	v.Regions = v.Regions[:min(len(v.Regions), regionChoicesMax)]
	return nil
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

func newViolation(d *Data, from *checker.Violation, picture bool) violation {
	v := violation{Check: from.Check, Message: clip(from.Message), Drawing: newDrawing(from), Rows: opRows(from)}
	v.More = len(from.Ops) - len(v.Rows)
	v.Noted = slices.ContainsFunc(v.Rows, func(r opRow) bool { return r.Note != "" })
	v.Traced = slices.ContainsFunc(v.Rows, func(r opRow) bool { return r.Witness != "" })
	if len(from.Ops) > 0 {
		v.Around = around(d, from)
	}
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
	var rows []opRow
	for i := range v.Ops[:min(len(v.Ops), opsMax)] {
		o := &v.Ops[i]
		row := opRow{Who: o.Who(), Call: clip(o.Call()), Answer: clip(o.Answer()), From: checker.Clock(o.Invoke),
			To: checker.Clock(o.Return), Class: string(o.Outcome)}
		if o.Return == checker.Never {
			row.To = "open"
		}
		if o.Region != 0 {
			row.Witness = fmt.Sprintf("region %d, term %d, index %d", o.Region, o.Term, o.ApplyIndex)
		}
		if i < len(v.Notes) {
			row.Note = clip(v.Notes[i])
		}
		rows = append(rows, row)
	}
	return rows
}

func (v *view) faults(d *Data) {
	var kinds []string
	for _, f := range d.Faults[:min(len(d.Faults), faultRowsMax)] {
		kind := kindOf(f.Name)
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
		v.Faults = append(v.Faults, faultRow{Name: clip(f.Name), From: checker.Clock(f.From), To: checker.Clock(f.To),
			Receipt: clip(f.Receipt), Bit: f.Bit, Class: fmt.Sprintf("c%d", slices.Index(kinds, kind)%colours)})
	}
	v.MoreFaults = len(d.Faults) - len(v.Faults)
}

func (v *view) regions(d *Data) {
	for _, r := range d.Regions[:min(len(d.Regions), regionRowsMax)] {
		row := regionRow{ID: strconv.FormatUint(r.ID, 10), Range: keyRange(r.Start, r.End),
			Epoch: fmt.Sprintf("%d / %d", r.ConfVer, r.Version), Leader: "none", Term: strconv.FormatUint(r.Term, 10)}
		var peers []string
		for _, p := range r.Peers {
			peers = append(peers, storeName(p))
		}
		row.Peers = strings.Join(peers, ", ")
		if r.Leader != 0 {
			row.Leader = storeName(r.Leader)
		}
		v.Ends = append(v.Ends, row)
	}
	v.MoreEnds = len(d.Regions) - len(v.Ends)
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

// grouped prints a count with its thousands apart.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// keyRange prints the keys of a region.
func keyRange(start, end []byte) string {
	return "[" + bound(start, "start") + ", " + bound(end, "end") + ")"
}
