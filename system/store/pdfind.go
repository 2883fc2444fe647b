package store

import (
	"slices"

	"ordeal/proto/ordealpb"
	"ordeal/world"
)

// Of PD's members one leads, and it alone hears reports and answers. A store turns to the one that the others name; where nobody
// says anything, since that one is down or has lost its quorum, to one after the other. The shard that speaks for
// the store notices: PD answers each of its heartbeats. It tells the other shards with every heartbeat.

// driver is the member of PD that leads, as far as this shard knows.
func (s *Store) driver() world.Addr { return s.cfg.PD[s.pd.at] }

// findDriver turns to the next member if the last heartbeat was not answered, and tells the other shards whom to turn to.
func (s *Store) findDriver() {
	s.pd.moved = false
	if len(s.cfg.PD) == 1 {
		return
	}
	if s.ticks-s.pd.heard > uint64(s.cfg.StoreHeartbeatTicks) {
		s.pd.at = (s.pd.at + 1) % len(s.cfg.PD)
		s.pd.heard = s.ticks
	}
	for shard := range s.cfg.Shards {
		if shard != s.shard {
			s.node.mail.put(shard, parcel{packet: &ordealpb.StorePacket{Pd: &ordealpb.PDResponse{
				NotLeader: &ordealpb.NotDriverLeader{Leader: s.driver().String()},
			}}})
		}
	}
}

// onNoDriver: the member that was asked does not lead. If it names another one, that one hears from here with the next tick.
func (s *Store) onNoDriver(id uint64, no *ordealpb.NotDriverLeader) {
	if c, open := s.pd.calls[id]; open {
		delete(s.pd.calls, id)
		s.giveUpPDCall(c)
	}
	i := slices.IndexFunc(s.cfg.PD, func(a world.Addr) bool { return a.String() == no.GetLeader() })
	if i < 0 || i == s.pd.at {
		return
	}
	s.pd.at, s.pd.heard, s.pd.moved = i, s.ticks, true
}
