package client

import (
	"bytes"
	"fmt"

	"ordeal/proto/kvrpcpb"
	"ordeal/proto/ordealpb"
	"ordeal/system/region"
)

// Scan reads up to limit pairs of [start, end) in the order of keys; an empty start is the beginning of the key space
// and an empty end its end. limit must be 1 at least.
//
// The result is a sequence of pieces, each read from one region at one moment, in the order of their keys and of their
// reading; there is one witness for each. Between two pieces writes may happen, and regions may split or merge: a piece
// covers what it was asked for up to the end of its region at the epoch that the store accepted, and the next begins
// exactly there, whatever regions there are by then.
//
// What a store answers is handed on as it is, even if it is out of order or out of range: whoever checks the history
// should see it.
func (c *Client) Scan(start, end []byte, limit int) ([]*kvrpcpb.KvPair, []*ordealpb.Witness, error) {
	if err := checkScan(start, end, limit); err != nil {
		return nil, nil, fmt.Errorf("scan: %w", err)
	}
	var pairs []*kvrpcpb.KvPair
	var witnesses []*ordealpb.Witness
	o := c.begin(read, "scan from", start)
	for cursor := start; ; {
		p, err := o.scanPiece(cursor, end, min(limit-len(pairs), region.ScanLimitMax))
		if err != nil {
			return nil, nil, fmt.Errorf("%w (in the piece from %s)", err, region.FormatKey(cursor))
		}
		pairs = append(pairs, p.pairs...)
		witnesses = append(witnesses, p.witness)
		if p.last || len(pairs) >= limit {
			return pairs, witnesses, nil
		}
		cursor = p.next
	}
}

func checkScan(start, end []byte, limit int) error {
	if limit < 1 {
		return fmt.Errorf("%w: limit %d, want 1 at least", ErrInvalid, limit)
	}
	return invalid(region.CheckRange(start, end))
}

// piece is what one region answered.
type piece struct {
	pairs   []*kvrpcpb.KvPair
	witness *ordealpb.Witness
	// next is where the next piece begins; last says that there is none.
	next []byte
	last bool
}

// scanPiece reads from start up to end or the border of the region that holds start, whichever comes first.
func (o *op) scanPiece(start, end []byte, limit int) (piece, error) {
	var p piece
	err := o.run(func() *failure {
		e, f := o.locate(start)
		if f != nil {
			return f
		}
		// The store refuses an epoch that is not its own, so if it answers, the region is the one in e.
		to, last := clip(end, e.region.GetEndKey())
		resp, f := o.ask(e, &ordealpb.Request{Body: &ordealpb.Request_Scan{Scan: &kvrpcpb.RawScanRequest{
			Context: o.context(e), StartKey: start, EndKey: to, Limit: uint32(limit),
		}}})
		if f != nil {
			return f
		}
		p = piece{pairs: resp.GetScan().GetKvs(), witness: resp.GetWitness(), next: to, last: last}
		return nil
	})
	if err == nil && cutShort(p.pairs, limit) {
		// A key that is not in front of start is a store's mistake, and would have this scan run for ever.
		if after := append(bytes.Clone(p.pairs[len(p.pairs)-1].GetKey()), 0); bytes.Compare(after, start) > 0 {
			p.next, p.last = after, len(end) > 0 && bytes.Compare(after, end) >= 0
		}
	}
	return p, err
}

// clip returns the smaller of two ends of ranges, where an empty one is the end of the key space, and whether that is
// the end of the whole scan.
func clip(end, regionEnd []byte) (to []byte, last bool) {
	if len(regionEnd) == 0 || (len(end) > 0 && bytes.Compare(end, regionEnd) <= 0) {
		return end, true
	}
	return regionEnd, false
}

// cutShort reports whether the store may have stopped before the end of the piece, at one of its bounds.
func cutShort(pairs []*kvrpcpb.KvPair, limit int) bool {
	size := 0
	for _, p := range pairs {
		size += len(p.GetKey()) + len(p.GetValue())
	}
	return len(pairs) > 0 && (len(pairs) >= limit || size >= region.ScanBytesMax)
}
