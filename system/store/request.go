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
		s.replyUnreadable(ev)
		return
	}
	ctx := contextOf(body)
	if id := ctx.GetRegionId(); s.cfg.shardOf(id) != s.shard {
		later := *ev
		s.forward(id, parcel{event: &later})
		return
	}
	if s.looksBeyond(body, ctx) {
		if later := *ev; s.putOff(parcel{event: &later}) {
			return
		}
	}
	req := request{from: ev.From, call: ev.Call, body: body, replica: ctx.GetReplicaRead() && isRead(body)}
	p, err := s.locate(ctx)
	if err != nil {
		s.replyError(&req, p, err)
		return
	}
	if body.GetAdmin() == nil {
		if err := check(body); err != nil {
			s.reply(&req, failure(body, nil, err.Error()))
			return
		}
		err = s.checkData(p, ctx, &req)
	}
	if err == nil {
		err = s.admit(p, &req, len(ev.Payload))
	}
	if err != nil {
		// A client that can't be helped here may have found nobody who can.
		s.doubt(p)
		s.replyError(&req, p, err)
		return
	}
	if a := body.GetAdmin(); a != nil {
		s.onAdmin(p, req, a)
		return
	}
	s.disturb(p)
	req.version = p.region.GetRegionEpoch().GetVersion()
	if op := logged(body); op != nil {
		if p.ops == nil {
			p.ops = make([]queuedOp, 0, p.opsRoom)
		}
		p.ops = append(p.ops, queuedOp{op: op, req: req})
		s.wake(p)
		return
	}
	s.startRead(p, req)
}

// looksBeyond says whether a request is for a region that ended here, or about to end: others of the store matter then.
func (s *Store) looksBeyond(body *ordealpb.Request, ctx *kvrpcpb.Context) bool {
	return body.GetAdmin().GetMerge() != nil || s.ended[ctx.GetRegionId()] != nil
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
// answer, the right version of the range, and keys within it.
func (s *Store) checkData(p *peer, ctx *kvrpcpb.Context, req *request) *errorpb.Error {
	if !p.group.IsLeader() && !req.replica {
		return region.NotLeader(p.region.GetId(), p.leader())
	}
	if reads := isRead(req.body); reads && !p.takesReads() || !reads && !p.takesWrites() {
		return region.ProposalInMergingMode(p.region.GetId())
	}
	if !region.CheckEpoch(ctx.GetRegionEpoch(), p.region.GetRegionEpoch(), false, true) {
		return region.EpochNotMatch(p.region)
	}
	if key, out := outside(p.region, req.body); out {
		return region.KeyNotInRegion(key, p.region)
	}
	return nil
}

// witness says where in the region's log an answer was made.
func (s *Store) witness(p *peer) *ordealpb.Witness {
	return &ordealpb.Witness{
		RegionId: p.region.GetId(), RegionEpoch: p.region.GetRegionEpoch(), Term: p.applied.Term,
		ApplyIndex: p.applied.Index, StoreId: s.cfg.StoreID,
	}
}

// replyUnreadable answers what nobody who speaks the protocol sends. An empty response has no body and is a failure to
// its caller.
func (s *Store) replyUnreadable(ev *world.Event) {
	s.out.Reply(ev.From, ev.Call, mustMarshal(&ordealpb.Response{}))
}

// reply answers a request, once and for all.
func (s *Store) reply(req *request, resp *ordealpb.Response) {
	req.settle()
	s.out.Reply(req.from, req.call, wire.MarshalResponse(resp))
}

// replyError answers a request of any kind with a region error.
func (s *Store) replyError(req *request, p *peer, err *errorpb.Error) {
	resp := failure(req.body, err, "")
	if p != nil {
		resp.Witness = s.witness(p)
	}
	s.reply(req, resp)
}
