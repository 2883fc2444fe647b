// Package reach names what a run may come to. A harness that never brings a store into the states in which bugs live finds
// none, and looks exactly like one that does. So the code declares such states, in a table beside itself, and says when one
// is reached; a run counts how often, and over many runs a state that none has reached is a hole in the harness.
//
// A state is reached at a moment: it is what somebody has just come to do or to be, and a fault can wait for it.
package reach

import (
	"cmp"
	"fmt"
	"slices"
)

// State is something that a run may come to.
type State struct {
	// Name is unique among all tables: lower-case words joined by hyphens.
	Name string
	// About says in one line what has happened then.
	About string
}

// Counts is how often each state was reached, by name. It belongs to one run and holds a row for every state that is
// declared, so that one that was never reached is there as well.
type Counts map[string]uint64

// NewCounts returns counts of 0 for all states of the tables.
func NewCounts(tables ...[]State) Counts {
	c := Counts{}
	for _, t := range tables {
		for _, s := range t {
			c[s.Name] = 0
		}
	}
	return c
}

// Reached counts one state. It panics if no table of NewCounts declares it: a count that nobody knows of would be lost.
func (c Counts) Reached(name string) {
	n, ok := c[name]
	if !ok {
		panic(fmt.Sprintf("reach: state %q is not declared", name))
	}
	c[name] = n + 1
}

// Row is what many runs came to of one state.
type Row struct {
	State
	// Times is how often it was reached, in Runs runs.
	Times uint64
	Runs  int
}

// Sum adds up the counts of many runs, in the order of the tables. A run that died has none.
func Sum(runs []Counts, tables ...[]State) []Row {
	var rows []Row
	for _, t := range tables {
		for _, s := range t {
			row := Row{State: s}
			for _, c := range runs {
				if c[s.Name] > 0 {
					row.Times += c[s.Name]
					row.Runs++
				}
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// Rarest sorts rows so that those come first that the fewest runs have reached.
func Rarest(rows []Row) {
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(a.Runs, b.Runs) })
}
