package store

import (
	"time"

	"ordeal/proto/kvrpcpb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
)

// traffic is what clients did with a region, as its leader counts it and tells PD. PD divides by time in whole seconds, so
// that what is told is of the last whole interval, and the same for as long as the next one lasts.
type traffic struct {
	// now counts since the tick since; 0 is before the first.
	now   flow
	since uint64
	// told was counted between two moments, in seconds of this store's life.
	told     flow
	from, to uint64
}

// flow is keys, and bytes of keys and values.
type flow struct{ readBytes, readKeys, writtenBytes, writtenKeys uint64 }

// wrote counts an operation that had an effect.
func (t *traffic) wrote(op *ordealpb.Op) {
	t.now.writtenBytes += uint64(opSize(op))
	t.now.writtenKeys += max(uint64(len(op.GetPairs())), 1)
}

// read counts what was answered to a read. A key that is not there counts as well.
func (t *traffic) read(resp *ordealpb.Response) {
	pairs := func(kvs []*kvrpcpb.KvPair) {
		for _, kv := range kvs {
			t.now.readBytes += uint64(len(kv.GetKey()) + len(kv.GetValue()))
			t.now.readKeys++
		}
	}
	switch b := resp.GetBody().(type) {
	case *ordealpb.Response_Get:
		t.now.readBytes += uint64(len(b.Get.GetValue()))
		t.now.readKeys++
	case *ordealpb.Response_BatchGet:
		pairs(b.BatchGet.GetPairs())
	case *ordealpb.Response_Scan:
		pairs(b.Scan.GetKvs())
	}
}

// seconds is how long this store has lived at a tick.
func (s *Store) seconds(tick uint64) uint64 {
	return uint64(time.Duration(tick) * s.cfg.TickInterval / time.Second)
}

// tellTraffic puts what is known of p's traffic into a heartbeat: nothing of a region that sleeps, since nobody uses it.
func (s *Store) tellTraffic(p *peer, hb *pdpb.RegionHeartbeatRequest) {
	t := &p.traffic
	if p.rest.asleep {
		*t = traffic{}
		return
	}
	if t.since == 0 {
		*t = traffic{since: s.ticks}
		return
	}
	from, to := s.seconds(t.since), s.seconds(s.ticks)
	if time.Duration(to-from)*time.Second >= s.cfg.TrafficInterval {
		*t = traffic{since: s.ticks, told: t.now, from: from, to: to}
	}
	if t.to == 0 {
		return
	}
	hb.BytesRead, hb.KeysRead, hb.BytesWritten, hb.KeysWritten = t.told.readBytes, t.told.readKeys, t.told.writtenBytes, t.told.writtenKeys
	hb.Interval = &pdpb.TimeInterval{StartTimestamp: t.from, EndTimestamp: t.to}
}
