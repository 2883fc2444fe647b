package client

import (
	"fmt"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/system/region"
	"ordeal/world"
)

// LocateRegion asks the placement driver, not the cache, for the region that holds key and for its leader, which is nil
// if the driver does not know it. The answer may be out of date.
func (c *Client) LocateRegion(key []byte) (*metapb.Region, *metapb.Peer, error) {
	var got *pdpb.GetRegionResponse
	o := c.begin(read, "locate", key)
	err := o.run(func() (f *failure) {
		got, f = o.getRegion(key)
		return f
	})
	return got.GetRegion(), got.GetLeader(), err
}

// Regions returns all regions in the order of their keys, as the placement driver sees them.
func (c *Client) Regions() ([]*pdpb.Region, error) {
	req := &ordealpb.PDRequest{Body: &ordealpb.PDRequest_ScanRegions{ScanRegions: &pdpb.ScanRegionsRequest{}}}
	resp, err := askPD(c, "list regions", req, (*ordealpb.PDResponse).GetScanRegions)
	return resp.GetRegions(), err
}

// Stores returns all stores that the placement driver knows.
func (c *Client) Stores() ([]*metapb.Store, error) {
	req := &ordealpb.PDRequest{Body: &ordealpb.PDRequest_GetAllStores{GetAllStores: &pdpb.GetAllStoresRequest{}}}
	resp, err := askPD(c, "list stores", req, (*ordealpb.PDResponse).GetGetAllStores)
	return resp.GetStores(), err
}

// AllocID returns an id that the placement driver has given to nobody else. It is asked again if an answer is lost:
// ids are not used up by that.
func (c *Client) AllocID() (uint64, error) {
	req := &ordealpb.PDRequest{Body: &ordealpb.PDRequest_AllocId{AllocId: &pdpb.AllocIDRequest{Count: 1}}}
	resp, err := askPD(c, "allocate an id", req, (*ordealpb.PDResponse).GetAllocId)
	return resp.GetId(), err
}

// Drivers returns the ids of the placement driver's members and of the one that leads, 0 if the one that was asked knows of
// none. Every member answers this.
func (c *Client) Drivers() (members []uint64, leader uint64, err error) {
	req := &ordealpb.PDRequest{Body: &ordealpb.PDRequest_GetMembers{GetMembers: &pdpb.GetMembersRequest{}}}
	resp, err := askPD(c, "list the members of the placement driver", req, (*ordealpb.PDResponse).GetGetMembers)
	for _, m := range resp.GetMembers() {
		members = append(members, m.GetMemberId())
	}
	return members, resp.GetLeader().GetMemberId(), err
}

// TransferDriver asks the member of the placement driver that leads to hand over to another one. That it was asked does not say
// that it succeeds.
func (c *Client) TransferDriver(member uint64) error {
	req := &ordealpb.PDRequest{Body: &ordealpb.PDRequest_TransferDriver{
		TransferDriver: &ordealpb.TransferDriverRequest{MemberId: member},
	}}
	_, err := askPD(c, fmt.Sprintf("make member %d lead the placement driver", member), req,
		(*ordealpb.PDResponse).GetTransferDriver)
	return err
}

// locate returns the entry of the region that holds key, from the cache or else from the placement driver.
func (o *op) locate(key []byte) (*entry, *failure) {
	if e := o.c.cache.find(key); e != nil {
		return e, nil
	}
	got, f := o.getRegion(key)
	if f != nil {
		return nil, f
	}
	// If the cache refuses it because it knows better about a part of the range, this is still all that is known
	// about key. The store will refuse it if it is out of date, and tell more.
	e := newEntry(got.GetRegion(), got.GetLeader())
	o.c.cache.insert(e)
	return e, nil
}

func (o *op) getRegion(key []byte) (*pdpb.GetRegionResponse, *failure) {
	req := &ordealpb.PDRequest{Body: &ordealpb.PDRequest_GetRegion{GetRegion: &pdpb.GetRegionRequest{RegionKey: key}}}
	got, f := pdCall(o, req, (*ordealpb.PDResponse).GetGetRegion)
	if f != nil {
		return nil, f
	}
	if !region.Contains(got.GetRegion(), key) || len(got.GetRegion().GetPeers()) == 0 {
		err := fmt.Errorf("the placement driver knows no region with key %s, but %s", region.FormatKey(key),
			region.Format(got.GetRegion()))
		return nil, &failure{cause: pdRefused, err: err}
	}
	return got, nil
}

// storeAddr is where a store's first shard is reached, and how many it has.
type storeAddr struct {
	first  world.Addr
	shards uint64
}

// of is where a region's shard is reached.
func (a storeAddr) of(region uint64) world.Addr {
	addr := a.first
	addr.Actor += uint16(region % a.shards)
	return addr
}

// address returns the address of a region's peer on a store.
func (o *op) address(storeID, regionID uint64) (world.Addr, *failure) {
	if addr, ok := o.c.stores[storeID]; ok {
		return addr.of(regionID), nil
	}
	req := &ordealpb.PDRequest{Body: &ordealpb.PDRequest_GetStore{GetStore: &pdpb.GetStoreRequest{StoreId: storeID}}}
	got, f := pdCall(o, req, (*ordealpb.PDResponse).GetGetStore)
	if f != nil {
		if f.cause == pdRefused {
			f.cause = storeUnknown
		}
		return world.Addr{}, f
	}
	addr, err := addrOf(got.GetStore())
	if err != nil {
		return world.Addr{}, &failure{cause: storeUnknown, err: fmt.Errorf("store %d: %w", storeID, err)}
	}
	o.c.stores[storeID] = addr
	return addr.of(regionID), nil
}

// addrOf reads a store's address and the number of its shards: one if it does not say.
func addrOf(s *metapb.Store) (storeAddr, error) {
	first, err := world.ParseAddr(s.GetAddress())
	if err != nil {
		return storeAddr{}, err
	}
	a := storeAddr{first: first, shards: 1}
	for _, l := range s.GetLabels() {
		if l.GetKey() != region.ShardsLabel {
			continue
		}
		if a.shards, err = strconv.ParseUint(l.GetValue(), 10, 16); err != nil || a.shards == 0 {
			return storeAddr{}, fmt.Errorf("label %s=%q: want a number above 0", l.GetKey(), l.GetValue())
		}
	}
	return a, nil
}

// pdBody is one of the answers of the placement driver.
type pdBody interface {
	comparable
	GetHeader() *pdpb.ResponseHeader
}

// askPD is an operation of nothing but one question to the placement driver.
func askPD[B pdBody](c *Client, what string, req *ordealpb.PDRequest, body func(*ordealpb.PDResponse) B) (B, error) {
	var got B
	o := c.begin(read, what, nil)
	err := o.run(func() (f *failure) {
		got, f = pdCall(o, req, body)
		return f
	})
	return got, err
}

// pdCall asks the member of the placement driver once that leads, as far as is known. If it does not answer or does not lead,
// the next call goes to the one that it names, or to the next one.
func pdCall[B pdBody](o *op, req *ordealpb.PDRequest, body func(*ordealpb.PDResponse) B) (got B, f *failure) {
	c := o.c
	defer func() {
		if f != nil && (f.cause == pdSilent || f.cause == pdNotLeader) {
			c.pdAt = (c.pdAt + 1) % len(c.pd)
		}
	}()
	fail := func(as cause, err error) *failure {
		return &failure{cause: as, err: fmt.Errorf("placement driver at %s: %w", c.pd[c.pdAt], err)}
	}
	payload, err := proto.Marshal(req)
	if err != nil {
		panic(fmt.Sprintf("client: marshal %v: %v", req, err))
	}
	timeout, f := o.callTimeout()
	if f != nil {
		return got, f
	}
	reply, err := c.p.Call(c.pd[c.pdAt], payload, timeout)
	if err != nil {
		return got, fail(pdSilent, err)
	}
	resp := &ordealpb.PDResponse{}
	if err := proto.Unmarshal(reply, resp); err != nil {
		return got, fail(pdSilent, fmt.Errorf("unreadable answer: %w", err))
	}
	var none B
	if no := resp.GetNotLeader(); no != nil {
		f := fail(pdNotLeader, fmt.Errorf("does not lead, but %q", no.GetLeader()))
		if i := slices.IndexFunc(c.pd, func(a world.Addr) bool { return a.String() == no.GetLeader() }); i >= 0 && i != c.pdAt {
			f.cause, c.pdAt = pdElsewhere, i
		}
		return none, f
	}
	got = body(resp)
	switch e := got.GetHeader().GetError(); {
	case got == none:
		return none, fail(pdSilent, fmt.Errorf("answer %T to request %T", resp.GetBody(), req.GetBody()))
	case e != nil && e.GetType() != pdpb.ErrorType_OK:
		return none, fail(pdRefused, fmt.Errorf("refused: %s: %s", e.GetType(), e.GetMessage()))
	}
	return got, nil
}
