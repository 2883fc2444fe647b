package store

import (
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/wire"
	"ordeal/raft"
	"ordeal/system/region"
)

// onPacket handles a one-way message from another store or from PD. What can't be read is dropped, as by a network.
func (s *Store) onPacket(payload []byte) {
	pkt, err := wire.UnmarshalPacket(payload)
	if err != nil {
		return
	}
	if !s.admitted() {
		pkt = &ordealpb.StorePacket{Pd: pkt.GetPd()}
	}
	if a := pkt.GetAlive(); a != nil {
		s.onAlive(a)
	}
	for _, m := range pkt.GetRaft() {
		s.onRaft(m)
	}
	if s.crossesShards(pkt) {
		pkt.Raft = nil
		if s.putOff(parcel{packet: pkt}) {
			return
		}
	}
	s.handlePacket(pkt)
}

// crossesShards says whether a packet has something besides Raft messages that may touch regions of other shards.
func (s *Store) crossesShards(pkt *ordealpb.StorePacket) bool {
	return len(pkt.GetSnapshotChunks()) > 0 || len(pkt.GetMergeQueries()) > 0 || len(pkt.GetMergeAnswers()) > 0 ||
		pkt.GetPd().GetGetRegion() != nil || pkt.GetPd().GetRegionHeartbeat().GetMerge() != nil
}

// handlePacket handles what is in a packet besides Raft messages.
func (s *Store) handlePacket(pkt *ordealpb.StorePacket) {
	for _, c := range pkt.GetSnapshotChunks() {
		s.onSnapshotChunk(c)
	}
	for _, a := range pkt.GetSnapshotAcks() {
		s.onSnapshotAck(a)
	}
	for _, q := range pkt.GetMergeQueries() {
		s.onMergeQuery(q)
	}
	for _, a := range pkt.GetMergeAnswers() {
		s.onMergeAnswer(a)
	}
	if pkt.GetPd() != nil {
		s.onPD(pkt.GetPd())
	}
}

// onRaft finds, or makes, the peer that a message is for, and steps its group. The peer ids in it decide who is stale:
// they only ever rise.
func (s *Store) onRaft(m *ordealpb.RaftMessage) {
	to := m.GetToPeer()
	if to.GetStoreId() != s.cfg.StoreID || to.GetId() == 0 || m.GetFromPeer().GetId() == 0 ||
		s.forward(m.GetRegionId(), parcel{raft: m}) {
		return
	}
	if m.GetIsTombstone() {
		s.onTombstone(m)
		return
	}
	if m.GetExtra() != nil {
		s.onExtra(m)
		return
	}
	msg, err := raft.DecodeMessage(m.GetMessage())
	if err != nil {
		return
	}
	kind := raft.KindOf(msg)
	p := s.peers[m.GetRegionId()]
	if p != nil && to.GetId() > p.meta.GetId() {
		gone := &metapb.Region{RegionEpoch: m.GetRegionEpoch()}
		s.destroy(p, gone, "a newer peer of its region lives on its store")
		p = nil
	}
	if p == nil {
		if s.tellEnded(m, kind) {
			return
		}
		if p = s.createByMessage(m, kind); p == nil {
			return
		}
	}
	if to.GetId() < p.meta.GetId() || (p.initialised() && s.senderIsStale(p, m, kind)) {
		return
	}
	from := m.GetFromPeer()
	if region.FindPeerByID(p.region, from.GetId()) == nil {
		p.meet(from)
	}
	p.hear(from.GetId(), s.ticks)
	if !p.initialised() || from.GetId() == p.group.Leader() {
		p.leaderless = 0
	}
	if kind == raft.KindSnapshot {
		s.stepSnapshot(p, msg)
		return
	}
	if p.rest.asleep && s.sleepsThrough(p, from, kind, msg) {
		return
	}
	p.group.Step(msg)
	s.wake(p)
}

// senderIsStale tells a peer that was removed from the region, and still campaigns, that it is gone; not before that is
// durable here, since the peer may be one that this store would still need if it forgot.
func (s *Store) senderIsStale(p *peer, m *ordealpb.RaftMessage, kind raft.Kind) bool {
	from := m.GetFromPeer()
	if region.FindPeerByID(p.region, from.GetId()) != nil ||
		m.GetRegionEpoch().GetConfVer() > p.region.GetRegionEpoch().GetConfVer() {
		return false
	}
	if kind == raft.KindVote {
		s.tellRemoved(p, m)
		return true
	}
	return false
}

// tellRemoved tells the sender of a message that it is no member of p's region, if p's region is not the older one.
func (s *Store) tellRemoved(p *peer, m *ordealpb.RaftMessage) {
	if m.GetRegionEpoch().GetConfVer() > p.region.GetRegionEpoch().GetConfVer() {
		return
	}
	from := m.GetFromPeer()
	s.sendDurable.add(s.addr(from.GetStoreId(), p.region.GetId()), &ordealpb.RaftMessage{
		RegionId: p.region.GetId(), FromPeer: p.meta, ToPeer: from, RegionEpoch: p.region.GetRegionEpoch(), IsTombstone: true,
	})
}

// onExtra handles what peers say to each other outside of Raft.
func (s *Store) onExtra(m *ordealpb.RaftMessage) {
	switch b := m.GetExtra().GetBody().(type) {
	case *ordealpb.ExtraMessage_Quarantined:
		s.onQuarantined(m)
	case *ordealpb.ExtraMessage_HashReport:
		s.onHashReport(m, b.HashReport)
	case *ordealpb.ExtraMessage_Hibernate:
		s.onHibernate(m, b.Hibernate)
	case *ordealpb.ExtraMessage_Wake:
		if p := s.sleeper(m); p != nil {
			s.wake(p)
		}
	}
}

// onTombstone destroys a peer that was removed without hearing of it.
func (s *Store) onTombstone(m *ordealpb.RaftMessage) {
	p := s.peers[m.GetRegionId()]
	if p == nil {
		if o := s.outcast(m.GetRegionId()); o != nil && o.stuck && s.putOff(parcel{raft: m}) {
			return // the rest of a damaged block may be another shard's
		}
		s.releaseOutcast(m.GetRegionId(), m.GetToPeer().GetId(), m.GetRegionEpoch(), nil)
		return
	}
	if p.meta.GetId() != m.GetToPeer().GetId() {
		return
	}
	if p.member() && m.GetRegionEpoch().GetConfVer() <= p.region.GetRegionEpoch().GetConfVer() {
		return
	}
	s.came(p, stateStalePeerGone)
	s.destroy(p, &metapb.Region{RegionEpoch: m.GetRegionEpoch()}, "it was removed from its region")
}

// post addresses one message of p's group and puts it into an outbox.
func (s *Store) post(box *outbox, p *peer, msg *raft.Message) {
	to := p.find(msg.GetTo())
	if to == nil {
		return // a peer that this one has heard neither of nor from
	}
	if p.turn != s.turns {
		p.turn, p.posted = s.turns, 0
	}
	if p.posted++; p.posted > MaxMessagesPerTurn {
		return // as a network would; a group whose logs contradict each other can otherwise drown everybody
	}
	kind := raft.KindOf(msg)
	if kind == raft.KindSnapshot {
		m := &ordealpb.RaftMessage{Message: raft.AppendMessage(nil, msg)}
		address(m, p, to)
		s.startSending(p, to, m, msg.GetSnapshot().GetMetadata().GetIndex())
		return
	}
	// The outbox keeps nothing of what it encodes, so one message serves for all.
	m := &s.scratch
	m.Message = raft.AppendMessage(m.GetMessage()[:0], msg)
	m.StartKey, m.EndKey = nil, nil
	if kind == raft.KindVote || kind == raft.KindHeartbeat {
		m.StartKey, m.EndKey = p.region.GetStartKey(), p.region.GetEndKey()
	}
	address(m, p, to)
	box.add(s.addr(to.GetStoreId(), p.region.GetId()), m)
}

// address fills in from whom and to whom a message goes.
func address(m *ordealpb.RaftMessage, p *peer, to *metapb.Peer) {
	m.RegionId, m.FromPeer, m.ToPeer, m.RegionEpoch = p.region.GetId(), p.meta, to, p.region.GetRegionEpoch()
}
