package clienttest

import (
	"bytes"
	"fmt"

	"ordeal/proto/errorpb"
	"ordeal/proto/kvrpcpb"
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/system/region"
	"ordeal/world"
)

// serve answers a request, at the moment at which it takes effect.
func (c *Cluster) serve(to world.Addr, request []byte) []byte {
	if to == PDAddr {
		req := &ordealpb.PDRequest{}
		unmarshal(request, req)
		return marshal(c.servePD(req))
	}
	req := &ordealpb.Request{}
	unmarshal(request, req)
	return marshal(c.serveStore(to, req))
}

func (c *Cluster) servePD(req *ordealpb.PDRequest) *ordealpb.PDResponse {
	resp := &ordealpb.PDResponse{Id: req.GetId()}
	switch b := req.GetBody().(type) {
	case *ordealpb.PDRequest_GetRegion:
		g := c.known[find(c.known, b.GetRegion.GetRegionKey())]
		resp.Body = &ordealpb.PDResponse_GetRegion{GetRegion: &pdpb.GetRegionResponse{Region: g.meta, Leader: g.leader}}
	case *ordealpb.PDRequest_GetStore:
		got := &pdpb.GetStoreResponse{Store: c.store(b.GetStore.GetStoreId())}
		if got.Store == nil {
			got.Header = &pdpb.ResponseHeader{Error: &pdpb.Error{Type: pdpb.ErrorType_UNKNOWN, Message: "no such store"}}
		}
		resp.Body = &ordealpb.PDResponse_GetStore{GetStore: got}
	case *ordealpb.PDRequest_GetAllStores:
		all := &pdpb.GetAllStoresResponse{}
		for s := range c.stores {
			all.Stores = append(all.Stores, c.store(uint64(s+1)))
		}
		resp.Body = &ordealpb.PDResponse_GetAllStores{GetAllStores: all}
	case *ordealpb.PDRequest_AllocId:
		resp.Body = &ordealpb.PDResponse_AllocId{AllocId: &pdpb.AllocIDResponse{Id: c.id(), Count: 1}}
	case *ordealpb.PDRequest_ScanRegions:
		scan := &pdpb.ScanRegionsResponse{}
		for _, g := range c.known {
			scan.Regions = append(scan.Regions, &pdpb.Region{Region: g.meta, Leader: g.leader})
		}
		resp.Body = &ordealpb.PDResponse_ScanRegions{ScanRegions: scan}
	default:
		panic(fmt.Sprintf("clienttest: no such question to the placement driver: %T", b))
	}
	return resp
}

func (c *Cluster) store(id uint64) *metapb.Store {
	if id < 1 || id > uint64(c.stores) {
		return nil
	}
	return &metapb.Store{Id: id, Address: world.Addr{Node: world.NodeID(id)}.String()}
}

func (c *Cluster) serveStore(to world.Addr, req *ordealpb.Request) *ordealpb.Response {
	resp := &ordealpb.Response{}
	switch b := req.GetBody().(type) {
	case *ordealpb.Request_Get:
		r := &kvrpcpb.RawGetResponse{}
		resp.Body = &ordealpb.Response_Get{Get: r}
		key := b.Get.GetKey()
		r.RegionError = c.with(to, b.Get.GetContext(), key, resp, false, func(g *group) {
			value, ok := g.data.Get(string(key))
			r.Value, r.NotFound = value, !ok
		})
	case *ordealpb.Request_Put:
		r := &kvrpcpb.RawPutResponse{}
		resp.Body = &ordealpb.Response_Put{Put: r}
		r.RegionError = c.with(to, b.Put.GetContext(), b.Put.GetKey(), resp, true, func(g *group) {
			c.put(g, b.Put.GetKey(), b.Put.GetValue())
		})
	case *ordealpb.Request_Delete:
		r := &kvrpcpb.RawDeleteResponse{}
		resp.Body = &ordealpb.Response_Delete{Delete: r}
		r.RegionError = c.with(to, b.Delete.GetContext(), b.Delete.GetKey(), resp, true, func(g *group) {
			g.data.Delete(string(b.Delete.GetKey()))
		})
	case *ordealpb.Request_Cas:
		r := &kvrpcpb.RawCASResponse{}
		resp.Body = &ordealpb.Response_Cas{Cas: r}
		r.RegionError = c.with(to, b.Cas.GetContext(), b.Cas.GetKey(), resp, true, func(g *group) {
			c.compare(g, b.Cas, r)
		})
	case *ordealpb.Request_Scan:
		r := &kvrpcpb.RawScanResponse{}
		resp.Body = &ordealpb.Response_Scan{Scan: r}
		r.RegionError = c.with(to, b.Scan.GetContext(), firstOf(b.Scan), resp, false, func(g *group) {
			r.Kvs = scan(g, b.Scan)
		})
	case *ordealpb.Request_BatchGet, *ordealpb.Request_BatchPut, *ordealpb.Request_DeleteRange:
		c.serveMany(to, req, resp)
	case *ordealpb.Request_Admin:
		resp.Body = &ordealpb.Response_Admin{Admin: c.serveAdmin(to, b.Admin, resp)}
	default:
		panic(fmt.Sprintf("clienttest: no such request: %T", b))
	}
	return resp
}

func (c *Cluster) put(g *group, key, value []byte) {
	g.data.Set(string(key), value)
	c.Applied[string(value)]++
}

func (c *Cluster) compare(g *group, req *kvrpcpb.RawCASRequest, r *kvrpcpb.RawCASResponse) {
	value, ok := g.data.Get(string(req.GetKey()))
	r.PreviousValue, r.PreviousNotExist = value, !ok
	r.Succeed = ok != req.GetPreviousNotExist() && (!ok || bytes.Equal(value, req.GetPreviousValue()))
	switch {
	case !r.Succeed:
	case req.GetDelete():
		g.data.Delete(string(req.GetKey()))
	default:
		c.put(g, req.GetKey(), req.GetValue())
	}
}

// with does something to the region that the context names, if this is the time and the place for it.
func (c *Cluster) with(to world.Addr, ctx *kvrpcpb.Context, key []byte, resp *ordealpb.Response, writes bool, do func(*group)) *errorpb.Error {
	g, refusal := c.check(to, ctx, key, writes)
	switch {
	case refusal != nil:
		return refusal
	case c.chance(c.Faults.Busy):
		return region.ServerIsBusy("test")
	case writes && c.chance(c.Faults.Undetermined):
		if c.chance(0.5) {
			do(g)
		}
		return region.UndeterminedResult("test")
	case writes && c.chance(c.Faults.Forget):
		if cas := resp.GetCas(); cas != nil {
			cas.Succeed = true
		}
		return nil
	}
	do(g)
	g.index++
	resp.Witness = &ordealpb.Witness{
		RegionId: g.meta.GetId(), RegionEpoch: g.meta.GetRegionEpoch(), Term: 1, ApplyIndex: g.index,
		StoreId: uint64(to.Node),
	}
	return nil
}

// check refuses as a store does.
func (c *Cluster) check(to world.Addr, ctx *kvrpcpb.Context, key []byte, writes bool) (*group, *errorpb.Error) {
	store := uint64(to.Node)
	if ctx.GetPeer().GetStoreId() != store {
		return nil, region.StoreNotMatch(ctx.GetPeer().GetStoreId(), store)
	}
	for i, g := range c.regions {
		if g.meta.GetId() != ctx.GetRegionId() {
			continue
		}
		peer := region.FindPeer(g.meta, store)
		switch {
		case peer == nil:
			return nil, region.RegionNotFound(ctx.GetRegionId())
		case peer.GetId() != ctx.GetPeer().GetId():
			return nil, region.MismatchPeerID(ctx.GetPeer().GetId(), peer.GetId())
		case ctx.GetReplicaRead() && !writes && c.chance(0.1):
			return nil, region.ReadIndexNotReady(ctx.GetRegionId(), "test")
		case peer.GetId() != g.leader.GetId() && (writes || !ctx.GetReplicaRead()):
			if c.chance(0.3) {
				return nil, region.NotLeader(ctx.GetRegionId(), nil)
			}
			return nil, region.NotLeader(ctx.GetRegionId(), g.leader)
		case !region.CheckEpoch(ctx.GetRegionEpoch(), g.meta.GetRegionEpoch(), false, true):
			current := []*metapb.Region{g.meta}
			if i+1 < len(c.regions) && c.chance(0.5) {
				current = append(current, c.regions[i+1].meta)
			}
			return nil, region.EpochNotMatch(current...)
		case !region.Contains(g.meta, key):
			return nil, region.KeyNotInRegion(key, g.meta)
		}
		return g, nil
	}
	return nil, region.RegionNotFound(ctx.GetRegionId())
}

func (c *Cluster) serveAdmin(to world.Addr, req *ordealpb.AdminRequest, resp *ordealpb.Response) *ordealpb.AdminResponse {
	r := &ordealpb.AdminResponse{}
	start := c.startOf(req.GetContext().GetRegionId())
	switch b := req.GetBody().(type) {
	case *ordealpb.AdminRequest_Split:
		keys := b.Split.GetSplitKeys()
		last := keys[len(keys)-1]
		r.RegionError = c.with(to, req.GetContext(), last, resp, true, func(g *group) {
			for _, k := range keys {
				c.Split(k)
			}
			for i := c.at(g.meta.GetStartKey()); i <= c.at(last); i++ {
				r.Regions = append(r.Regions, c.regions[i].meta)
			}
		})
	case *ordealpb.AdminRequest_ChangePeer:
		r.RegionError = c.with(to, req.GetContext(), start, resp, true, func(g *group) {
			g.change(&ordealpb.ChangePeerV2Request{Changes: []*ordealpb.ChangePeerRequest{b.ChangePeer}})
			r.Regions = []*metapb.Region{g.meta}
		})
	case *ordealpb.AdminRequest_ChangePeerV2:
		r.RegionError = c.with(to, req.GetContext(), start, resp, true, func(g *group) {
			g.change(b.ChangePeerV2)
			r.Regions = []*metapb.Region{g.meta}
		})
	case *ordealpb.AdminRequest_TransferLeader:
		r.RegionError = c.with(to, req.GetContext(), start, resp, true, func(g *group) {
			g.leader = region.FindPeer(g.meta, b.TransferLeader.GetPeer().GetStoreId())
		})
	case *ordealpb.AdminRequest_Merge:
		r.RegionError = c.with(to, req.GetContext(), start, resp, true, func(*group) { c.Merge(start) })
	case *ordealpb.AdminRequest_Status:
		r.RegionError = c.with(to, req.GetContext(), start, resp, false, func(g *group) {
			r.Regions = []*metapb.Region{g.meta}
			r.Status = &ordealpb.RegionStatus{Leader: g.leader, Term: 1, AppliedIndex: g.index}
		})
	default:
		panic(fmt.Sprintf("clienttest: no such admin request: %T", b))
	}
	return r
}

// change adds and removes peers. A joint configuration is left at once: roles stay out of the model but for learners.
func (g *group) change(c *ordealpb.ChangePeerV2Request) {
	g.meta = region.Clone(g.meta)
	for _, one := range c.GetChanges() {
		region.RemovePeer(g.meta, one.GetPeer().GetStoreId())
		m := &metapb.Peer{Id: one.GetPeer().GetId(), StoreId: one.GetPeer().GetStoreId()}
		switch one.GetChangeType() {
		case pdpb.ConfChangeType_RemoveNode:
			continue
		case pdpb.ConfChangeType_AddLearnerNode:
			m.Role = metapb.PeerRole_Learner
		}
		g.meta.Peers = append(g.meta.Peers, m)
	}
	g.meta.RegionEpoch.ConfVer += max(1, uint64(len(c.GetChanges())))
}

// startOf returns the first key of a region, or an empty one if there is no such region.
func (c *Cluster) startOf(id uint64) []byte {
	for _, g := range c.regions {
		if g.meta.GetId() == id {
			return g.meta.GetStartKey()
		}
	}
	return nil
}
