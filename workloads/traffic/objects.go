package traffic

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ordeal/checker"
)

// The store has no lists, sets or counters. These workloads make them as its users do: an object is the value of a key, and to
// change it is to read it and to swap it for what it becomes. What counts for clients is the change as a whole, so that is
// what is recorded: it is done if a swap was, of unknown outcome if that of a swap is, and without effect otherwise.

// The models of package checker/models.
const (
	modelAppend  = "append"
	modelSet     = "set"
	modelCounter = "counter"
)

// objectSeparator stands between elements. No element has one.
const objectSeparator = " "

const (
	// objectWritePct is how many percent of what a client does are changes; the rest is reading.
	objectWritePct = 45
	// objectRetiredPct is how many read a retired key.
	objectRetiredPct = 3
	// objectSwapsMax bounds how often a client tries to swap for one change: others may be faster each time.
	objectSwapsMax = 8
	// objectRotateMax is after how many operations a key is retired at the latest: whoever reads an object reads all of it.
	objectRotateMax = 120
)

// errFaster is why a change was given up.
var errFaster = errors.New("others were faster each time")

func lists(c *Ctx) {
	c.objects("/a", checker.Append, func(old, element string) string {
		if old == "" {
			return element
		}
		return old + objectSeparator + element
	})
}

func sets(c *Ctx) {
	c.objects("/s", checker.Add, func(old, element string) string {
		all := []string{element}
		if old != "" {
			all = append(all, strings.Split(old, objectSeparator)...)
		}
		slices.Sort(all)
		return strings.Join(slices.Compact(all), objectSeparator)
	})
}

func counters(c *Ctx) {
	c.objects("/n", checker.Increment, func(old, _ string) string {
		n, err := strconv.ParseInt(old, 10, 64)
		if err != nil && old != "" {
			return old // nobody wrote that: whoever reads it will tell
		}
		return strconv.FormatInt(n+1, 10)
	})
}

type objectClient struct {
	*Ctx
	grid               grid
	folder             string
	slots, rotateAfter int
	kind               checker.OpKind
	changed            func(old, element string) string
}

// objects works on a few hot objects below a folder.
func (c *Ctx) objects(folder string, kind checker.OpKind, changed func(old, element string) string) {
	k := c.Knobs.withDefaults()
	o := &objectClient{Ctx: c, grid: gridFor(k.Regions), folder: folder, slots: k.HotKeys,
		rotateAfter: min(k.RotateAfter, objectRotateMax), kind: kind, changed: changed}
	c.loop(o.step)
}

// objectKey puts each generation of a slot into another part of the key space.
func (g grid) objectKey(folder string, slot, slots, generation int) string {
	return g.key(g.home(slot, slots, generation), fmt.Sprintf("%s/%d/%d", folder, slot, generation))
}

func (o *objectClient) step() {
	i := o.Rand.IntN(o.slots)
	generation, rotated := o.Keys.turn(i, o.slots, o.rotateAfter)
	if rotated {
		o.Keys.retire(o.grid.objectKey(o.folder, i, o.slots, generation-1))
	}
	key := o.grid.objectKey(o.folder, i, o.slots, generation)
	d := o.roll()
	switch {
	case d.in(objectRetiredPct) && len(o.Keys.retired) > 0:
		o.get(o.Keys.retired[o.Rand.IntN(len(o.Keys.retired))])
	case d.in(objectWritePct) && !o.reads():
		o.change(key)
	default:
		o.get(key)
	}
}

// change makes one change to an object, whatever it takes.
func (o *objectClient) change(key string) {
	element := o.newValue(0, 0)
	if o.kind == checker.Increment {
		element = "1"
	}
	op := o.begin(checker.Op{Kind: o.kind, Key: key, Value: element})
	old, found, w, err := o.Client.Get([]byte(key))
	for swaps := 0; err == nil; swaps++ {
		if swaps == objectSwapsMax {
			err = errFaster
			break
		}
		var swapped bool
		swapped, old, found, w, err = o.Client.CompareAndSwap([]byte(key), old, !found, []byte(o.changed(string(old), element)))
		if swapped {
			break
		}
	}
	o.end(op, w, err)
}

// sawContents records what a read saw, as the model of the workload has it.
func (c *Ctx) sawContents(op *checker.Op, value []byte, found bool) {
	op.Found = found
	switch {
	case c.Model != modelAppend && c.Model != modelSet:
		op.Read = short(string(value))
	case found:
		op.Items = strings.Split(string(value), objectSeparator)
	}
}
