package store

import (
	"time"

	"ordeal/proto/errorpb"
	"ordeal/proto/wire"
	"ordeal/system/region"
	"ordeal/world"
)

// Bounds of one region.
const (
	MaxWaiting      = 8192     // client calls waiting at one region
	MaxWaitingBytes = 32 << 20 // bytes that they are charged with
	MaxOthers       = 64       // peers that talk to one of ours and are not in its region
)

// load is what waits for an answer, at one region or in one shard.
type load struct {
	requests int
	bytes    uint64
}

// Load is what waits in a shard of a store, beside what may wait there at most; see Listener.Load.
type Load struct {
	// Requests are client calls that are not answered, and Bytes what they are charged with.
	Requests, RequestsMax uint64
	Bytes, BytesMax       uint64
	// Barriers are turns whose batch is not known to be durable.
	Barriers, BarriersMax uint64
	// PDCalls are questions to PD that are not answered, Votes the vote requests kept for splits.
	PDCalls, PDCallsMax uint64
	Votes, VotesMax     uint64
}

// Bytes that a request is charged with beyond its own: for what is kept with it, and for what a scan or a batch of reads may return.
const (
	requestOverhead = 256
	scanCost        = 256 << 10
)

// backoff is how long a client that is refused for want of room is told to leave the region alone, or the store.
const (
	regionBackoff = 10 * time.Millisecond
	storeBackoff  = 20 * time.Millisecond
)

// admit takes a request of so many bytes in, to be answered later, if there is room for it at its region and in the shard.
// Writes and reads are counted alike: both hold memory until they are answered.
func (s *Store) admit(p *peer, req *request, size int) *errorpb.Error {
	cost := uint64(size) + requestOverhead
	if req.body.GetScan() != nil || req.body.GetBatchGet() != nil {
		cost += scanCost
	}
	if s.low && grows(req.body) {
		s.came(p, stateDiskLow)
		return region.BusyFor("its disk is nearly full", regionBackoff)
	}
	err := s.overload(p, cost)
	// gofail: var bugNoFlowControl struct{}
	// err = nil

	if err != nil {
		s.came(p, stateBusy)
		return err
	}
	req.waits = [2]*load{&p.load, &s.load}
	req.cost = cost
	for _, l := range req.waits {
		l.requests++
		l.bytes += cost
	}
	return nil
}

// overload refuses what would be too much, with a hint when to come again.
func (s *Store) overload(p *peer, cost uint64) *errorpb.Error {
	switch {
	case p.load.requests >= MaxWaiting || p.load.bytes+cost > MaxWaitingBytes:
		return region.BusyFor("too many requests are waiting for the region", regionBackoff)
	case s.load.requests >= s.cfg.WaitingMax || s.load.bytes+cost > s.cfg.WaitingBytesMax:
		return region.BusyFor("too many requests are waiting in the store", storeBackoff)
	}
	return nil
}

// settle gives back the room of a request that is being answered, if it took any.
func (req *request) settle() {
	if req.waits[0] == nil {
		return
	}
	for _, l := range req.waits {
		l.requests--
		l.bytes -= req.cost
	}
	req.waits = [2]*load{}
}

// deaf says whether the disk is so far behind that the store takes nothing in any more but what the disk says. Everything
// else would only wait for it, and nobody could be answered. Messages are lost as by a network, clients are told.
func (s *Store) deaf() bool { return len(s.barriers) >= s.cfg.BarriersMax }

// ignore handles an event of a store that is deaf.
func (s *Store) ignore(ev *world.Event) {
	s.reached(stateDeaf, 0, 0)
	switch ev.Kind {
	case world.EventRequest:
		body, err := wire.UnmarshalRequest(ev.Payload)
		if err != nil {
			s.replyUnreadable(ev)
			return
		}
		s.replyError(&request{from: ev.From, call: ev.Call, body: body}, nil, region.BusyFor("the disk is behind", storeBackoff))
	case world.EventTimer:
		s.out.After(s.cfg.TickInterval, tokenTick)
	}
}

// tellLoad shows the listener what waits.
func (s *Store) tellLoad() {
	if f := s.cfg.Listener.Load; f != nil {
		f(s.cfg.StoreID, s.shard, Load{
			Requests: uint64(s.load.requests), RequestsMax: uint64(s.cfg.WaitingMax),
			Bytes: s.load.bytes, BytesMax: s.cfg.WaitingBytesMax,
			Barriers: uint64(len(s.barriers)), BarriersMax: uint64(s.cfg.BarriersMax),
			PDCalls: uint64(len(s.pd.calls)), PDCallsMax: MaxPDCalls,
			Votes: uint64(len(s.votes)), VotesMax: MaxPendingVotes,
		})
	}
}
