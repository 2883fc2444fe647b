package traffic

import "fmt"

// churn makes new keys all the time, so that regions grow until they split, and most of them in one part of the key
// space for a while, so that regions do not all grow alike.
func churn(c *Ctx) {
	k := c.Knobs.withDefaults()
	if k.ValueMax <= 0 {
		k.ValueMin, k.ValueMax = churnValueMin, churnValueMax
	}
	ch := &churnClient{Ctx: c, grid: gridFor(k.Regions), knobs: k}
	c.loop(ch.step)
}

// Sizes of values in bytes.
const churnValueMin, churnValueMax = 100, 1000

type churnClient struct {
	*Ctx
	grid  grid
	knobs Knobs
	// mine are the keys that this client has made.
	mine []ownKey
}

type ownKey struct {
	key  string
	last sighting
}

// What a client of churn does, in percent; the rest is reading any key of anybody.
const (
	churnInsertPct = 45
	churnPutPct    = 6
	churnCASPct    = 8
	churnCADPct    = 8
	churnDeletePct = 1
	churnRecentPct = 16 // read one of the keys made last by anybody
	churnWrongPct  = 10
	// churnRecent is how many keys count as recent.
	churnRecent = 32
	// churnHotPct is how many new keys go to the hot part, which is churnHotBuckets wide and moves every
	// churnHotKeys keys of a client.
	churnHotPct, churnHotBuckets, churnHotKeys = 70, 16, 128
	// churnBusyParts is how many hot parts a run of some seconds comes to.
	churnBusyParts = 4
)

// churnKey returns the n-th key of a client. Clients that are about equally fast have the same hot part.
func (g grid) churnKey(id, n int) string {
	h := mix(uint64(id)<<32 | uint64(n))
	bucket := int(h % uint64(g))
	if (h>>16)%100 < churnHotPct {
		bucket = g.hotPart(n) + bucket%churnHotBuckets
	}
	return g.key(bucket, fmt.Sprintf("/c/%d/%d", id, n))
}

// hotPart is the first bucket of the hot part when a client makes its n-th key.
func (g grid) hotPart(n int) int { return int(mix(uint64(n/churnHotKeys)) % uint64(g)) }

// churnBuckets are those of the first hot parts.
func churnBuckets(k Knobs) []int {
	var buckets []int
	for part := range churnBusyParts {
		for i := range churnHotBuckets {
			buckets = append(buckets, gridFor(k.Regions).hotPart(part*churnHotKeys)+i)
		}
	}
	return buckets
}

func (c *churnClient) step() {
	d := c.roll()
	if c.reads() && len(c.Keys.Used()) > 0 {
		used := c.Keys.Used()
		c.get(used[len(used)-1-c.Rand.IntN(min(churnRecent, len(used)))])
		return
	}
	if insert := d.in(churnInsertPct); len(c.mine) == 0 || (insert && len(c.mine) < c.knobs.KeysMax) {
		o := ownKey{key: c.grid.churnKey(c.ID, len(c.mine))}
		o.last = c.put(o.key, c.value())
		c.mine = append(c.mine, o)
		return
	}
	o := &c.mine[c.Rand.IntN(len(c.mine))]
	switch {
	case d.in(churnPutPct):
		o.last = c.put(o.key, c.value())
	case d.in(churnCASPct):
		o.last = c.cas(o.key, c.guess(o.last, churnWrongPct), c.value())
	case d.in(churnCADPct) && o.last.found:
		o.last = c.cad(o.key, o.last.value)
	case d.in(churnDeletePct):
		o.last = c.delete(o.key)
	case d.in(churnRecentPct):
		used := c.Keys.Used()
		c.get(used[len(used)-1-c.Rand.IntN(min(churnRecent, len(used)))])
	default:
		used := c.Keys.Used()
		c.get(used[c.Rand.IntN(len(used))])
	}
}

func (c *churnClient) value() string { return c.newValue(c.knobs.ValueMin, c.knobs.ValueMax) }
