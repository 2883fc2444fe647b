package store

import (
	"ordeal/proto/errorpb"
	"ordeal/proto/kvrpcpb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/wire"
	"ordeal/system/region"
	"ordeal/world"
)

// onRequest checks a client's call against what this store knows and starts it.
func (s *Store) onRequest(ev *world.Event) {
	body, bad := wire.UnmarshalRequest(ev.Payload)
	if bad != nil {
		// Nobody who speaks the protocol sends this; an empty response has no body and is a failure to its caller.
		s.out.Reply(ev.From, ev.Call, mustMarshal(&ordealpb.Response{}))
		return
	}
	ctx := contextOf(body)
	req := request{from: ev.From, call: ev.Call, body: body, replica: ctx.GetReplicaRead() && isRead(body)}
	p, err := s.locate(ctx)
	if err != nil {
		s.replyError(&req, p, err)
		return
	}
	if a := body.GetAdmin(); a != nil {
		s.onAdmin(p, req, a)
		return
	}
	if err := s.checkData(p, ctx, &req); err != nil {
		s.replyError(&req, p, err)
		return
	}
	req.version = p.region.GetRegionEpoch().GetVersion()
	if op := logged(body); op != nil {
		p.ops = append(p.ops, queuedOp{op: op, req: req})
		s.wake(p)
		return
	}
	s.startRead(p, req)
}

func contextOf(body *ordealpb.Request) *kvrpcpb.Context {
	switch b := body.GetBody().(type) {
	case *ordealpb.Request_Get:
		return b.Get.GetContext()
	case *ordealpb.Request_Put:
		return b.Put.GetContext()
	case *ordealpb.Request_Delete:
		return b.Delete.GetContext()
	case *ordealpb.Request_Cas:
		return b.Cas.GetContext()
	case *ordealpb.Request_Scan:
		return b.Scan.GetContext()
	case *ordealpb.Request_Admin:
		return b.Admin.GetContext()
	}
	return nil
}

// locate finds the peer that a request is for.
func (s *Store) locate(ctx *kvrpcpb.Context) (*peer, *errorpb.Error) {
	if id := ctx.GetPeer().GetStoreId(); id != s.cfg.StoreID {
		return nil, region.StoreNotMatch(id, s.cfg.StoreID)
	}
	p := s.peers[ctx.GetRegionId()]
	if heir := s.heir(ctx.GetRegionId()); p == nil && heir != nil {
		return nil, region.EpochNotMatch(heir.region)
	}
	if p == nil || !p.member() {
		return nil, region.RegionNotFound(ctx.GetRegionId())
	}
	if id := ctx.GetPeer().GetId(); id != p.meta.GetId() {
		return p, region.MismatchPeerID(id, p.meta.GetId())
	}
	return p, nil
}

// checkData checks what every data operation must satisfy before it is started: the right leader, unless any peer may
// answer, the right version of the range, a key within it, sizes within bounds, and room to wait.
func (s *Store) checkData(p *peer, ctx *kvrpcpb.Context, req *request) *errorpb.Error {
	if !p.group.IsLeader() && !req.replica {
		return region.NotLeader(p.region.GetId(), p.leader())
	}
	if reads := logged(req.body) == nil; reads && !p.takesReads() || !reads && !p.takesWrites() {
		return region.ProposalInMergingMode(p.region.GetId())
	}
	if !region.CheckEpoch(ctx.GetRegionEpoch(), p.region.GetRegionEpoch(), false, true) {
		return region.EpochNotMatch(p.region)
	}
	key, value := keyOf(req.body), valueOf(req.body)
	expect := req.body.GetCas().GetPreviousValue()
	if !region.Contains(p.region, key) {
		return region.KeyNotInRegion(key, p.region)
	}
	if len(key) > region.MaxKeySize || len(value) > region.MaxValueSize || len(expect) > region.MaxValueSize {
		return region.RaftEntryTooLarge(p.region.GetId(), uint64(len(key)+len(value)+len(expect)))
	}
	if len(p.pending)+len(p.ops)+len(p.reading) >= MaxPendingProposals {
		return region.ServerIsBusy("too many requests are waiting for the region's log")
	}
	return nil
}

func keyOf(body *ordealpb.Request) []byte {
	switch b := body.GetBody().(type) {
	case *ordealpb.Request_Get:
		return b.Get.GetKey()
	case *ordealpb.Request_Put:
		return b.Put.GetKey()
	case *ordealpb.Request_Delete:
		return b.Delete.GetKey()
	case *ordealpb.Request_Cas:
		return b.Cas.GetKey()
	case *ordealpb.Request_Scan:
		return b.Scan.GetStartKey()
	}
	return nil
}

func valueOf(body *ordealpb.Request) []byte {
	switch b := body.GetBody().(type) {
	case *ordealpb.Request_Put:
		return b.Put.GetValue()
	case *ordealpb.Request_Cas:
		return b.Cas.GetValue()
	}
	return nil
}

// logged returns the operation that a request puts into the log, or nil for a read.
func logged(body *ordealpb.Request) *ordealpb.Op {
	switch b := body.GetBody().(type) {
	case *ordealpb.Request_Put:
		return &ordealpb.Op{Kind: ordealpb.Op_PUT, Key: b.Put.GetKey(), Value: b.Put.GetValue()}
	case *ordealpb.Request_Delete:
		return &ordealpb.Op{Kind: ordealpb.Op_DELETE, Key: b.Delete.GetKey()}
	case *ordealpb.Request_Cas:
		op := &ordealpb.Op{
			Kind: ordealpb.Op_COMPARE_AND_SWAP, Key: b.Cas.GetKey(), Value: b.Cas.GetValue(),
			Expect: b.Cas.GetPreviousValue(), ExpectAbsent: b.Cas.GetPreviousNotExist(),
		}
		if b.Cas.GetDelete() {
			op.Kind, op.Value = ordealpb.Op_COMPARE_AND_DELETE, nil
		}
		return op
	}
	return nil
}

// isRead says whether a request leaves everything as it is and so may be answered by any peer.
func isRead(body *ordealpb.Request) bool { return body.GetGet() != nil || body.GetScan() != nil }

// witness says where in the region's log an answer was made.
func (s *Store) witness(p *peer) *ordealpb.Witness {
	return &ordealpb.Witness{
		RegionId: p.region.GetId(), RegionEpoch: p.region.GetRegionEpoch(), Term: p.applied.Term,
		ApplyIndex: p.applied.Index, StoreId: s.cfg.StoreID,
	}
}

func (s *Store) reply(req *request, resp *ordealpb.Response) {
	s.out.Reply(req.from, req.call, wire.MarshalResponse(resp))
}

// replyError answers a request of any kind with a region error.
func (s *Store) replyError(req *request, p *peer, err *errorpb.Error) {
	resp := &ordealpb.Response{}
	switch req.body.GetBody().(type) {
	case *ordealpb.Request_Get:
		resp.Body = &ordealpb.Response_Get{Get: &kvrpcpb.RawGetResponse{RegionError: err}}
	case *ordealpb.Request_Put:
		resp.Body = &ordealpb.Response_Put{Put: &kvrpcpb.RawPutResponse{RegionError: err}}
	case *ordealpb.Request_Delete:
		resp.Body = &ordealpb.Response_Delete{Delete: &kvrpcpb.RawDeleteResponse{RegionError: err}}
	case *ordealpb.Request_Cas:
		resp.Body = &ordealpb.Response_Cas{Cas: &kvrpcpb.RawCASResponse{RegionError: err}}
	case *ordealpb.Request_Scan:
		resp.Body = &ordealpb.Response_Scan{Scan: &kvrpcpb.RawScanResponse{RegionError: err}}
	case *ordealpb.Request_Admin:
		resp.Body = &ordealpb.Response_Admin{Admin: &ordealpb.AdminResponse{RegionError: err}}
	}
	if p != nil {
		resp.Witness = s.witness(p)
	}
	s.reply(req, resp)
}
