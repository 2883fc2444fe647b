package store

import (
	"sync" //tidy:sync the shards of a store run at the same time in the real world

	"ordeal/proto/ordealpb"
	"ordeal/world"
)

// MaxMail is how many parcels wait for one shard of a store. More are dropped, as by a network.
const MaxMail = 4096

// mail is how the shards of a store give each other what came to the wrong one, and how a shard puts off what needs a
// turn of its own; see alone. It is memory that a crash of the store takes as a whole.
type mail struct {
	mu    sync.Mutex
	boxes [][]parcel
}

// parcel is a message of a peer, a part of a packet, or an event.
type parcel struct {
	raft   *ordealpb.RaftMessage
	packet *ordealpb.StorePacket
	event  *world.Event
}

func newMail(shards int) *mail { return &mail{boxes: make([][]parcel, shards)} }

func (m *mail) put(to int, l parcel) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.boxes[to]) < MaxMail {
		m.boxes[to] = append(m.boxes[to], l)
	}
}

func (m *mail) take(of int) []parcel {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.boxes[of]
	m.boxes[of] = nil
	return b
}

// nudge has a shard of this store take a turn soon; should the nudge be lost, its next tick does.
func (s *Store) nudge(shard int) {
	a := s.env.Addr
	a.Actor = uint16(int(a.Actor) - s.shard + shard)
	s.out.Send(a, nil)
}

// takeMail handles what is in the shard's box.
func (s *Store) takeMail() {
	for _, l := range s.node.mail.take(s.shard) {
		switch {
		case l.event != nil:
			s.handle(l.event)
		case l.packet != nil:
			s.handlePacket(l.packet)
		default:
			s.onRaft(l.raft)
		}
	}
}

// forward passes on what was meant for a region of another shard. Senders know the right one, so this is rare: it happens
// to clients that do not know how many shards a store has.
func (s *Store) forward(region uint64, l parcel) bool {
	to := s.cfg.shardOf(region)
	if to == s.shard {
		return false
	}
	s.node.mail.put(to, l)
	s.nudge(to)
	return true
}
