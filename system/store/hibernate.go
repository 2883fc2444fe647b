package store

import (
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/raft"
	"ordeal/system/region"
)

// A region that nobody uses sleeps: its peers get no ticks and send no messages. TiKV calls it hibernation, Dragonboat
// quiescence.
//
// # Falling asleep
//
// A leader that has had nothing to do for HibernateTicks, and whose followers all have its whole log, asks them for their
// consent, and holds its breath for a moment: a heartbeat would wake who has fallen asleep already. A follower consents,
// and sleeps, if it believes in that very leader and knows of nothing beyond the index that the leader named. When all
// have consented, the leader sleeps as well. If some do not answer in time, heartbeats go on and wake the others.
//
// # Waking up
//
// Whoever has something to do in a turn is awake (Store.wake): a request, a command of PD, a Raft message, an entry to
// apply. The messages that follow wake the other peers. A message that calls a sleeping follower to an election does not
// wake it: the library refuses its vote, since the election clock stands still below its limit.
//
// # Nobody is fooled
//
// What a sleeping peer rests on is that the others are there; see liveness.go. A follower that campaigns in spite of a
// leader that is well wakes it with its pre-vote, and gets a heartbeat. A leader that restarted, or was removed, campaigns
// or is asked now and then by each of its sleeping followers (sweep), and tells them to wake up.

// rest is what a peer knows of its own rest.
type rest struct {
	asleep bool
	// listed says that the peer is in Store.awake, which is only cleaned up with the next tick.
	listed bool
	// index is where the log ended when there was last something to do, at the tick since.
	since, index uint64
	// wish is set while a leader waits for consent.
	wish *wish
	// askers are those of the region's peers, by their place in it, that have asked a leader that sleeps whether they may sleep on,
	// since the last sweep; unasked is how many sweeps in a row found too few of them.
	askers  uint64
	unasked uint8
}

// unaskedMax is how many sweeps in a row a leader sleeps on though no majority asks it whether it may. Messages may be lost, and
// sweeps of different stores are not in step.
const unaskedMax = 3

// wish is a leader's question whether the region may sleep.
type wish struct {
	asked     uint64
	consented []uint64
}

// disturb notes that somebody wants something of the region, whether or not that leaves a trace in its log.
func (s *Store) disturb(p *peer) {
	p.rest.since, p.rest.wish = s.ticks, nil
}

// enlist makes ticks reach p.
func (s *Store) enlist(p *peer) {
	if !p.rest.listed {
		p.rest.listed = true
		s.awake = append(s.awake, p)
	}
}

// tickAwake lets time pass for those who are awake, in the order in which they woke up.
func (s *Store) tickAwake() {
	// A peer that this wakes gets its tick at once; a tick can destroy no peer.
	for i := 0; i < len(s.awake); i++ {
		if p := s.awake[i]; !p.dead && !p.rest.asleep {
			s.tickPeer(p)
		}
	}
	kept := s.awake[:0]
	for _, p := range s.awake {
		if p.rest.listed = !p.dead && !p.rest.asleep; p.rest.listed {
			kept = append(kept, p)
		}
	}
	clear(s.awake[len(kept):])
	s.awake = kept
}

// tickRest lets a leader that has nothing to do ask for rest, and says whether it holds its breath.
func (s *Store) tickRest(p *peer) bool {
	if s.cfg.HibernateTicks == 0 {
		return false
	}
	if last := p.group.LastIndex(); last != p.rest.index {
		p.rest.index = last
		s.disturb(p)
	}
	if w := p.rest.wish; w != nil {
		if s.ticks-w.asked < uint64(s.cfg.HeartbeatTicks) {
			return true
		}
		s.disturb(p) // somebody does not consent: that is to pass before it is asked again
	}
	if s.ticks-p.rest.since >= uint64(s.cfg.HibernateTicks) {
		s.askForRest(p)
	}
	return p.rest.wish != nil
}

// askForRest asks the followers for their consent, if there is nothing left to do.
func (s *Store) askForRest(p *peer) {
	// gofail: var bugHibernateNotCaughtUp struct{}
	// if s.idle(p) {
	// 	s.fallAsleep(p)
	// }
	// return

	if !s.idle(p) || !p.group.AtRest() {
		return
	}
	// What a tick does now and then is done before there are no more.
	s.checkSize(p, true)
	s.checkCompact(p)
	if !s.idle(p) || !p.group.AtRest() {
		return
	}
	p.rest.wish = &wish{asked: s.ticks}
	for _, m := range p.region.GetPeers() {
		if m.GetId() != p.meta.GetId() {
			s.sayRest(p, m, false)
		}
	}
	s.restIfAllConsent(p)
}

// idle says whether nobody waits for p and nothing is under way that its group does not know of.
func (s *Store) idle(p *peer) bool {
	waiting := len(p.ops) + len(p.unplaced) + len(p.pending) + len(p.reading) + len(p.confirmed) + len(p.ready)
	if waiting > 0 || p.load.requests > 0 || p.held || !p.initialised() || !p.member() || p.merging() || p.source != nil {
		return false
	}
	if p.group.IsLeader() && p.size.unsettled(&s.cfg) {
		return false
	}
	return p.size.asked == 0 || s.ticks >= p.size.asked+pdCallTicks
}

// sayRest sends a wish or a consent.
func (s *Store) sayRest(p *peer, to *metapb.Peer, consent bool) {
	s.sendExtra(p, to, &ordealpb.ExtraMessage{Body: &ordealpb.ExtraMessage_Hibernate{Hibernate: &ordealpb.Hibernate{
		Consent: consent, Term: p.group.Term(), LastIndex: p.group.LastIndex(),
	}}})
}

func (s *Store) sayWake(region uint64, from, to *metapb.Peer) {
	s.sendNow.add(s.addr(to.GetStoreId(), region), &ordealpb.RaftMessage{
		RegionId: region, FromPeer: from, ToPeer: to,
		Extra: &ordealpb.ExtraMessage{Body: &ordealpb.ExtraMessage_Wake{Wake: &ordealpb.Wake{}}},
	})
}

func (s *Store) sendExtra(p *peer, to *metapb.Peer, x *ordealpb.ExtraMessage) {
	s.sendNow.add(s.addr(to.GetStoreId(), p.region.GetId()), &ordealpb.RaftMessage{
		RegionId: p.region.GetId(), FromPeer: p.meta, ToPeer: to, RegionEpoch: p.region.GetRegionEpoch(), Extra: x,
	})
}

// onHibernate handles a wish or a consent.
func (s *Store) onHibernate(m *ordealpb.RaftMessage, h *ordealpb.Hibernate) {
	p := s.sleeper(m)
	switch {
	case p == nil && h.GetConsent():
		s.sayWake(m.GetRegionId(), m.GetToPeer(), m.GetFromPeer())
	case p == nil:
	case h.GetConsent():
		s.onConsent(p, m, h)
	default:
		s.onWish(p, m.GetFromPeer(), h)
	}
}

// sleeper is the peer that a message about sleep is for, or nil.
func (s *Store) sleeper(m *ordealpb.RaftMessage) *peer {
	if p := s.peers[m.GetRegionId()]; p != nil && p.initialised() && p.meta.GetId() == m.GetToPeer().GetId() {
		return p
	}
	return nil
}

// onWish lets a follower sleep if its leader's view of the region is its own.
func (s *Store) onWish(p *peer, from *metapb.Peer, h *ordealpb.Hibernate) {
	fits := s.cfg.HibernateTicks > 0 && s.idle(p) && p.leaderless < uint64(s.cfg.ElectionTicks) && !s.doubts(from.GetStoreId()) &&
		p.group.Leader() == from.GetId() && region.FindPeerByID(p.region, from.GetId()) != nil &&
		p.group.RestsAt(h.GetTerm(), h.GetLastIndex())
	switch {
	case fits && !p.rest.asleep:
		s.fallAsleep(p)
	case !fits:
		if p.rest.asleep {
			s.wake(p)
		}
		return
	}
	s.sayRest(p, from, true)
}

// onConsent counts a follower's consent. One that comes out of season is from a follower that sleeps and is not sure any
// more: it may, if this leader does as well, and else it must not.
func (s *Store) onConsent(p *peer, m *ordealpb.RaftMessage, h *ordealpb.Hibernate) {
	from := m.GetFromPeer()
	if s.senderIsStale(p, m, raft.KindVote) {
		return
	}
	if !p.group.IsLeader() || h.GetTerm() != p.group.Term() || h.GetLastIndex() != p.group.LastIndex() {
		s.sayWake(p.region.GetId(), p.meta, from)
		return
	}
	if w := p.rest.wish; w != nil {
		w.consented = append(w.consented, from.GetId())
		s.restIfAllConsent(p)
		return
	}
	for i, m := range p.region.GetPeers() {
		if m.GetId() == from.GetId() {
			p.rest.askers |= 1 << (i % 64) // a region has fewer peers
		}
	}
}

// unasked notes, with each sweep, whether a majority has asked a leader that sleeps, and says whether that is missing for too long.
func (p *peer) unasked() bool {
	asked := 1 // it trusts itself
	for i, m := range p.region.GetPeers() {
		if region.Votes(m) && p.rest.askers&(1<<(i%64)) != 0 {
			asked++
		}
	}
	p.rest.askers = 0
	p.rest.unasked++
	if asked > region.Voters(p.region)/2 {
		p.rest.unasked = 0
	}
	return p.rest.unasked >= unaskedMax
}

// restIfAllConsent lets a leader sleep whose followers all do.
func (s *Store) restIfAllConsent(p *peer) {
	for _, m := range p.region.GetPeers() {
		if m.GetId() != p.meta.GetId() && !contains(p.rest.wish.consented, m.GetId()) {
			return
		}
	}
	if s.idle(p) && p.group.AtRest() {
		// The last word for a while.
		s.heartbeatRegion(p)
		s.fallAsleep(p)
	}
}

func contains(ids []uint64, id uint64) bool {
	for _, x := range ids {
		if x == id {
			return true
		}
	}
	return false
}

// fallAsleep takes p out of the ticks, and gives back the memory that only those need who are awake.
func (s *Store) fallAsleep(p *peer) {
	p.rest.asleep, p.rest.wish, p.rest.askers, p.rest.unasked = true, nil, 0, 0
	p.heard, p.others, p.reading = nil, nil, nil
	p.ops, p.unplaced, p.pending, p.confirmed, p.ready = nil, nil, nil, nil, nil
	p.group.Rest()
	s.watchOver(p, +1)
	if f := s.cfg.Listener.Slept; f != nil {
		f(s.cfg.StoreID, p.region, p.group.IsLeader(), p.applied)
	}
	if p.group.IsLeader() {
		s.came(p, stateHibernated)
	}
}

// rouse ends p's sleep. In a turn that is alone it may be another shard's peer.
func (s *Store) rouse(p *peer) {
	s = s.owner(p.region.GetId())
	s.watchOver(p, -1)
	p.rest.asleep = false
	p.leaderless = 0
	s.disturb(p)
	s.enlist(p)
	if !p.group.IsLeader() {
		return
	}
	for _, m := range p.region.GetPeers() {
		if m.GetId() != p.meta.GetId() {
			p.hear(m.GetId(), s.life(m.GetStoreId()).heard)
		}
	}
}

// rouseLeader tells the leader of a follower that has woken up by itself: else it would campaign before the leader notices.
func (s *Store) rouseLeader(p *peer) {
	if m := p.leader(); m != nil && m.GetId() != p.meta.GetId() {
		s.sayWake(p.region.GetId(), p.meta, m)
	}
}

// buryRest is for a peer that goes: who sleeps in trust of it must learn that it is gone.
func (s *Store) buryRest(p *peer) {
	if !p.rest.asleep {
		return
	}
	s.watchOver(p, -1)
	p.rest.asleep = false
	if !p.group.IsLeader() {
		return
	}
	for _, m := range p.region.GetPeers() {
		if m.GetId() != p.meta.GetId() {
			s.sayWake(p.region.GetId(), p.meta, m)
		}
	}
}

// doubt lets a follower that sleeps ask its leader whether it still may, by saying its consent once more. It sleeps on.
func (s *Store) doubt(p *peer) {
	if p != nil && p.rest.asleep && !p.group.IsLeader() {
		s.sayRest(p, p.leader(), true)
	}
}

// checkDue says whether a sweep has to have the replicas of a leader that sleeps compared. Regions take turns over
// ConsistencyCheckTicks, so that thousands that fell asleep at one time do not all wake up again in the next sweep.
func (s *Store) checkDue(p *peer) bool {
	check, period := uint64(s.cfg.ConsistencyCheckTicks), uint64(s.cfg.HibernateReportTicks)
	if check == 0 || p.applied.Index <= p.checked {
		return false
	}
	return (s.ticks/period+p.region.GetId())%max(check/period, 1) == 0
}

// sweepTicks is how many ticks lie between two sweeps, so that what they say to one store fills a packet.
const sweepTicks = 5

// sweep visits a few of all peers, so that it gets to each once in HibernateReportTicks: a leader that sleeps reports to
// PD, has its replicas compared if they have not been, and wakes up if it is not asked; a follower asks whether it may sleep on.
func (s *Store) sweep() {
	if s.cfg.HibernateTicks == 0 || s.ticks%sweepTicks != 0 {
		return
	}
	n, turns := uint64(len(s.order)), max(uint64(s.cfg.HibernateReportTicks)/sweepTicks, 1)
	turn := s.ticks / sweepTicks % turns
	for _, p := range s.order[n*turn/turns : n*(turn+1)/turns] {
		switch {
		case !p.rest.asleep:
		case p.group.IsLeader():
			s.heartbeatRegion(p)
			if s.checkDue(p) {
				_ = s.proposeCheck(p, nil) // it fell asleep before its turn came
			}
			if p.rest.asleep && p.unasked() {
				s.came(p, stateWokenUnasked)
				s.wake(p)
			}
		default:
			s.doubt(p)
		}
	}
}

// relies says whether p, which sleeps, rests on the life of a store: a follower on that of its leader, a leader on those
// of all others.
func (p *peer) relies(store uint64) bool {
	if !p.group.IsLeader() {
		return p.leader().GetStoreId() == store
	}
	m := region.FindPeer(p.region, store)
	return m != nil && m.GetId() != p.meta.GetId()
}

// sleepsThrough gives a message to the group of a peer that sleeps, if it can be done with without waking up, and says
// whether it was: a call to an election that the library ignores, since the leader is well as far as is known here. One
// by that very leader is another matter.
func (s *Store) sleepsThrough(p *peer, from *metapb.Peer, kind raft.Kind, msg *raft.Message) bool {
	if p.group.IsLeader() || from.GetId() == p.group.Leader() {
		return false
	}
	if kind == raft.KindVote {
		p.group.Step(msg)
		if !p.group.HasReady() {
			return true
		}
		s.wake(p)
	}
	s.rouseLeader(p)
	return kind == raft.KindVote
}
