package formats

import (
	"fmt"
	"slices"
	"strings"

	"ordeal/checker"
	"ordeal/checker/models"
	"ordeal/world"
)

// A Model says what the operations of a file mean, and judges them.
type Model struct {
	Name string
	// Means is a line of help.
	Means string
	judge func(*File, checker.Options) (checker.Result, error)
}

// Models lists all models in the order in which messages name them; a further one is a row, and a function from what
// a File holds to a Result.
var Models = slices.Concat([]Model{
	{"register", "every key is a register that is read, written, compared and swapped", checkRegisters},
	{kv, "every key is a string that is read, written and appended to", checkKV},
}, objectModels())

const kv = "kv"

// ModelNames is the names of all models, joined by commas.
func ModelNames() string {
	var names []string
	for i := range Models {
		names = append(names, Models[i].Name)
	}
	return strings.Join(names, ", ")
}

// ParseModel reads the name of a model; "" is nil, for which Check looks at what the file holds.
func ParseModel(name string) (*Model, error) {
	if name == "" {
		return nil, nil
	}
	if i := slices.IndexFunc(Models, func(m Model) bool { return m.Name == name }); i >= 0 {
		return &Models[i], nil
	}
	return nil, fmt.Errorf("unknown model %q: want one of %s", name, ModelNames())
}

// ModelFor is the model that a file seems to be made for.
func ModelFor(f *File) *Model {
	name := f.objects()
	if i := slices.IndexFunc(Models, func(m Model) bool { return m.Name == name }); i >= 0 {
		return &Models[i]
	}
	return &Models[0]
}

// Check judges what was read. The error names an operation that the model has no place for. A file that is broken is
// judged up to there; unless only its last line is cut, it is UNKNOWN at best.
func Check(f *File, m *Model, opts checker.Options) (checker.Result, error) {
	result, err := m.judge(f, opts)
	if err != nil {
		return result, err
	}
	if b := f.Broken; b != nil {
		if b.Cut {
			result.Reasons = append(result.Reasons, fmt.Sprintf("%v; the %d operations before it were judged, those that were not over by then as open", b, f.Len()))
		} else {
			result.Lower(checker.UNKNOWN, "%v; only the %d operations before it were judged", b, f.Len())
		}
	}
	return result, nil
}

// checkRegisters judges registers. Only what we recorded ourselves keeps the rule that values are unique.
func checkRegisters(f *File, opts checker.Options) (checker.Result, error) {
	h, err := f.History()
	if err != nil {
		return checker.Result{}, err
	}
	if m := models.For(h); m != nil {
		return checker.Result{}, fmt.Errorf("some of its operations are of lists, sets or counters: it seems to be made for model %s", m.Name)
	}
	opts.Repeats = f.Format != JSONL
	return f.judge(h, func(h checker.Operations) (checker.Result, error) { return checker.Check(h, opts), nil })
}

// judge judges what a file holds, as far as it is there.
func (f *File) judge(h checker.Operations, check func(checker.Operations) (checker.Result, error)) (checker.Result, error) {
	if f.Format != JSONL || f.Broken == nil {
		return check(h)
	}
	cut, sorted := until(h)
	result, err := check(cut)
	if err == nil && !sorted {
		result.Lower(checker.UNKNOWN, "operations are not in the order in which they were invoked, so what is missing may have come before what is there")
		if len(result.Violations) > 0 {
			result.Verdict = checker.UNKNOWN
		}
	}
	return result, err
}

// cutOff is a history whose end is missing.
type cutOff struct {
	checker.Operations
	// last is when the last invocation was that is there.
	last world.Time
}

// until is a history whose end is missing, as of the last invocation that is there: what had not returned by then is open.
// What is missing was invoked no earlier, so that nothing that is left can have seen it. sorted is false where that
// can't be said.
func until(h checker.Operations) (cut cutOff, sorted bool) {
	cut, sorted = cutOff{Operations: h}, true
	var room checker.Room
	for i := range h.Len() {
		o := h.At(i, &room)
		if i > 0 && o.Invoke < cut.last {
			sorted = false
		}
		cut.last = max(cut.last, o.Invoke)
	}
	return cut, sorted
}

// At implements checker.Operations.
func (c cutOff) At(place int, room *checker.Room) *checker.Op {
	if room == nil {
		room = new(checker.Room)
	}
	o := c.Operations.At(place, room)
	if o.Return >= c.last && o.Outcome != checker.Failed {
		o = room.Copy(o)
		o.Outcome, o.Return = checker.Unknown, checker.Never
	}
	return o
}
