package report

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"ordeal/checker"
	"ordeal/world"
)

const (
	// opsDrawnMax is how many operations the page holds; of more, those that were ok are thinned out evenly.
	opsDrawnMax = 300_000
	// faultsDrawnMax and operatorsDrawnMax bound what the timeline has lanes of.
	faultsDrawnMax, operatorsDrawnMax = 2000, 5000
)

// packed is what the page's script draws. Times are in microseconds of the world's clock, columns have one entry a thing.
type packed struct {
	End     int64    `json:"end"`
	Regions []string `json:"regions"`
	Ops     opColumns
	Faults  []packedFault    `json:"faults"`
	River   river            `json:"river"`
	Moves   []packedOperator `json:"moves"`
	// Marks are the violations' operations.
	Marks []mark `json:"marks"`
}

// opColumns are the operations in the order in which they were invoked.
type opColumns struct {
	// All is how many there were; each that was ok stands for Weight of them.
	All    int `json:"all"`
	Weight int `json:"weight"`
	// Clients, Kinds, Outcomes and Keys are what the columns below have places of. A scan's key is its range.
	Clients  []int    `json:"clients"`
	Kinds    []string `json:"kinds"`
	Outcomes []string `json:"outcomes"`
	Keys     []string `json:"keys"`
	// At is the time since the one before was invoked, Took the time until the return, -1 if there was none.
	At      []int64 `json:"at"`
	Took    []int64 `json:"took"`
	Client  []int   `json:"client"`
	Kind    []int   `json:"kind"`
	Outcome []int   `json:"outcome"`
	Key     []int   `json:"key"`
	// Region is the place in packed.Regions of the one that answered, -1 if none is known.
	Region []int `json:"region"`
	// Text has a line for each: what was asked and answered.
	Text string `json:"text"`
}

type packedFault struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	From    int64  `json:"from"`
	To      int64  `json:"to"`
	Receipt string `json:"receipt"`
	Bit     bool   `json:"bit"`
}

type packedOperator struct {
	Kind    string `json:"kind"`
	Region  int    `json:"region"`
	Text    string `json:"text"`
	From    int64  `json:"from"`
	To      int64  `json:"to"`
	Outcome string `json:"outcome"`
}

// mark is a violation on the timeline.
type mark struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
	// Ops are places in the columns.
	Ops []int `json:"ops"`
}

// pack returns the timeline in the form that the page holds: JSON, gzipped, in URL-safe base64, none of which a page has to
// escape. It also says how many operations are drawn.
func pack(d *Data, operations int) (text string, drawn int, err error) {
	p := packed{End: micros(lastMoment(d)), Faults: []packedFault{}, Moves: []packedOperator{}, Marks: []mark{}}
	regions := newNames(regionIDs(d))
	for _, id := range regions.all {
		p.Regions = append(p.Regions, strconv.FormatUint(id, 10))
	}
	places := p.operations(d, regions, operations)
	for _, f := range d.Faults[:min(len(d.Faults), faultsDrawnMax)] {
		p.Faults = append(p.Faults, packedFault{clip(f.Name), clip(kindOf(f.Name)), micros(f.From), micros(f.To), clip(f.Receipt), f.Bit})
	}
	p.River = newRiver(d, regions)
	for _, o := range d.Operators[:min(len(d.Operators), operatorsDrawnMax)] {
		to := p.End
		if o.To != Open {
			to = micros(o.To)
		}
		p.Moves = append(p.Moves, packedOperator{o.Kind, regions.place(o.Region), clip(o.words()), micros(o.From), to, o.Outcome})
	}
	for i := range d.Violations {
		if v := &d.Violations[i]; len(v.Ops) > 0 {
			p.Marks = append(p.Marks, newMark(v, places))
		}
	}
	var buf bytes.Buffer
	zip, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return "", 0, err
	}
	enc := json.NewEncoder(zip)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(&p); err != nil {
		return "", 0, fmt.Errorf("pack the timeline: %w", err)
	}
	if err := zip.Close(); err != nil {
		return "", 0, fmt.Errorf("pack the timeline: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(buf.Bytes()), len(p.Ops.At), nil
}

// operations fills the columns and returns where each operation is in them, by its ID.
func (p *packed) operations(d *Data, regions *names[uint64], limit int) (places map[int]int) {
	c := &p.Ops
	*c = opColumns{Weight: 1, Clients: []int{}, Keys: []string{}, At: []int64{}, Took: []int64{}, Client: []int{}, Kind: []int{}, Outcome: []int{}, Key: []int{}, Region: []int{}}
	for _, k := range checker.Kinds {
		c.Kinds = append(c.Kinds, string(k))
	}
	for _, o := range checker.Outcomes {
		c.Outcomes = append(c.Outcomes, string(o))
	}
	if d.History == nil {
		return nil
	}
	c.All = len(d.History.Ops)
	c.Weight = (c.All + limit - 1) / max(limit, 1)
	kept := evidence(d)
	var clients []int
	for i := range d.History.Ops {
		clients = append(clients, d.History.Ops[i].Client)
	}
	who, keys := newNames(clients), map[string]int{}
	c.Clients = who.all
	places = map[int]int{}
	var text strings.Builder
	last := int64(0)
	for i := range d.History.Ops {
		o := &d.History.Ops[i]
		if o.Outcome == checker.Ok && c.Weight > 1 && i%c.Weight != 0 && !kept[o.ID] {
			continue
		}
		places[o.ID] = len(c.At)
		at, took, region := micros(o.Invoke), int64(-1), -1
		if o.Return != checker.Never {
			took = micros(o.Return) - at
		}
		if o.Region != 0 {
			region = regions.place(o.Region)
		}
		label := keyLabel(o)
		key, known := keys[label]
		if !known {
			key = len(c.Keys)
			keys[label] = key
			c.Keys = append(c.Keys, label)
		}
		c.At, c.Took = append(c.At, at-last), append(c.Took, took)
		c.Client, c.Kind = append(c.Client, who.place(o.Client)), append(c.Kind, slices.Index(checker.Kinds[:], o.Kind))
		c.Outcome = append(c.Outcome, slices.Index(checker.Outcomes[:], o.Outcome))
		c.Key, c.Region = append(c.Key, key), append(c.Region, region)
		text.WriteString(o.Call() + " → " + o.Answer() + "\n")
		last = at
	}
	c.Text = text.String()
	return places
}

// evidence is the operations of the violations, which are never thinned out.
func evidence(d *Data) map[int]bool {
	kept := map[int]bool{}
	for i := range d.Violations {
		for k := range d.Violations[i].Ops {
			kept[d.Violations[i].Ops[k].ID] = true
		}
	}
	return kept
}

// keyLabel names what an operation works on, for people and for the filter.
func keyLabel(o *checker.Op) string {
	if o.Kind != checker.Scan {
		return keyName(o.Key)
	}
	end := ""
	if o.End != "" {
		end = keyName(o.End)
	}
	return "[" + keyName(o.Start) + ", " + end + ")"
}

// keyName prints a key: bare where it is a plain word.
func keyName(key string) string {
	if q := strconv.Quote(key); key == "" || len(q) > len(key)+2 || strings.ContainsAny(key, " ,[]()") {
		return clip(q)
	}
	return clip(key)
}

// newMark finds a violation's operations on the timeline.
func newMark(v *checker.Violation, places map[int]int) mark {
	from, to := span(v)
	m := mark{From: micros(from), To: micros(to), Ops: []int{}}
	for i := range v.Ops {
		if at, known := places[v.Ops[i].ID]; known {
			m.Ops = append(m.Ops, at)
		}
	}
	return m
}

// span is when a violation's operations ran, as far as they returned.
func span(v *checker.Violation) (from, to world.Time) {
	from, to = v.Ops[0].Invoke, v.Ops[0].Invoke
	for i := range v.Ops {
		from, to = min(from, v.Ops[i].Invoke), max(to, moment(&v.Ops[i]))
	}
	return from, to
}

// words tells an operator in one line.
func (o *Operator) words() string {
	s := fmt.Sprintf("%s of region %d: %s", o.Kind, o.Region, o.Steps)
	if o.Why != "" {
		s += " (" + o.Why + ")"
	}
	if o.End != "" {
		s += "; " + o.Outcome + ": " + o.End
	}
	return s
}

// names are distinct values in ascending order.
type names[T cmp.Ordered] struct{ all []T }

func newNames[T cmp.Ordered](all []T) *names[T] {
	slices.Sort(all)
	return &names[T]{append([]T{}, slices.Compact(all)...)}
}

// place is the place of a value, -1 if it is none of them.
func (n *names[T]) place(v T) int {
	if i, found := slices.BinarySearch(n.all, v); found {
		return i
	}
	return -1
}

// regionIDs are all regions that anything tells of.
func regionIDs(d *Data) []uint64 {
	var ids []uint64
	for _, r := range d.Ranges {
		ids = append(ids, r.Region)
	}
	for _, r := range d.Regions {
		ids = append(ids, r.ID)
	}
	for _, l := range d.Leaders {
		ids = append(ids, l.Region)
	}
	for _, o := range d.Operators {
		ids = append(ids, o.Region)
	}
	if d.History != nil {
		for i := range d.History.Ops {
			if id := d.History.Ops[i].Region; id != 0 {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

func micros(t world.Time) int64 { return int64(t) / int64(time.Microsecond) }

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
	return max(end, world.Time(time.Microsecond))
}

// moment is when an operation is counted: when it returned, or when it was invoked if it did not.
func moment(o *checker.Op) world.Time {
	if o.Return == checker.Never {
		return o.Invoke
	}
	return o.Return
}

// kindOf is the first word of a fault's name.
func kindOf(name string) string {
	if i := strings.IndexFunc(name, func(r rune) bool { return strings.ContainsRune(" (:=,[{", r) }); i > 0 {
		return name[:i]
	}
	return name
}
