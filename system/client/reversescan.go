package client

import (
	"bytes"
	"fmt"

	"ordeal/proto/kvrpcpb"
	"ordeal/proto/ordealpb"
	"ordeal/system/region"
)

// ReverseScan reads up to limit pairs of [start, end) against the order of keys, beginning with the last in front of end.
// All else is as for Scan: one moment and one witness for each region, in the order of their reading.
func (c *Client) ReverseScan(start, end []byte, limit int) ([]*kvrpcpb.KvPair, []*ordealpb.Witness, error) {
	if err := checkScan(start, end, limit); err != nil {
		return nil, nil, fmt.Errorf("reverse scan: %w", err)
	}
	var pairs []*kvrpcpb.KvPair
	var witnesses []*ordealpb.Witness
	o := c.begin(read, "reverse scan to", start)
	for cursor := end; ; {
		p, err := o.reversePiece(start, cursor, min(limit-len(pairs), region.ScanLimitMax))
		if err != nil {
			return nil, nil, fmt.Errorf("%w (in the piece below %s)", err, region.FormatKey(cursor))
		}
		pairs = append(pairs, p.pairs...)
		witnesses = append(witnesses, p.witness)
		if p.last || len(pairs) >= limit {
			return pairs, witnesses, nil
		}
		cursor = p.next
	}
}

// reversePiece reads from end, which is exclusive, down to start or the border of the region that holds the keys in front
// of end, whichever comes first.
func (o *op) reversePiece(start, end []byte, limit int) (piece, error) {
	var p piece
	err := o.run(func() *failure {
		e, f := o.locate(before(end))
		if f != nil {
			return f
		}
		to, last := e.region.GetStartKey(), false
		if bytes.Compare(to, start) <= 0 {
			to, last = start, true
		}
		resp, f := o.ask(e, &ordealpb.Request{Body: &ordealpb.Request_Scan{Scan: &kvrpcpb.RawScanRequest{
			Context: o.context(e), StartKey: end, EndKey: to, Limit: uint32(limit), Reverse: true,
		}}})
		if f != nil {
			return f
		}
		p = piece{pairs: resp.GetScan().GetKvs(), witness: resp.GetWitness(), next: to, last: last}
		return nil
	})
	if err == nil && cutShort(p.pairs, limit) {
		// A key that is not in front of end is a store's mistake, and would have this scan run for ever.
		if least := p.pairs[len(p.pairs)-1].GetKey(); len(end) == 0 || bytes.Compare(least, end) < 0 {
			p.next, p.last = least, bytes.Compare(least, start) <= 0
		}
	}
	return p, err
}

// before returns the last key in front of end, for which an empty one is the end of the key space. There is such a key
// because keys have a longest size.
func before(end []byte) []byte {
	if len(end) == 0 {
		return bytes.Repeat([]byte{0xff}, region.MaxKeySize)
	}
	last := len(end) - 1
	if end[last] == 0 {
		return end[:last:last]
	}
	key := bytes.Repeat([]byte{0xff}, region.MaxKeySize)
	copy(key, end)
	key[last]--
	return key
}
