// Package region has the values that everything in a multi-raft store talks about: key ranges, epochs, peers, and the
// errors with which a region refuses a request.
//
// A region is a range of keys [start, end) replicated by one Raft group. An empty start is the beginning of the key
// space and an empty end its end, so the empty key belongs to the first region. The epoch says which incarnation of the
// region one means: version rises whenever the range changes, conf_ver whenever the members do. Somebody who holds an
// older epoch may be asking the wrong replicas for the wrong keys, and must be refused rather than served.
//
// The package only reads and builds protocol messages. Functions that modify their argument say so.
package region

import (
	"bytes"

	"ordeal/proto/metapb"
)

// InRange reports whether key lies in [start, end). An empty end is the end of the key space.
func InRange(key, start, end []byte) bool {
	return bytes.Compare(key, start) >= 0 && (len(end) == 0 || bytes.Compare(key, end) < 0)
}

// Contains reports whether r's range contains key.
func Contains(r *metapb.Region, key []byte) bool {
	return InRange(key, r.GetStartKey(), r.GetEndKey())
}

// EndsIn reports whether a range of keys that ends at end, which is exclusive, has its last keys in r.
func EndsIn(r *metapb.Region, end []byte) bool {
	if len(end) == 0 {
		return len(r.GetEndKey()) == 0
	}
	return bytes.Compare(end, r.GetStartKey()) > 0 && (len(r.GetEndKey()) == 0 || bytes.Compare(end, r.GetEndKey()) <= 0)
}

// Overlaps reports whether [aStart, aEnd) and [bStart, bEnd) have a key in common. Ranges that only touch do not.
func Overlaps(aStart, aEnd, bStart, bEnd []byte) bool {
	return beforeEnd(aStart, bEnd) && beforeEnd(bStart, aEnd)
}

// beforeEnd compares a start key, where empty is the lowest, with an end key, where empty is above all.
func beforeEnd(start, end []byte) bool {
	return len(end) == 0 || bytes.Compare(start, end) < 0
}
