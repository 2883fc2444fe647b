package store

import (
	"sort"

	"ordeal/proto/ordealpb"
)

// What heartbeats are for a region that is awake, signs of life are for all regions that sleep: each store sends one to
// every store that it shares such a region with, so that their cost does not depend on how many regions there are. Where
// stores have shards, each does so with its like.
//
// A network may bring a message long after who sent it has died. So a sign of life counts for nothing by itself: it quotes the
// last one that its sender got, and proves that the sender lived when that was sent, which is a tick of the clock here.
//
// A store that has been silent for an election timeout, or that has another nonce than before and so has forgotten what
// it led, wakes those who rely on it: followers of a leader there, which go on as if their election clocks had never stood
// still, and leaders of followers there, which must tell PD of peers that are down and step down themselves if it was they
// who were cut off. A restart within that time gives followers no advance: the message that tells of it may be an old one.

// signsPerTimeout is how many signs of life a store gives in an election timeout, unless heartbeats are rarer. What one
// quotes may be as old as the time between two of them, so two in a row may be lost before anybody wakes up in vain.
const signsPerTimeout = 4

// storeLife is what is known of another store.
type storeLife struct {
	id uint64
	// watching counts the sleeping peers here that rely on the store.
	watching int
	// heard is the last tick in which it is known to have lived; silent says that this is too long ago, and that all have
	// been told.
	heard  uint64
	silent bool
	// doubted is the tick until which nobody falls asleep in trust of the store, since it was silent: its word to sleep may have been
	// under way for long.
	doubted uint64
	// nonce is that of its last proven life, or 0.
	nonce uint64
	// quote is what the next sign of life quotes: the nonce and tick of its last one.
	quote struct{ nonce, tick uint64 }
}

// life returns what is known of a store.
func (s *Store) life(id uint64) *storeLife {
	i := sort.Search(len(s.lives), func(i int) bool { return s.lives[i].id >= id })
	if i < len(s.lives) && s.lives[i].id == id {
		return s.lives[i]
	}
	s.lives = append(s.lives, nil)
	copy(s.lives[i+1:], s.lives[i:])
	s.lives[i] = &storeLife{id: id, heard: s.ticks}
	return s.lives[i]
}

// watchOver adds p to those who rely on other stores, or takes it away again.
func (s *Store) watchOver(p *peer, by int) {
	if p.group.IsLeader() {
		for _, m := range p.region.GetPeers() {
			if m.GetId() != p.meta.GetId() {
				s.watchStore(m.GetStoreId(), by)
			}
		}
		return
	}
	s.watchStore(p.leader().GetStoreId(), by)
}

// watchStore counts who relies on a store. The first one has just agreed with it to sleep: it is taken to be well for an
// election timeout, in which signs of life begin to come.
func (s *Store) watchStore(id uint64, by int) {
	l := s.life(id)
	if l.watching == 0 {
		l.heard, l.silent = s.ticks, false
	}
	l.watching += by
}

// onAlive takes a sign of life.
func (s *Store) onAlive(a *ordealpb.StoreAlive) {
	l := s.life(a.GetStoreId())
	if a.GetNonce() != l.quote.nonce || a.GetTick() > l.quote.tick {
		l.quote.nonce, l.quote.tick = a.GetNonce(), a.GetTick()
	}
	if a.GetEchoNonce() == s.env.Nonce && a.GetEcho() > l.heard {
		s.provenAlive(l, a)
	}
	// Somebody there relies on this store. That is mutual, unless this store has just restarted.
	if l.watching == 0 && !a.GetAnswer() {
		s.sayAlive(l.id, true)
	}
}

// provenAlive takes a sign of life that quotes a later one from here than any before.
func (s *Store) provenAlive(l *storeLife, a *ordealpb.StoreAlive) {
	l.heard = a.GetEcho()
	if !s.tooLongAgo(l) {
		l.silent, l.doubted = false, 0
	}
	if l.nonce != 0 && l.nonce != a.GetNonce() {
		s.rouseThose(l, false)
	}
	l.nonce = a.GetNonce()
}

func (s *Store) tooLongAgo(l *storeLife) bool { return s.ticks-l.heard >= uint64(s.cfg.ElectionTicks) }

// doubts says whether a store was found silent so short ago that those who woke up for it are still about to find another leader.
func (s *Store) doubts(store uint64) bool { return s.ticks < s.life(store).doubted }

func (s *Store) sayAlive(to uint64, answer bool) {
	a := s.cfg.Resolve(to)
	a.Actor += uint16(s.shard)
	l := s.life(to)
	s.sendNow.packet(a).Alive = &ordealpb.StoreAlive{
		StoreId: s.cfg.StoreID, Nonce: s.env.Nonce, Answer: answer, Tick: s.ticks,
		EchoNonce: l.quote.nonce, Echo: l.quote.tick,
	}
}

// tickLives sends signs of life and notices whose have stayed away.
func (s *Store) tickLives() {
	for _, l := range s.lives {
		if l.watching == 0 {
			continue
		}
		if s.ticks%uint64(max(s.cfg.HeartbeatTicks, s.cfg.ElectionTicks/signsPerTimeout)) == 0 {
			s.sayAlive(l.id, false)
		}
		if !l.silent && s.tooLongAgo(l) {
			l.silent, l.doubted = true, s.ticks+uint64(s.cfg.ElectionTicks)
			s.rouseThose(l, true)
		}
	}
}

// rouseThose wakes all who rely on a store.
func (s *Store) rouseThose(l *storeLife, silent bool) {
	// gofail: var bugHibernateFooled struct{}
	// return

	for _, p := range s.order {
		if !p.rest.asleep || !p.relies(l.id) {
			continue
		}
		if silent {
			s.came(p, stateWokenBySilence)
		} else {
			s.came(p, stateWokenByRestart)
		}
		if silent && !p.group.IsLeader() {
			p.group.LeaderSilent()
		}
		s.wake(p)
	}
}
