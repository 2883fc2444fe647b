// Package linear decides in time O(n log n) whether an order explains the steps of one key.
//
// In general that question is NP-complete (Gibbons and Korach, Testing shared memories, 1997). It is easy where every
// value is written once and whoever fails to swap says what he saw: then it is known which write each read saw and which
// value each swap replaced, so the steps fall apart into chains that a register goes through without a break.
//
//  1. collect.go: who wrote, read and replaced each value. A write of unknown outcome whose value somebody saw has
//     happened; any other can come last, where nobody sees it, and is left out.
//  2. chain.go: a chain is a write that depends on no value, its reads, the swap of its value, the reads of what that
//     wrote, and so on. Let first be the least return of its steps and last the greatest call. If first < last the chain
//     is current throughout [first, last], wherever it begins and ends: a zone. Zones must not overlap, and nothing else
//     happens inside. Any other chain can be done at one instant, anywhere in its window [last, first]: an item. So can
//     reads of absent and deletes, in their own windows. A window that begins or ends inside a zone is cut at its border.
//  3. sweep.go: what is left is a word over four kinds of items around zones of four kinds, of which only matters
//     whether the key is absent before and after. A sweep over time puts each item as late as it may be, and earlier
//     where that costs nothing.
//  4. exit.go: a conditional delete of unknown outcome may have made the key absent, if it was still what it expected.
//     Where one is needed the sweep supposes so, but not in all ways that there are: if that is not enough, and it could
//     matter, the history is undecided.
//
// Zones are those of Gibbons and Korach. Chains of swaps are how Rystsov's and Redpanda's checkers follow a register.
// Deletes and unknown outcomes are this package's own; docs/decisions/0019-checkers.md says why it is right.
//
// No answer rests on that reasoning alone. Explained is given only for an order that register.Verifier, which knows
// nothing of it, has accepted; and package checker lets porcupine confirm what is left of every history that is
// Unexplained. What this package can't decide is Undecided, never Explained.
package linear

import (
	"errors"
	"fmt"

	"ordeal/checker/register"
	"ordeal/world"
)

// Answer is what Check found.
type Answer uint8

// The answers.
const (
	// Explained: Order explains the steps.
	Explained Answer = iota + 1
	// Unexplained: no order does.
	Unexplained
	// Undecided: this package can't say.
	Undecided
)

func (a Answer) String() string {
	switch a {
	case Explained:
		return "explained"
	case Unexplained:
		return "unexplained"
	default:
		return "undecided"
	}
}

// Why a history is undecided.
var (
	// ErrValueTwice: two steps write the same value, so a read does not name its writer.
	ErrValueTwice = errors.New("a value is written twice")
	// ErrLooseDelete: a conditional delete of unknown outcome may have made the key absent, and whether it did matters.
	ErrLooseDelete = errors.New("it matters whether a conditional delete of unknown outcome has happened")
)

// Checker judges keys one after the other. It keeps its memory from one to the next; its zero value is ready.
// A step takes 70 to 90 bytes of it.
type Checker struct {
	steps []register.Step
	cells []cell
	// heads are the writes that follow no value, those that may not have happened included; the last in steps is first.
	heads []int32
	// happened is how many values were certainly written.
	happened int
	// next leads from each read of a value to the next one, and later from each step of a chain.
	next  []int32
	zones []zone
	items []item
	// slots says of each step which item's window begins, or which zone ends, with its call: 1 and its place in items, or
	// -1 less its place in zones; 0 is none.
	slots []int32
	// late are items that slots has no room for.
	late       []item
	spareZones []zone
	spareItems []item
	order      []int32
	verifier   register.Verifier
	where      world.Time
	// loose are the conditional deletes of unknown outcome, and exits what they may have done.
	loose []int32
	exits map[register.Value]exit
	sweep
}

// Check judges steps, which must be sorted by call (register.Sort), with values below the given number. It does not
// change them. The error says why an answer is Undecided, and is nil otherwise.
func (c *Checker) Check(steps []register.Step, values int) (Answer, error) {
	c.steps = steps
	defer func() { c.steps = nil }()
	found, err := c.search(values)
	switch {
	case err != nil:
		return Undecided, err
	case !found:
		return Unexplained, nil
	}
	if err := c.verifier.Verify(steps, c.order); err != nil {
		return Undecided, fmt.Errorf("the order that was found is none, which is a bug of package linear: %w", err)
	}
	return Explained, nil
}

// Order is the order that explains the steps of the last Check, if it was Explained, as places in them; steps that did
// not act are not in it. It is good until the next Check.
func (c *Checker) Order() []int32 { return c.order }

// Where is an instant near the contradiction, if the last Check was Unexplained: a hint to look there first.
func (c *Checker) Where() world.Time { return c.where }

// search puts an order that should explain the steps into c.order, or says that there is none.
func (c *Checker) search(values int) (found bool, err error) {
	sound, unique := c.collect(values)
	if !unique {
		return false, ErrValueTwice
	}
	if !sound || !c.follow() {
		return false, nil
	}
	c.findExits()
	if !c.chains() || !c.arrange() {
		return false, nil
	}
	if c.place() {
		return true, nil
	}
	if c.looseMatters() {
		return false, ErrLooseDelete
	}
	return false, nil
}
