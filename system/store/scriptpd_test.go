package store

import (
	"strconv"

	"github.com/cockroachdb/datadriven"
	"google.golang.org/protobuf/proto"

	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/system/region"
	"ordeal/world"
)

// fakePD is what the script knows as the placement driver. It believes the newest heartbeats, gives ids that only rise,
// and wants nothing by itself.
type fakePD struct {
	next         uint64
	bootstrapped bool
	regions      map[uint64]*metapb.Region
	// refused are the stores that will ask what the first region is. Loud says whether the script is about all that.
	refused map[world.NodeID]bool
	loud    bool
	// forced are ids to be given before next.
	forced []uint64
	// mute is the kind of answer that is lost, once unless all is set.
	mute string
	all  bool
}

func (f *fakePD) id() uint64 {
	if len(f.forced) > 0 {
		id := f.forced[0]
		f.forced = f.forced[1:]
		return id
	}
	f.next++
	return f.next - 1
}

// believe takes a region that is newer than what is known.
func (f *fakePD) believe(r *metapb.Region) {
	if old := f.regions[r.GetId()]; old != nil && !region.StaleEpoch(old.GetRegionEpoch(), r.GetRegionEpoch()) {
		return
	}
	for id := range f.next {
		o := f.regions[id]
		if o == nil || !region.Overlaps(o.GetStartKey(), o.GetEndKey(), r.GetStartKey(), r.GetEndKey()) || id == r.GetId() {
			continue
		}
		if o.GetRegionEpoch().GetVersion() > r.GetRegionEpoch().GetVersion() {
			return
		}
		delete(f.regions, id)
	}
	f.regions[r.GetId()] = region.Clone(r)
}

// holder is the region that has a key, or nil.
func (f *fakePD) holder(key []byte) *metapb.Region {
	for id := range f.next {
		if r := f.regions[id]; r != nil && region.Contains(r, key) {
			return r
		}
	}
	return nil
}

// askedPD answers a store.
func (s *script) askedPD(from world.NodeID, payload []byte) {
	req := &ordealpb.PDRequest{}
	s.must(proto.Unmarshal(payload, req))
	f := &s.pd
	resp := &ordealpb.PDResponse{Id: req.GetId()}
	kind := ""
	switch b := req.GetBody().(type) {
	case *ordealpb.PDRequest_PutStore:
		kind = "register"
		resp.Body = &ordealpb.PDResponse_PutStore{PutStore: &pdpb.PutStoreResponse{}}
	case *ordealpb.PDRequest_Bootstrap:
		kind = "bootstrap"
		h := &pdpb.ResponseHeader{}
		if f.bootstrapped {
			h.Error = &pdpb.Error{Type: pdpb.ErrorType_ALREADY_BOOTSTRAPPED, Message: "the cluster is bootstrapped"}
			f.refused[from] = true
			if f.loud {
				s.say("PD refuses the first region of s%d", from)
			}
		} else {
			f.bootstrapped = true
			f.believe(b.Bootstrap.GetRegion())
			s.say("PD takes the first region of s%d", from)
		}
		resp.Body = &ordealpb.PDResponse_Bootstrap{Bootstrap: &pdpb.BootstrapResponse{Header: h}}
	case *ordealpb.PDRequest_GetRegionById:
		kind = "region"
		id := b.GetRegionById.GetRegionId()
		if !f.refused[from] {
			s.say("s%d asks PD for region %d", from, id)
		}
		delete(f.refused, from)
		resp.Body = &ordealpb.PDResponse_GetRegionById{GetRegionById: &pdpb.GetRegionResponse{Region: f.regions[id]}}
	case *ordealpb.PDRequest_GetRegion:
		kind = "region"
		key := b.GetRegion.GetRegionKey()
		s.say("s%d asks PD for the region of key %q", from, key)
		resp.Body = &ordealpb.PDResponse_GetRegion{GetRegion: &pdpb.GetRegionResponse{Region: f.holder(key)}}
	case *ordealpb.PDRequest_AskBatchSplit:
		kind = "split"
		split := &pdpb.AskBatchSplitResponse{}
		for range b.AskBatchSplit.GetSplitCount() {
			ids := &pdpb.SplitID{NewRegionId: f.id()}
			for range b.AskBatchSplit.GetRegion().GetPeers() {
				ids.NewPeerIds = append(ids.NewPeerIds, f.id())
			}
			split.Ids = append(split.Ids, ids)
		}
		resp.Body = &ordealpb.PDResponse_AskBatchSplit{AskBatchSplit: split}
	case *ordealpb.PDRequest_RegionHeartbeat:
		s.mail["report to PD"]++
		f.believe(b.RegionHeartbeat.GetRegion())
		return
	default:
		return
	}
	if f.mute == kind {
		s.say("(PD's answer to s%d is lost)", from)
		if !f.all {
			f.mute = ""
		}
		return
	}
	s.deliver(pdNode, from, &ordealpb.StorePacket{Pd: resp})
}

// pdCommand: pd [lose=KIND] [lose-all=KIND] [lose-none] [ids=(..)] [knows]
func (s *script) pdCommand(d *datadriven.TestData) {
	for _, a := range d.CmdArgs {
		switch a.Key {
		case "lose", "lose-all":
			s.pd.mute, s.pd.all = a.Vals[0], a.Key == "lose-all"
		case "lose-none":
			s.pd.mute = ""
		case "ids":
			for _, v := range a.Vals {
				id, err := strconv.ParseUint(v, 10, 64)
				s.must(err)
				s.pd.forced = append(s.pd.forced, id)
			}
		case "knows":
			for id := range s.pd.next {
				if r := s.pd.regions[id]; r != nil {
					s.say("%s", region.Format(r))
				}
			}
		default:
			d.Fatalf(s.t, "pd: unknown argument %s", a.Key)
		}
	}
}

// order has PD tell a leader to change its region's membership, as it does in answers to heartbeats.
func (s *script) order(to world.NodeID, r *metapb.Region, c *ordealpb.ChangePeerV2Request) {
	resp := &pdpb.RegionHeartbeatResponse{RegionId: r.GetId(), RegionEpoch: r.GetRegionEpoch()}
	var all []*pdpb.ChangePeer
	for _, one := range c.GetChanges() {
		all = append(all, &pdpb.ChangePeer{Peer: one.GetPeer(), ChangeType: one.GetChangeType()})
	}
	if len(all) == 1 {
		resp.ChangePeer = all[0]
	} else {
		resp.ChangePeerV2 = &pdpb.ChangePeerV2{Changes: all}
	}
	s.tell(to, resp)
}

// tell has PD say something to a leader.
func (s *script) tell(to world.NodeID, resp *pdpb.RegionHeartbeatResponse) {
	s.deliver(pdNode, to, &ordealpb.StorePacket{Pd: &ordealpb.PDResponse{
		Body: &ordealpb.PDResponse_RegionHeartbeat{RegionHeartbeat: resp},
	}})
}
