package store

import (
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"

	"ordeal/raft"
	"ordeal/system/region"
	"ordeal/world"
)

// Step is one turn of the store; see the package comment for the order of things.
func (s *Store) Step(now world.Time, in []world.Event, out *world.Effects) {
	defer s.beginTurn()()
	s.now, s.out = now, out
	s.turns++
	s.setClock()
	if !s.booted {
		s.booted = true
		s.boot()
	}
	s.resume()
	s.seeDamage()
	s.takeMail()
	for i := range in {
		s.handle(&in[i])
	}
	for len(s.dirty) > 0 {
		work := s.dirty
		s.dirty = s.worked[:0]
		for _, p := range work {
			p.queued = false
			s.work(p)
		}
		clear(work)
		s.worked = work
	}
	s.quarantineSuspects()
	s.commit()
	s.answerReads()
	s.quarantineSuspects()
	s.endSnapshotTurn()
	s.release()
	s.tellLoad()
	s.out = nil
}

func (s *Store) handle(ev *world.Event) {
	if s.deaf() && ev.Kind != world.EventSynced {
		s.ignore(ev)
		return
	}
	switch ev.Kind {
	case world.EventMessage:
		s.onPacket(ev.Payload)
	case world.EventRequest:
		s.onRequest(ev)
	case world.EventTimer:
		s.onTick()
	case world.EventSynced:
		s.onDurable(ev.Token)
	}
}

// wake marks p as having something to do in this turn, which ends its sleep. It must be a peer of this shard: what its group
// wants done goes on in later turns, in which the other shards are at work.
func (s *Store) wake(p *peer) {
	if s.cfg.shardOf(p.region.GetId()) != s.shard {
		panic("store: a shard is to work on a region of another one")
	}
	if p.rest.asleep {
		s.rouse(p)
	}
	if !p.queued && !p.dead {
		p.queued = true
		s.dirty = append(s.dirty, p)
	}
}

// work proposes what clients want of one group and carries out what the group wants done, until it wants nothing more.
func (s *Store) work(p *peer) {
	s.proposeQueued(p)
	for !p.dead && !p.held && p.group.HasReady() {
		s.handleReady(p)
		s.proposeQueued(p)
	}
	s.tellNews(p)
}

// send sends what may leave at once. An append without entries, by which a leader tells how far its log is committed, is kept
// back if writes are waiting: what takes them to the same peer says it as well.
func (s *Store) send(p *peer, rd *raft.Ready) {
	for _, m := range rd.Send {
		kind := raft.KindOf(m)
		if len(p.news) > 0 && (kind == raft.KindNews || kind == raft.KindAppend) {
			p.news = slices.DeleteFunc(p.news, func(old *raft.Message) bool { return old.GetTo() == m.GetTo() })
		}
		if kind == raft.KindNews && len(p.ops) > 0 {
			p.news = append(p.news, m)
		} else {
			s.post(&s.sendNow, p, m)
		}
	}
	if slices.ContainsFunc(rd.Committed, raft.IsConfChange) {
		s.tellNews(p) // to those as well who will be no members any more
	}
}

// tellNews sends what was kept back.
func (s *Store) tellNews(p *peer) {
	for _, m := range p.news {
		s.post(&s.sendNow, p, m)
	}
	clear(p.news)
	p.news = p.news[:0]
}

// handleReady carries out what one group wants done next.
func (s *Store) handleReady(p *peer) {
	rd := p.group.Ready(s.batch)
	p.place(rd.Proposed)
	s.loseProposals(p, rd.Lost)
	s.tellPersisting(p, &rd)
	if rd.LeaderChanged {
		s.onLeaderChange(p)
	}
	if rd.Snapshot != nil {
		s.restore(p, rd.Snapshot.GetData(), raft.ID{
			Index: rd.Snapshot.GetMetadata().GetIndex(), Term: rd.Snapshot.GetMetadata().GetTerm(),
		})
	}
	s.send(p, &rd)
	if rd.Persisted != nil {
		s.hold(p, rd.Persisted)
	}
	for _, c := range rd.Reads {
		p.confirmed = append(p.confirmed, confirmedRead{c, s.ticks})
	}
	if f := s.cfg.Listener.LeaseRead; f != nil && rd.ByLease {
		f(s.cfg.StoreID, p.region.GetId(), p.group.Term())
	}
	if len(rd.Committed) > 0 {
		if rest := s.apply(p, rd.Committed); rest != nil {
			s.holdEntries(p, rest, rd)
		} else if !p.dead {
			p.group.Applied(&rd)
		}
	}
	if len(rd.ExpiredReads) > 0 {
		s.failReads(p, rd.ExpiredReads, region.ReadIndexNotReady(p.region.GetId(), "its leader does not answer"))
	}
	if len(p.confirmed) > 0 {
		s.readable(p)
	}
}

// hold keeps what depends on the turn's batch until it is durable.
func (s *Store) hold(p *peer, by *raft.Persisted) {
	to := &s.sendDurable
	// gofail: var bugAckBeforeSync struct{}
	// to = &s.sendNow

	// gofail: var bugSyncForOne struct{}
	// if len(s.persisted) > 0 && s.persisted[0].p != p {
	// 	to = &s.sendNow
	// }
	for _, m := range by.Send {
		s.post(to, p, m)
	}
	s.persisted = append(s.persisted, persisted{p: p, by: by})
}

// commit makes the batch visible to reads. It runs once a turn, and earlier where the turn itself must read what it
// wrote; what belongs together is in the batch together at every call.
func (s *Store) commit() {
	if s.batch.Empty() {
		return
	}
	// gofail: var bugDeleteRangeLast struct{}
	// for _, r := range s.fresh.deleted {
	// 	s.delRange(r.start, r.end)
	// }

	s.eng.Commit(s.batch)
	s.unsynced = true
	s.fresh.reset()
	// gofail: var crashAfterCommit struct{}
	// s.at("crashAfterCommit", 0)
}

// release lets go what the turn produced: some at once, some behind a durability barrier. A shard that is deaf has turns all the
// same, because of what other shards do to its regions while they are alone, and of what it has put off. What these turns
// produce waits for the next barrier together.
func (s *Store) release() {
	s.out.Sends = s.sendNow.take(s.out.Sends)
	if s.deaf() {
		return // a turn in which a barrier is durable comes, and this one's things go then
	}
	then := s.sendDurable.take(nil)
	if s.unsynced || len(s.barriers) > 0 {
		then = append(then, s.reports...)
	} else {
		s.out.Sends = append(s.out.Sends, s.reports...)
	}
	s.reports = nil
	if len(then) == 0 && len(s.persisted) == 0 && len(s.whenDurable) == 0 {
		return
	}
	s.unsynced = false
	s.nextToken++
	s.barriers = append(s.barriers, barrier{token: s.nextToken, persisted: s.persisted, then: s.whenDurable})
	s.persisted, s.whenDurable = nil, nil
	s.out.Sync(s.nextToken, then)
}

// onDurable gives the groups back what waited for a turn's batch.
func (s *Store) onDurable(token uint64) {
	if len(s.barriers) == 0 || s.barriers[0].token != token {
		panic(fmt.Sprintf("store %d: barrier %d is durable out of order: waiting for %v", s.cfg.StoreID, token, s.barriers))
	}
	for _, d := range s.barriers[0].persisted {
		if !d.p.dead {
			d.p.group.Persisted(d.by)
			s.wake(d.p)
		}
	}
	for _, f := range s.barriers[0].then {
		f()
	}
	s.barriers = s.barriers[1:]
}

// tellPersisting tells the listener what a group puts on the disk.
func (s *Store) tellPersisting(p *peer, rd *raft.Ready) {
	id := p.region.GetId()
	if f := s.cfg.Listener.Appended; f != nil {
		for _, e := range rd.Appended {
			f(s.cfg.StoreID, id, raft.ID{Index: e.GetIndex(), Term: e.GetTerm()}, xxhash.Sum64(e.GetData()))
		}
	}
	s.tellChanges(p, rd)
	if !rd.HardStateChanged {
		return
	}
	hard := p.group.HardState()
	if f := s.cfg.Listener.Campaigned; f != nil && hard.Vote == p.meta.GetId() {
		f(s.cfg.StoreID, id, hard.Term)
	}
	if f := s.cfg.Listener.HardState; f != nil {
		f(s.cfg.StoreID, id, hard)
	}
	if f := s.cfg.Listener.HardStateDurable; f != nil && rd.Persisted != nil {
		// Whether or not it was written: behind the barrier goes what rests on term and vote.
		if !rd.HardStateWritten {
			hard.Commit = 0
		}
		s.whenDurable = append(s.whenDurable, func() {
			if !p.dead {
				f(s.cfg.StoreID, id, hard)
			}
		})
	}
}

// tellChanges tells the listener of the membership changes that a leader has put into its log.
func (s *Store) tellChanges(p *peer, rd *raft.Ready) {
	f := s.cfg.Listener.ChangeProposed
	if f == nil || !p.group.IsLeader() {
		return
	}
	for _, e := range rd.Appended {
		if raft.IsConfChange(e) {
			f(s.cfg.StoreID, p.region.GetId(), raft.ID{Index: e.GetIndex(), Term: e.GetTerm()}, p.applied.Index)
		}
	}
}
