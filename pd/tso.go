package pd

import (
	"time"

	"ordeal/proto/pdpb"
	"ordeal/world"
)

const (
	// logicalBits is how many timestamps there are for each millisecond, as in TiKV: what a client packs into 64 bits has
	// room for no more.
	logicalBits = 18
	logicalMax  = 1<<logicalBits - 1
	// tsoCountMax is the most timestamps that one request is given.
	tsoCountMax = 1 << 16
	// tsoBatchMS is for how many milliseconds of timestamps one entry is made. A new leader skips what is left.
	tsoBatchMS = 3000
)

// oracle gives timestamps that only rise, whatever clocks and crashes do. It follows the clock as long as that goes forward,
// and goes ahead of it by a millisecond when one is used up. As with ids, those up to bound are reserved in the log, and none is
// said before the bound above it is committed. That none is said by a leader whose successor has already said a higher
// one is the outbox's business as well: a quorum confirms each of its turns.
type oracle struct {
	// physical and logical are of the last timestamp that was given. Milliseconds.
	physical, logical int64
	bound             int64
}

// resume goes on above everything that an earlier leader may have given.
func (o *oracle) resume(bound int64) {
	o.bound = bound
	o.physical, o.logical = bound, logicalMax
}

// take gives n timestamps in a row, 1 <= n <= tsoCountMax, all of one millisecond, and returns the last one. save is called
// with a new bound if the old one is too low.
func (o *oracle) take(n int64, now world.Time, save func(bound int64)) (physical, logical int64) {
	ms := int64(time.Duration(now) / time.Millisecond)
	if ms > o.physical {
		o.physical, o.logical = ms, 0
	}
	if o.logical+n > logicalMax {
		o.physical, o.logical = o.physical+1, 0
	}
	o.logical += n
	passed := o.physical > o.bound
	// gofail: var bugTSOBack struct{}
	// passed = ms > o.bound

	if passed {
		o.bound = o.physical + tsoBatchMS
		save(o.bound)
	}
	return o.physical, o.logical
}

func (m *Member) tso(req *pdpb.TsoRequest) (*pdpb.TsoResponse, error) {
	n := max(req.GetCount(), 1)
	if n > tsoCountMax {
		return nil, refuse(pdpb.ErrorType_INVALID_VALUE, "asked for %d timestamps, at most %d are given at a time", n, tsoCountMax)
	}
	physical, logical := m.clock.take(int64(n), m.now, m.saveTSO)
	return &pdpb.TsoResponse{Count: n, Timestamp: &pdpb.Timestamp{Physical: physical, Logical: logical}}, nil
}
