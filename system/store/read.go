package store

import (
	"fmt"

	"ordeal/proto/errorpb"
	"ordeal/proto/kvrpcpb"
	"ordeal/proto/ordealpb"
	"ordeal/raft"
	"ordeal/system/engine"
	"ordeal/system/region"
)

// startRead asks the group for an index as of which the read may be answered: it confirms that its peer still leads, or
// asks whoever does. The read is answered from the engine, at the end of the turn in which it is confirmed and everything
// up to that index is applied.
func (s *Store) startRead(p *peer, req request) {
	// gofail: var bugStaleRead struct{}
	// p.ready = append(p.ready, req)
	// s.readers = append(s.readers, p)
	// return

	// gofail: var bugFollowerRead struct{}
	// if !p.group.IsLeader() {
	// 	p.ready = append(p.ready, req)
	// 	s.readers = append(s.readers, p)
	// 	return
	// }

	// gofail: var bugLiveScan struct{}
	// if scan := req.body.GetScan(); scan != nil {
	// 	req.early, _ = s.scan(p, scan)
	// }

	// gofail: var errorRead struct{}
	// if s.at("errorRead", p.region.GetId()) {
	//	s.replyError(&req, p, region.ServerIsBusy("a failpoint refuses reads"))
	//	return
	// }

	// No later read is as of an earlier index.
	if !p.group.IsLeader() && (p.applied.Index < p.behind || s.incomingOf(p.region.GetId()) != nil) {
		s.replyError(&req, p, region.ReadIndexNotReady(p.region.GetId(), "this replica is far behind"))
		return
	}
	s.nextToken++
	if err := p.group.Read(s.nextToken, req.replica); err != nil {
		s.replyError(&req, p, s.groupError(p, err))
		return
	}
	if p.reading == nil {
		p.reading = map[uint64]request{}
	}
	p.reading[s.nextToken] = req
	s.wake(p)
}

// confirmedRead is a read that waits for this peer to apply what it is as of, since a tick.
type confirmedRead struct {
	raft.ConfirmedRead
	since uint64
}

// expireReads refuses what has waited for an election timeout for this peer to catch up: it may be far behind, and what
// waits takes room in the shard that other regions need. Others of the region may answer. What comes until the peer is as far
// as it was to be is refused at once.
func (s *Store) expireReads(p *peer) {
	late := 0
	for late < len(p.confirmed) && s.ticks-p.confirmed[late].since >= uint64(s.cfg.ElectionTicks) {
		late++
	}
	if late == 0 {
		return
	}
	var tokens []uint64
	for _, c := range p.confirmed[:late] {
		tokens = append(tokens, c.Token)
		p.behind = max(p.behind, c.Index)
	}
	p.confirmed = p.confirmed[late:]
	s.failReads(p, tokens, region.ReadIndexNotReady(p.region.GetId(), "this replica is behind"))
}

// readable moves confirmed reads whose index is applied to the end of the turn.
func (s *Store) readable(p *peer) {
	rest := p.confirmed[:0]
	for _, c := range p.confirmed {
		if c.Index > p.applied.Index {
			rest = append(rest, c)
			continue
		}
		p.ready = append(p.ready, p.reading[c.Token])
		delete(p.reading, c.Token)
	}
	p.confirmed = rest
	if len(p.ready) > 0 {
		s.readers = append(s.readers, p)
	}
}

// answerReads answers what became readable in this turn, after its batch is committed.
func (s *Store) answerReads() {
	for _, p := range s.readers {
		for i := range p.ready {
			s.answerRead(p, &p.ready[i])
		}
		p.ready = nil
	}
	s.readers = s.readers[:0]
}

func (s *Store) answerRead(p *peer, req *request) {
	if p.dead || !p.member() {
		s.replyError(req, nil, region.RegionNotFound(p.region.GetId()))
		return
	}
	if !p.takesReads() {
		s.replyError(req, p, region.ProposalInMergingMode(p.region.GetId()))
		return
	}
	// The range may have changed since the request was checked.
	changed := req.version != p.region.GetRegionEpoch().GetVersion()
	// gofail: var bugReadAfterSplit struct{}
	// changed = false

	if changed {
		s.came(p, stateReadRefused)
		s.replyError(req, p, region.EpochNotMatch(p.region))
		return
	}
	resp, err := s.readNow(p, req.body)
	// gofail: var bugCorruptIsAbsent struct{}
	// err = nil

	if err != nil && !s.readFailed(p, err) {
		s.replyError(req, p, region.ServerIsBusy("a damaged block of other data is in the way"))
		return
	}
	if err != nil {
		s.replyError(req, nil, region.RegionNotFound(p.region.GetId()))
		return
	}
	// gofail: var bugLiveScanRest struct{}
	// if late := resp.GetScan().GetKvs(); len(late) > 1 && len(late) == len(req.early) {
	// 	copy(late, req.early[:len(late)/2])
	// }

	p.traffic.read(resp)
	resp.Witness = s.witness(p)
	s.reply(req, resp)
}

// readNow answers a read from what is committed on this store, or returns an error if that can't be trusted.
func (s *Store) readNow(p *peer, body *ordealpb.Request) (*ordealpb.Response, error) {
	switch b := body.GetBody().(type) {
	case *ordealpb.Request_Get:
		v, ok, err := s.eng.Read(engine.DataKey(b.Get.GetKey()))
		return &ordealpb.Response{Body: &ordealpb.Response_Get{Get: &kvrpcpb.RawGetResponse{Value: v, NotFound: !ok}}}, err
	case *ordealpb.Request_BatchGet:
		pairs, wrong, err := s.batchGet(b.BatchGet.GetKeys())
		if wrong != "" {
			return failure(body, nil, wrong), err
		}
		return &ordealpb.Response{Body: &ordealpb.Response_BatchGet{BatchGet: &kvrpcpb.RawBatchGetResponse{Pairs: pairs}}}, err
	}
	kvs, err := s.scan(p, body.GetScan())
	return &ordealpb.Response{Body: &ordealpb.Response_Scan{Scan: &kvrpcpb.RawScanResponse{Kvs: kvs}}}, err
}

// batchGet reads keys as of one moment and returns those that are there, or what is wrong with the request.
func (s *Store) batchGet(keys [][]byte) (pairs []*kvrpcpb.KvPair, wrong string, err error) {
	stored := make([][]byte, len(keys))
	for i, k := range keys {
		stored[i] = engine.DataKey(k)
	}
	size := 0
	err = s.eng.ReadMany(stored, func(i int, v []byte, ok bool) bool {
		if !ok {
			return true
		}
		if size += len(keys[i]) + len(v); size > region.BatchBytesMax {
			wrong = fmt.Sprintf("the pairs of the batch have more than %d B: ask for fewer keys", region.BatchBytesMax)
			return false
		}
		pairs = append(pairs, &kvrpcpb.KvPair{Key: keys[i], Value: append([]byte(nil), v...)})
		return true
	})
	return pairs, wrong, err
}

// scan reads the part of the requested range that lies in the region, as of one moment.
func (s *Store) scan(p *peer, req *kvrpcpb.RawScanRequest) ([]*kvrpcpb.KvPair, error) {
	limit := min(int(req.GetLimit()), region.ScanLimitMax)
	size := 0
	var kvs []*kvrpcpb.KvPair
	take := func(k, v []byte) bool {
		if len(kvs) >= limit || size >= region.ScanBytesMax {
			return false
		}
		if req.GetKeyOnly() {
			v = nil
		}
		size += len(engine.UserKey(k)) + len(v)
		kvs = append(kvs, &kvrpcpb.KvPair{Key: append([]byte(nil), engine.UserKey(k)...), Value: append([]byte(nil), v...)})
		return true
	}
	start, end := req.GetStartKey(), req.GetEndKey()
	if req.GetReverse() {
		start, end = maxKey(end, p.region.GetStartKey()), start
	}
	lo, hi := engine.DataRange(start, clipEnd(end, p.region.GetEndKey()))
	walk := s.eng.ReadRange
	if req.GetReverse() {
		walk = s.eng.ReverseReadRange
	}
	// The pairs are there only once the walk is over.
	err := walk(lo, hi, take)
	return kvs, err
}

// dropReads answers reads that wait for confirmation or, confirmed, for entries with err: they had no effect and may be
// tried again elsewhere. Unless all are to go, those that any peer may answer stay.
func (s *Store) dropReads(p *peer, all bool, err *errorpb.Error) {
	tokens := p.group.DropReads(all)
	rest := p.confirmed[:0]
	for _, c := range p.confirmed {
		if req := p.reading[c.Token]; req.replica && !all {
			rest = append(rest, c)
		} else {
			tokens = append(tokens, c.Token)
		}
	}
	p.confirmed = rest
	s.failReads(p, tokens, err)
}

func (s *Store) failReads(p *peer, tokens []uint64, err *errorpb.Error) {
	for _, t := range tokens {
		req := p.reading[t]
		delete(p.reading, t)
		s.replyError(&req, p, err)
	}
}

// groupError translates an error of the group for a client. Nothing was started.
func (s *Store) groupError(p *peer, err error) *errorpb.Error {
	if err == raft.ErrNotLeader {
		return region.NotLeader(p.region.GetId(), p.leader())
	}
	return region.ServerIsBusy(err.Error())
}
