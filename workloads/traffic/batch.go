package traffic

import (
	"fmt"
	"slices"
	"strings"

	"ordeal/checker"
	"ordeal/proto/kvrpcpb"
	"ordeal/proto/ordealpb"
)

// batch works on groups of keys that are only ever written together, by one BatchPut or DeleteRange. Whoever reads a whole
// group at one moment must find one batch, or nothing: a mixture is reported at once. Each group has a companion, a key
// that its batches and deletions take along, and that clients also write one by one, most of them on a condition: so a
// compare meets what batches and deletions of ranges have just done. Beside that, every key has its history, judged
// like any other.
func batch(c *Ctx) {
	k := c.Knobs.withDefaults()
	b := &batchClient{Ctx: c, grid: gridFor(k.Regions), slots: make([]companion, k.HotKeys), rotateAfter: k.RotateAfter}
	c.loop(b.step)
}

type batchClient struct {
	*Ctx
	grid        grid
	slots       []companion
	rotateAfter int
	// torn says that a torn batch was reported; one for each client is enough.
	torn bool
}

// companion is what this client last saw of the companion of the group that a slot has in a generation.
type companion struct {
	generation int
	last       sighting
}

// group is a few keys that belong together, and their companion; nobody uses other keys in their range.
type group struct{ prefix string }

// groupKeys is how many keys a group has.
const groupKeys = 4

// groupOf puts each generation of a slot into another part of the key space. Most groups lie in one region; one that a
// split has cut is not written any more.
func (g grid) groupOf(slot, slots, generation int) group {
	return group{g.key(g.home(slot, slots, generation), fmt.Sprintf("/b/%d/%d/", slot, generation))}
}

func (g group) key(i int) string  { return fmt.Sprint(g.prefix, i) }
func (g group) companion() string { return g.prefix + "n" }

// end is behind the group's keys, and endOfAll behind the companion as well.
func (g group) end() string      { return g.prefix + "a" }
func (g group) endOfAll() string { return g.prefix + "~" }

func (g group) keys() []string {
	var keys []string
	for i := range groupKeys {
		keys = append(keys, g.key(i))
	}
	return keys
}

// all are the group's keys and the companion.
func (g group) all() []string { return append(g.keys(), g.companion()) }

// What a client of batch does, in percent; the rest is reading one key.
const (
	batchRetiredPct = 2 // read a retired key
	batchPutPct     = 27
	batchDeletePct  = 1
	// batchAlonePct is to write the companion alone.
	batchAlonePct   = 18
	batchGetPct     = 16
	batchScanPct    = 16
	batchReversePct = 16
	// batchLimitMax bounds the limits of scans; some are less than a group.
	batchLimitMax = 2 * groupKeys
)

func (b *batchClient) step() {
	slots := len(b.slots)
	i := b.Rand.IntN(slots)
	generation, rotated := b.Keys.turn(i, slots, b.rotateAfter)
	if rotated {
		b.Keys.retire(b.grid.groupOf(i, slots, generation-1).all()...)
	}
	g := b.grid.groupOf(i, slots, generation)
	if b.slots[i].generation != generation {
		b.slots[i] = companion{generation: generation}
	}
	last := &b.slots[i].last
	d := b.roll()
	switch {
	case d.in(batchRetiredPct) && len(b.Keys.retired) > 0:
		b.get(b.Keys.retired[b.Rand.IntN(len(b.Keys.retired))])
	case d.in(batchPutPct) && !b.reads():
		b.putGroup(g)
	case d.in(batchDeletePct) && !b.reads():
		b.deleteGroup(g)
	case d.in(batchAlonePct) && !b.reads():
		*last = b.writeAlone(g, *last)
	case d.in(batchGetPct):
		b.getGroup(g)
	case d.in(batchScanPct):
		limit := 1 + b.Rand.IntN(batchLimitMax)
		pairs, witnesses := b.Ctx.scan(g.prefix, g.end(), limit)
		b.checkWhole(g, "scan", pairs, limit, witnesses)
	case d.in(batchReversePct):
		limit := 1 + b.Rand.IntN(batchLimitMax)
		pairs, witnesses := b.reverseScan(g.prefix, g.end(), limit)
		b.checkWhole(g, "reverse scan", pairs, limit, witnesses)
	case b.Rand.IntN(2) == 0:
		*last = b.get(g.companion())
	default:
		b.get(g.key(b.Rand.IntN(groupKeys)))
	}
}

// How companions are written one by one, in percent; the rest is a put.
const (
	aloneCASPct    = 55
	aloneCADPct    = 15
	aloneDeletePct = 10 // delete the range in which it is the only key
	// aloneWrongPct is how many compare-and-swaps expect something that the client does not believe in.
	aloneWrongPct = 25
)

// writeAlone writes a group's companion and returns what the client knows of it then.
func (b *batchClient) writeAlone(g group, last sighting) sighting {
	key := g.companion()
	d := b.roll()
	switch {
	case d.in(aloneCASPct):
		return b.cas(key, b.guess(last, aloneWrongPct), b.value())
	case d.in(aloneCADPct) && last.found:
		return b.cad(key, last.value)
	case d.in(aloneDeletePct):
		op := b.begin(checker.Op{Kind: checker.Delete, Key: key})
		_, witnesses, err := b.Client.DeleteRange([]byte(key), []byte(g.endOfAll()))
		if !b.end(op, only(witnesses), err) {
			return sighting{}
		}
		return nothing
	default:
		return b.put(key, b.value())
	}
}

// beginAll and endAll record one call as an operation on each of some keys.
func (b *batchClient) beginAll(keys []string, op func(i int) checker.Op) []*checker.Op {
	var ops []*checker.Op
	for i, k := range keys {
		o := op(i)
		o.Key = k
		ops = append(ops, b.begin(o))
	}
	return ops
}

func (b *batchClient) endAll(ops []*checker.Op, w *ordealpb.Witness, err error) {
	for _, op := range ops {
		b.end(op, w, err)
	}
}

func (b *batchClient) putGroup(g group) {
	tag := b.value()
	value := func(i int) string { return fmt.Sprintf("%s.%d", tag, i) }
	ops := b.beginAll(g.all(), func(i int) checker.Op { return checker.Op{Kind: checker.Put, Value: value(i)} })
	var pairs []*kvrpcpb.KvPair
	for i, k := range g.all() {
		pairs = append(pairs, &kvrpcpb.KvPair{Key: []byte(k), Value: []byte(value(i))})
	}
	w, err := b.Client.BatchPut(pairs)
	b.endAll(ops, w, err)
}

// deleteGroup deletes the range in which the keys of the group and their companion are the only ones.
func (b *batchClient) deleteGroup(g group) {
	ops := b.beginAll(g.all(), func(int) checker.Op { return checker.Op{Kind: checker.Delete} })
	w := b.Keys.wholeness(g)
	w.deleting++
	_, witnesses, err := b.Client.DeleteRange([]byte(g.prefix), []byte(g.endOfAll()))
	b.endAll(ops, only(witnesses), err)
	b.report(w.deleted(err == nil && len(witnesses) == 1))
}

func (b *batchClient) getGroup(g group) {
	ops := b.beginAll(g.keys(), func(int) checker.Op { return checker.Op{Kind: checker.Get} })
	var keys [][]byte
	for _, k := range g.keys() {
		keys = append(keys, []byte(k))
	}
	values, witnesses, err := b.Client.BatchGet(keys)
	var pairs []checker.KV
	for i, v := range values {
		ops[i].Found, ops[i].Read = v.Found, string(v.Value)
		if v.Found {
			pairs = append(pairs, checker.KV{Key: g.key(i), Value: string(v.Value)})
		}
	}
	b.endAll(ops, only(witnesses), err)
	b.checkWhole(g, "batch get", pairs, groupKeys, witnesses)
}

// checkWhole reports a group of which a read at one moment, in ascending order, saw parts of several batches, or one
// batch in part.
func (b *batchClient) checkWhole(g group, what string, pairs []checker.KV, limit int, witnesses []*ordealpb.Witness) {
	if len(witnesses) != 1 || len(pairs) == 0 || b.torn {
		return // it failed, took several moments, or saw nothing
	}
	whole := len(pairs) == min(limit, groupKeys)
	for _, p := range pairs {
		whole = whole && batchOf(p) == batchOf(pairs[0])
	}
	if b.torn = !whole; b.torn {
		b.report(b.Keys.wholeness(g).seen(fmt.Sprintf(
			"%s of client %d saw a torn batch at %s: of the %d keys of %s, which are only written together, %v",
			what, b.ID, b.Proc.Now(), groupKeys, g.prefix, pairs)))
	}
}

// report fails the run for each of the sightings.
func (b *batchClient) report(sightings []string) {
	for _, torn := range sightings {
		b.Fail("%s", torn)
	}
}

// batchOf is what the values of one batch have in common.
func batchOf(p checker.KV) string {
	tag, _, _ := strings.Cut(p.Value, ".")
	return tag
}

// reverseScan is recorded as the scan that it is seen from its end: of the keys in front of the last that it returned it
// says nothing if its limit cut it. It returns what it saw in ascending order.
func (c *Ctx) reverseScan(start, end string, limit int) ([]checker.KV, []*ordealpb.Witness) {
	op := c.begin(checker.Op{Kind: checker.Scan, Start: start, End: end})
	pairs, witnesses, err := c.Client.ReverseScan([]byte(start), []byte(end), limit)
	slices.Reverse(pairs)
	seen := c.sawPairs(op, pairs)
	if len(pairs) >= limit {
		op.Start = string(pairs[0].GetKey())
	}
	c.end(op, only(witnesses), err)
	return seen, witnesses
}

// only is the witness of an answer that came from one region; one cannot speak for several.
func only(witnesses []*ordealpb.Witness) *ordealpb.Witness {
	if len(witnesses) == 1 {
		return witnesses[0]
	}
	return nil
}
