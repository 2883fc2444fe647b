package client

import (
	"bytes"
	"errors"
	"fmt"

	"ordeal/proto/kvrpcpb"
	"ordeal/proto/ordealpb"
	"ordeal/system/region"
)

// ErrSpansRegions: the pairs of a batch to write do not lie in one region, so they cannot be written together. It comes
// with ErrNotExecuted.
var ErrSpansRegions = errors.New("the batch lies in more than one region")

// Value is what a key holds; Found is false for an absent key.
type Value struct {
	Value []byte
	Found bool
}

// BatchGet reads up to region.BatchKeysMax keys and returns what they hold, in their order. The keys of one region are read
// at one moment, all together, and there is one witness for each region. It ends with ErrNotExecuted if what the keys of
// one region hold is more than region.BatchBytesMax.
func (c *Client) BatchGet(keys [][]byte) ([]Value, []*ordealpb.Witness, error) {
	if err := invalid(region.CheckBatchGet(keys)); err != nil {
		return nil, nil, fmt.Errorf("batch get: %w", err)
	}
	var witnesses []*ordealpb.Witness
	found := map[string][]byte{}
	o := c.begin(read, "batch get from", keys[0])
	for rest := keys; len(rest) > 0; {
		var resp *ordealpb.Response
		var left [][]byte
		err := o.run(func() *failure {
			e, f := o.locate(rest[0])
			if f != nil {
				return f
			}
			get := &kvrpcpb.RawBatchGetRequest{Context: o.context(e)}
			left = nil
			for _, k := range rest {
				if region.Contains(e.region, k) {
					get.Keys = append(get.Keys, k)
				} else {
					left = append(left, k)
				}
			}
			resp, f = o.ask(e, &ordealpb.Request{Body: &ordealpb.Request_BatchGet{BatchGet: get}})
			return f
		})
		if err != nil {
			return nil, nil, err
		}
		for _, p := range resp.GetBatchGet().GetPairs() {
			found[string(p.GetKey())] = p.GetValue()
		}
		witnesses = append(witnesses, resp.GetWitness())
		rest = left
	}
	values := make([]Value, len(keys))
	for i, k := range keys {
		values[i].Value, values[i].Found = found[string(k)]
	}
	return values, witnesses, nil
}

// BatchPut writes all pairs, up to region.BatchKeysMax and region.BatchBytesMax, at one moment, or none; of two with the
// same key the later one counts. They must lie in one region: else nothing is written, and the error, which is
// ErrSpansRegions, names the border.
func (c *Client) BatchPut(pairs []*kvrpcpb.KvPair) (*ordealpb.Witness, error) {
	if err := invalid(region.CheckBatchPut(pairs)); err != nil {
		return nil, fmt.Errorf("batch put: %w", err)
	}
	o := c.begin(write, "batch put from", pairs[0].GetKey())
	var resp *ordealpb.Response
	looked := false
	err := o.run(func() *failure {
		e, f := o.locate(pairs[0].GetKey())
		if f != nil {
			return f
		}
		for _, p := range pairs {
			if region.Contains(e.region, p.GetKey()) {
				continue
			}
			f := &failure{cause: keyNotInRegion, entry: e, err: fmt.Errorf("%w: %s lies outside of %s", ErrSpansRegions,
				region.FormatKey(p.GetKey()), region.Format(e.region))}
			if looked {
				f.cause = rejected
			}
			looked = true // the cache may be wrong; the placement driver has the last word
			return f
		}
		resp, f = o.ask(e, &ordealpb.Request{Body: &ordealpb.Request_BatchPut{
			BatchPut: &kvrpcpb.RawBatchPutRequest{Context: e.context(), Pairs: pairs},
		}})
		return f
	})
	return resp.GetWitness(), err
}

// DeleteRange deletes the keys of [start, end); an empty start is the beginning of the key space and an empty end its end.
// Each region deletes its part at one moment, one after the other in the order of keys: it is a sequence of deletions. done
// is how far it came: all keys of [start, done) were deleted. Without an error that is everything.
//
// ErrOutcomeUnknown means that some keys at or behind done may have been deleted, or that nothing happened to those, but
// some in front of done are gone. ErrNotExecuted means that no key was deleted.
func (c *Client) DeleteRange(start, end []byte) (done []byte, witnesses []*ordealpb.Witness, err error) {
	if err := invalid(region.CheckRange(start, end)); err != nil {
		return nil, nil, fmt.Errorf("delete range: %w", err)
	}
	o := c.begin(write, "delete range from", start)
	for cursor, last := start, false; !last; {
		var resp *ordealpb.Response
		var to []byte
		err := o.run(func() *failure {
			e, f := o.locate(cursor)
			if f != nil {
				return f
			}
			to, last = clip(end, e.region.GetEndKey())
			del := &kvrpcpb.RawDeleteRangeRequest{Context: e.context(), StartKey: cursor, EndKey: to}
			resp, f = o.ask(e, &ordealpb.Request{Body: &ordealpb.Request_DeleteRange{DeleteRange: del}})
			return f
		})
		if err != nil && errors.Is(err, ErrNotExecuted) && !bytes.Equal(cursor, start) {
			return cursor, witnesses, fmt.Errorf("%w: only keys in front of %s were deleted: %v", ErrOutcomeUnknown,
				region.FormatKey(cursor), err)
		}
		if err != nil {
			return cursor, witnesses, err
		}
		witnesses = append(witnesses, resp.GetWitness())
		cursor, done = to, to
	}
	return done, witnesses, nil
}
