package driver

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"

	"ordeal/cluster"
	"ordeal/internal/reach"
)

// holesFrom is how many runs are needed to say that a state which none has reached is a hole: of fewer none says much.
const holesFrom = 100

// PrintStates prints which of the states that the code declares the runs have reached: in one line, and with all in a table, the
// rarest first. Over many runs each state that none has reached is named: whatever goes wrong there, nobody will see.
func PrintStates(w io.Writer, results []Result, all bool) {
	var runs []reach.Counts
	for _, r := range results {
		if r.Summary != nil && r.Summary.Reached != nil {
			runs = append(runs, r.Summary.Reached)
		}
	}
	if len(runs) == 0 {
		return
	}
	rows := reach.Sum(runs, cluster.States())
	reach.Rarest(rows)
	holes := 0
	for holes < len(rows) && rows[holes].Runs == 0 {
		holes++
	}
	if all {
		t := newTable(w, "state", "runs", "times", "what it is")
		alignRight(t, 2, 3)
		for _, row := range rows {
			t.AppendRow(table.Row{row.Name, row.Runs, row.Times, row.About})
		}
		t.Render()
	}
	hint := "; -states lists them"
	if all {
		hint = ""
	}
	fmt.Fprintf(w, "states: %d of %d declared ones were reached in %d runs%s\n", len(rows)-holes, len(rows), len(runs), hint)
	if len(runs) < holesFrom {
		return
	}
	for _, row := range rows[:holes] {
		fmt.Fprintf(w, "HOLE: none of %d runs came to %q: %s\n", len(runs), row.Name, row.About)
	}
}
