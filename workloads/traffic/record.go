package traffic

import (
	"errors"

	"ordeal/checker"
	"ordeal/proto/kvrpcpb"
	"ordeal/proto/ordealpb"
	"ordeal/system/client"
)

// sighting is what a client last saw of a key.
type sighting struct {
	// known is false if it cannot say.
	known bool
	// found is false if the key was absent.
	found bool
	value string
}

var nothing = sighting{known: true}

func something(value string) sighting { return sighting{known: true, found: true, value: value} }

func saw(value []byte, found bool) sighting {
	if !found {
		return nothing
	}
	return something(string(value))
}

// begin records that an operation begins.
func (c *Ctx) begin(op checker.Op) *checker.Op {
	if op.Kind != checker.Scan {
		c.Keys.use(op.Key)
	}
	return c.Rec.Begin(op, c.Proc.Now())
}

// end records how it ended: done, certainly not done, or unknown, which only a write can be. It reports whether it was
// done.
func (c *Ctx) end(op *checker.Op, w *ordealpb.Witness, err error) bool {
	outcome := checker.Ok
	switch {
	case err == nil:
		op.Region, op.Term, op.ApplyIndex = w.GetRegionId(), w.GetTerm(), w.GetApplyIndex()
		op.Epoch = checker.Epoch{
			ConfVer: w.GetRegionEpoch().GetConfVer(), Version: w.GetRegionEpoch().GetVersion(),
		}
	case errors.Is(err, client.ErrOutcomeUnknown):
		outcome, op.Err = checker.Unknown, err.Error()
	default:
		outcome, op.Err = checker.Failed, err.Error()
	}
	c.Rec.End(op, outcome, c.Proc.Now())
	return outcome == checker.Ok
}

// The operations return what the client knows of the key afterwards.

func (c *Ctx) get(key string) sighting {
	op := c.begin(checker.Op{Kind: checker.Get, Key: key})
	value, found, w, err := c.Client.Get([]byte(key))
	if err == nil {
		c.sawContents(op, value, found)
	}
	if !c.end(op, w, err) {
		return sighting{}
	}
	return saw(value, found)
}

func (c *Ctx) put(key, value string) sighting {
	op := c.begin(checker.Op{Kind: checker.Put, Key: key, Value: short(value)})
	w, err := c.Client.Put([]byte(key), []byte(value))
	if !c.end(op, w, err) {
		return sighting{}
	}
	return something(value)
}

func (c *Ctx) delete(key string) sighting {
	op := c.begin(checker.Op{Kind: checker.Delete, Key: key})
	w, err := c.Client.Delete([]byte(key))
	if !c.end(op, w, err) {
		return sighting{}
	}
	return nothing
}

// cas writes value if the key is as expected.
func (c *Ctx) cas(key string, expect sighting, value string) sighting {
	op := c.begin(checker.Op{Kind: checker.CAS, Key: key, Value: short(value), Expect: expected(expect)})
	swapped, seen, found, w, err := c.Client.CompareAndSwap([]byte(key), []byte(expect.value), !expect.found, []byte(value))
	return c.compared(op, swapped, saw(seen, found), w, err, something(value))
}

// cad deletes the key if it holds expect.
func (c *Ctx) cad(key, expect string) sighting {
	op := c.begin(checker.Op{Kind: checker.CAD, Key: key, Expect: expected(something(expect))})
	swapped, seen, found, w, err := c.Client.CompareAndDelete([]byte(key), []byte(expect))
	return c.compared(op, swapped, saw(seen, found), w, err, nothing)
}

func expected(s sighting) *string {
	if !s.found {
		return nil
	}
	value := short(s.value)
	return &value
}

func (c *Ctx) compared(op *checker.Op, swapped bool, seen sighting, w *ordealpb.Witness, err error, after sighting) sighting {
	if err == nil {
		op.Swapped = swapped
		if !swapped {
			op.Found, op.Read = seen.found, short(seen.value)
		}
	}
	switch {
	case !c.end(op, w, err):
		return sighting{}
	case swapped:
		return after
	default:
		return seen
	}
}

// scan returns what it saw, in the order of keys, and where.
func (c *Ctx) scan(start, end string, limit int) ([]checker.KV, []*ordealpb.Witness) {
	op := c.begin(checker.Op{Kind: checker.Scan, Start: start, End: end, Limit: limit})
	pairs, witnesses, err := c.Client.Scan([]byte(start), []byte(end), limit)
	seen := c.sawPairs(op, pairs)
	c.end(op, only(witnesses), err)
	return seen, witnesses
}

// sawPairs records what a scan returned.
func (c *Ctx) sawPairs(op *checker.Op, pairs []*kvrpcpb.KvPair) (seen []checker.KV) {
	for _, p := range pairs {
		seen = append(seen, checker.KV{Key: string(p.GetKey()), Value: string(p.GetValue())})
		op.Pairs = append(op.Pairs, checker.KV{Key: string(p.GetKey()), Value: short(string(p.GetValue()))})
	}
	return seen
}
