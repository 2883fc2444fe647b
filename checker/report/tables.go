package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ordeal/checker"
)

// bucket counts operations.
type bucket struct {
	checker.Counts
	// took is how long the operations took that succeeded, in seconds.
	took []float64
}

// percentile of ascending values, 0 if there are none.
func percentile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(p*float64(len(sorted))), len(sorted)-1)]
}

// seconds prints a duration given in seconds with the unit that suits it.
func seconds(s float64) string {
	switch {
	case s == 0:
		return "–"
	case s < 1e-3:
		return fmt.Sprintf("%.0f µs", s*1e6)
	case s < 1:
		return fmt.Sprintf("%.3g ms", s*1e3)
	default:
		return fmt.Sprintf("%.3g s", s)
	}
}

// kindRow is a row of the table of operations.
type kindRow struct {
	Kind, Total, Ok, Failed, Unknown, P50, P99, Max string
}

// kindRows counts operations by kind and outcome.
func kindRows(h *checker.History) []kindRow {
	if h == nil {
		return nil
	}
	byKind := map[checker.OpKind]*bucket{}
	all := &bucket{}
	for _, k := range checker.Kinds {
		byKind[k] = &bucket{}
	}
	for i := range h.Ops {
		o := &h.Ops[i]
		for _, b := range []*bucket{byKind[o.Kind], all} {
			if b == nil {
				continue
			}
			b.Add(o.Outcome)
			if o.Outcome == checker.Ok {
				b.took = append(b.took, o.Return.Sub(o.Invoke).Seconds())
			}
		}
	}
	var rows []kindRow
	for _, k := range checker.Kinds {
		if byKind[k].Total() > 0 {
			rows = append(rows, byKind[k].row(string(k)))
		}
	}
	return append(rows, all.row("all"))
}

func (b *bucket) row(kind string) kindRow {
	slices.Sort(b.took)
	return kindRow{Kind: kind, Total: grouped(b.Total()), Ok: grouped(b.Ok), Failed: grouped(b.Failed), Unknown: grouped(b.Unknown),
		P50: seconds(percentile(b.took, 0.5)), P99: seconds(percentile(b.took, 0.99)), Max: seconds(percentile(b.took, 1))}
}

// moveRows counts operators by kind, most frequent first.
func moveRows(all []Operator) []moveRow {
	byKind := map[string][]*Operator{}
	var kinds []string
	for i := range all {
		o := &all[i]
		if byKind[o.Kind] == nil {
			kinds = append(kinds, o.Kind)
		}
		byKind[o.Kind] = append(byKind[o.Kind], o)
	}
	slices.SortFunc(kinds, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(byKind[b]), len(byKind[a])), cmp.Compare(a, b))
	})
	var rows []moveRow
	for _, k := range kinds[:min(len(kinds), moveRowsMax)] {
		rows = append(rows, newMoveRow(k, byKind[k]))
	}
	return rows
}

func newMoveRow(kind string, all []*Operator) moveRow {
	finished, others := 0, map[string]int{}
	var took []float64
	for _, o := range all {
		switch {
		case o.Outcome == Finished:
			finished++
			took = append(took, o.To.Sub(o.From).Seconds())
		case o.Outcome == "":
			others["under way"]++
		default:
			others[o.Outcome]++
		}
	}
	slices.Sort(took)
	var rest []string
	for _, how := range slices.Sorted(maps.Keys(others)) {
		rest = append(rest, fmt.Sprintf("%s %s", grouped(others[how]), how))
	}
	return moveRow{Kind: clip(kind), Total: grouped(len(all)), Finished: grouped(finished), Other: strings.Join(rest, ", "),
		Median: seconds(percentile(took, 0.5)), Example: clip(all[0].words())}
}
