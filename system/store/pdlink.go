package store

import (
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/system/region"
	"ordeal/world"
)

// FirstRegion and FirstPeer are the ids of a cluster's first region and its first peer; PD hands out higher ones.
const (
	FirstRegion = 1
	FirstPeer   = 2
)

// pdLink is what the store is waiting for from PD.
type pdLink struct {
	registered, bootstrapped bool
	// refused says that PD would not register the store, or did not answer; it is asked again with the next heartbeat.
	refused bool
	// at is the place in Config.PD of the member that leads, as far as this shard knows; see pdfind.go. heard is the last tick in
	// which it answered, moved that the next tick is to tell it of this store.
	at    int
	heard uint64
	moved bool

	nextID uint64
	calls  map[uint64]pdCall
	// order holds the ids of calls by age.
	order []uint64
}

type callKind uint8

const (
	callRegister callKind = iota + 1
	callBootstrap
	callFirstRegion
	callSplit
	callStale
	callHeir
)

// pdCall is one question to PD and what the answer is for.
type pdCall struct {
	kind   callKind
	asked  uint64
	region uint64
	peer   uint64
	// Of a split: the epoch at which it was wanted, where, and which part the old region keeps.
	epoch     *metapb.RegionEpoch
	splitKeys [][]byte
	right     bool
	req       *request
}

// askPD sends a question. False says that too many are open.
func (s *Store) askPD(c pdCall, req *ordealpb.PDRequest) bool {
	if len(s.pd.calls) >= MaxPDCalls {
		return false
	}
	// gofail: var errorAskPD struct{}
	// if s.at("errorAskPD", c.region) {
	//	return false
	// }

	s.pd.nextID++
	// The nonce keeps a late answer to an earlier life of this store from being taken for one of this.
	req.Id = s.env.Nonce + s.pd.nextID
	c.asked = s.ticks
	s.pd.calls[req.GetId()] = c
	s.pd.order = append(s.pd.order, req.GetId())
	if len(s.pd.order) > 2*MaxPDCalls {
		// Those that were answered stay in the list behind one that was not.
		s.pd.order = slices.DeleteFunc(s.pd.order, func(id uint64) bool { _, open := s.pd.calls[id]; return !open })
	}
	if c.kind == callRegister {
		s.reports = append(s.reports, world.Send{To: s.driver(), Payload: mustMarshal(req)})
	} else {
		s.tellPD(req)
	}
	return true
}

// tellPD sends something that needs no answer.
func (s *Store) tellPD(req *ordealpb.PDRequest) { s.out.Send(s.driver(), mustMarshal(req)) }

// expirePDCalls gives up questions that have been open for too long; the answer or the question was lost.
func (s *Store) expirePDCalls() {
	for len(s.pd.order) > 0 {
		id := s.pd.order[0]
		c, open := s.pd.calls[id]
		if open && s.ticks < c.asked+pdCallTicks {
			return
		}
		s.pd.order = s.pd.order[1:]
		if !open {
			continue
		}
		delete(s.pd.calls, id)
		s.giveUpPDCall(c)
	}
}

// giveUpPDCall does without the answer to a question that is not open any more.
func (s *Store) giveUpPDCall(c pdCall) {
	switch c.kind {
	case callRegister, callBootstrap, callFirstRegion:
		s.pd.refused = true
	case callSplit:
		if c.req != nil {
			s.replyError(c.req, s.peers[c.region], region.ServerIsBusy("PD does not answer"))
		}
	}
}

// registrar says whether this shard speaks to PD for the whole store.
func (s *Store) registrar() bool { return s.shard == s.cfg.shardOf(FirstRegion) }

// register makes the store known to PD and sees to it that somebody bootstraps the cluster. What can't be asked now is asked with
// the next heartbeat.
func (s *Store) register() {
	asked := true
	switch {
	case !s.pd.registered:
		asked = s.askPD(pdCall{kind: callRegister}, &ordealpb.PDRequest{Body: &ordealpb.PDRequest_PutStore{
			PutStore: &pdpb.PutStoreRequest{Store: s.describe()},
		}})
	case !s.pd.bootstrapped:
		asked = s.askPD(pdCall{kind: callBootstrap}, &ordealpb.PDRequest{Body: &ordealpb.PDRequest_Bootstrap{
			Bootstrap: &pdpb.BootstrapRequest{Store: s.describe(), Region: s.firstRegion()},
		}})
	}
	s.pd.refused = s.pd.refused || !asked
}

func (s *Store) describe() *metapb.Store {
	m := &metapb.Store{
		Id: s.cfg.StoreID, Address: s.cfg.Address.String(),
		Labels: []*metapb.StoreLabel{{Key: region.ShardsLabel, Value: strconv.Itoa(s.cfg.Shards)}},
	}
	if s.node.ident.GetDiskId() != 0 {
		m.Labels = append(m.Labels, &metapb.StoreLabel{Key: region.DiskLabel, Value: s.diskLabel()})
	}
	for _, l := range s.cfg.Labels {
		m.Labels = append(m.Labels, &metapb.StoreLabel{Key: l.Key, Value: l.Value})
	}
	return m
}

func (s *Store) firstRegion() *metapb.Region {
	return &metapb.Region{
		Id: FirstRegion, RegionEpoch: &metapb.RegionEpoch{ConfVer: 1, Version: 1},
		Peers: []*metapb.Peer{{Id: FirstPeer, StoreId: s.cfg.StoreID}},
	}
}

// onPD handles what PD says: answers to questions, and commands for regions.
func (s *Store) onPD(resp *ordealpb.PDResponse) {
	if no := resp.GetNotLeader(); no != nil {
		s.onNoDriver(resp.GetId(), no)
		return
	}
	s.pd.heard = s.ticks
	if hb := resp.GetRegionHeartbeat(); hb != nil {
		if !wantsSomething(hb) && s.forward(hb.GetRegionId(), parcel{packet: &ordealpb.StorePacket{Pd: resp}}) {
			return // PD asks for a report and knows only where the store as a whole listens
		}
		s.onCommand(hb)
		return
	}
	c, open := s.pd.calls[resp.GetId()]
	if !open {
		return
	}
	delete(s.pd.calls, resp.GetId())
	switch c.kind {
	case callRegister:
		s.onRegistered(resp.GetPutStore())
	case callBootstrap:
		s.onBootstrap(resp.GetBootstrap())
	case callFirstRegion:
		s.onFirstRegion(resp.GetGetRegionById().GetRegion())
	case callSplit:
		s.onSplitIDs(c, resp.GetAskBatchSplit())
	case callStale:
		s.onStale(c, resp.GetGetRegionById().GetRegion())
	case callHeir:
		s.onHeir(c, resp.GetGetRegion().GetRegion())
	}
}

// onBootstrap: PD takes the first region it is offered. Who is refused may still be the one that PD took, if the
// answer to its first attempt was lost; the region that PD has tells.
func (s *Store) onBootstrap(resp *pdpb.BootstrapResponse) {
	if resp.GetHeader().GetError() == nil {
		s.onFirstRegion(s.firstRegion())
		return
	}
	asked := s.askPD(pdCall{kind: callFirstRegion}, &ordealpb.PDRequest{Body: &ordealpb.PDRequest_GetRegionById{
		GetRegionById: &pdpb.GetRegionByIDRequest{RegionId: FirstRegion},
	}})
	s.pd.refused = s.pd.refused || !asked
}

// onFirstRegion creates the first region here if PD has it exactly as this store offered it and it was never here.
func (s *Store) onFirstRegion(r *metapb.Region) {
	s.pd.bootstrapped = true
	if !proto.Equal(r, s.firstRegion()) || s.peers[FirstRegion] != nil || s.tombs[FirstRegion] != 0 {
		return
	}
	meta := r.GetPeers()[0]
	if err := s.writeFirstState(r, meta, nil, nil); err != nil {
		panic("store: bootstrap: " + err.Error())
	}
	s.commit()
	p, err := s.openPeer(r, meta)
	if err != nil {
		panic("store: bootstrap: " + err.Error())
	}
	s.addPeer(p)
	if f := s.cfg.Listener.PeerCreated; f != nil {
		f(s.cfg.StoreID, FirstRegion, FirstPeer)
	}
	if f := s.cfg.Listener.RegionChanged; f != nil {
		f(s.cfg.StoreID, r)
	}
	p.group.Campaign()
	s.wake(p)
}

// heartbeatStore tells PD that the store lives.
func (s *Store) heartbeatStore() {
	s.findDriver()
	if s.pd.refused {
		s.pd.refused = false
		s.register()
	}
	if !s.admitted() {
		return // it may not be the store that PD would take it for
	}
	st := &pdpb.StoreStats{StoreId: s.cfg.StoreID, RegionCount: uint32(s.ranges.len()), UsedSize: s.eng.Used()}
	if st.Capacity = s.cfg.CapacityBytes; st.Capacity > 0 {
		st.Available = min(st.Capacity-min(st.UsedSize, st.Capacity), s.eng.Room())
	}
	s.tellPD(&ordealpb.PDRequest{Body: &ordealpb.PDRequest_StoreHeartbeat{
		StoreHeartbeat: &pdpb.StoreHeartbeatRequest{Stats: st},
	}})
}

// heartbeatRegion tells PD how a region is that this store leads.
func (s *Store) heartbeatRegion(p *peer) {
	if !p.member() {
		return
	}
	hb := &pdpb.RegionHeartbeatRequest{
		Region: p.region, Leader: p.meta, Term: p.group.Term(), ApproximateSize: p.size.bytes, ApproximateKeys: p.size.keys,
	}
	s.tellTraffic(p, hb)
	truncated := p.group.Truncated().Index
	for _, f := range p.group.Followers() {
		m := region.FindPeerByID(p.region, f.Peer)
		if m == nil {
			continue
		}
		if f.Snapshotting || f.Match < truncated {
			hb.PendingPeers = append(hb.PendingPeers, m)
		}
		if p.rest.asleep {
			continue // its store is well, or this peer would not sleep
		}
		last, ok := p.heard[f.Peer]
		if !ok {
			p.hear(f.Peer, s.ticks)
			continue
		}
		if silent := s.ticks - last; silent >= uint64(s.cfg.DownPeerTicks) {
			down := uint64(s.cfg.TickInterval.Seconds() * float64(silent))
			hb.DownPeers = append(hb.DownPeers, &pdpb.PeerStats{Peer: m, DownSeconds: down})
		}
	}
	s.reports = append(s.reports, world.Send{To: s.driver(), Payload: mustMarshal(&ordealpb.PDRequest{
		Body: &ordealpb.PDRequest_RegionHeartbeat{RegionHeartbeat: hb},
	})})
}

// onCommand carries out what PD wants of a region, if the region is still the one that PD meant. PD that wants nothing
// wants to know how the region is.
func (s *Store) onCommand(hb *pdpb.RegionHeartbeatResponse) {
	p := s.peers[hb.GetRegionId()]
	if p == nil || !p.member() || !p.group.IsLeader() {
		return
	}
	fits := region.CheckEpoch(hb.GetRegionEpoch(), p.region.GetRegionEpoch(), true, true)
	// gofail: var bugCommandNoEpoch struct{}
	// fits = true

	if !wantsSomething(hb) || !fits {
		s.heartbeatRegion(p)
		return
	}
	s.disturb(p)
	s.wake(p)
	// Refusals need no answer: PD sees in the next heartbeat that nothing happened.
	switch {
	case hb.GetChangePeer() != nil:
		_ = s.proposeConfChange(p, changesOf([]*pdpb.ChangePeer{hb.GetChangePeer()}), nil)
	case hb.GetChangePeerV2() != nil:
		_ = s.proposeConfChange(p, changesOf(hb.GetChangePeerV2().GetChanges()), nil)
	case hb.GetMerge() != nil:
		_ = s.startMerge(p, hb.GetMerge().GetTarget())
	case hb.GetSplitRegion() != nil:
		s.splitByOrder(p, hb.GetSplitRegion().GetKeys())
	case hb.GetTransferLeader() != nil:
		_ = s.transferLeader(p, hb.GetTransferLeader().GetPeer())
	}
}

// wantsSomething says whether PD's order is one, and not just a wish for a report.
func wantsSomething(hb *pdpb.RegionHeartbeatResponse) bool {
	return hb.GetChangePeer() != nil || hb.GetChangePeerV2() != nil || hb.GetMerge() != nil || hb.GetTransferLeader() != nil ||
		hb.GetSplitRegion() != nil
}

// changesOf are the changes that PD wants at once. A joint configuration that they need is left by itself: PD's own
// command to leave it then finds nothing to do, and none is left behind if PD forgets.
func changesOf(list []*pdpb.ChangePeer) *ordealpb.ChangePeerV2Request {
	c := &ordealpb.ChangePeerV2Request{}
	for _, one := range list {
		c.Changes = append(c.Changes, &ordealpb.ChangePeerRequest{ChangeType: one.GetChangeType(), Peer: one.GetPeer()})
	}
	return c
}
