package store

import "ordeal/proto/ordealpb"

// snapshotGrace is how many times more log a peer may hold back that a snapshot is on its way to: without what follows the
// snapshot it would need another one, and perhaps never catch up.
const snapshotGrace = 4

// compactParts is the part of what a log may have that a compaction drops at least. What orders it is an entry too: where a peer
// holds the rest back, one for every few entries would fill the log with nothing but orders.
const compactParts = 4

// checkCompact lets a leader drop the log entries that every peer has, once there are too many or they take too many bytes.
// A peer that holds back too much loses its claim and gets a snapshot instead.
func (s *Store) checkCompact(p *peer) {
	truncated := p.group.Truncated().Index
	if p.applied.Index-truncated < s.cfg.LogEntriesMax && p.group.LogBytes() < s.cfg.LogBytesMax {
		return
	}
	to, taken := p.applied.Index, false
	for _, f := range p.group.Followers() {
		needs, grace := f.Match, uint64(1)
		if f.Snapshotting && f.Snapshot > needs {
			needs, grace = f.Snapshot, snapshotGrace
		}
		low := s.lowestClaim(p, needs, grace)
		taken = taken || low > needs
		to = min(to, max(needs, low))
	}
	if !s.pays(p, to) {
		return
	}
	cmd := &ordealpb.Command{Admin: &ordealpb.AdminCommand{Body: &ordealpb.AdminCommand_CompactLog{
		CompactLog: &ordealpb.CompactLogCommand{CompactIndex: to},
	}}}
	// A refusal (a transfer is under way, say) is as good as a wait: the next tick tries again.
	if s.propose(p, mustMarshal(cmd), proposal{}) == nil && taken {
		s.came(p, stateLogTaken)
	}
}

// pays says whether compacting p's log to an index drops enough of it.
func (s *Store) pays(p *peer, to uint64) bool {
	entries := s.cfg.LogEntriesMax / compactParts
	bytes := p.group.LogBytes() - min(s.cfg.LogBytesMax/compactParts, p.group.LogBytes())
	return to > p.group.Truncated().Index && (to-p.group.Truncated().Index >= entries || to >= p.group.LogKeeping(bytes))
}

// lowestClaim is the index that the log may be compacted to whatever a peer needs that has the entries up to match: 0 unless
// it holds back grace times too much, and then half as much is left.
func (s *Store) lowestClaim(p *peer, match, grace uint64) uint64 {
	low := uint64(0)
	if n := grace * s.cfg.LogEntriesMax; p.applied.Index-min(match, p.applied.Index) >= n {
		low = p.applied.Index - n/2
	}
	if n := grace * s.cfg.LogBytesMax; match < p.group.LogKeeping(n) {
		low = max(low, min(p.group.LogKeeping(n/2), p.applied.Index))
	}
	return low
}

// applyCompact drops log entries; the apply state, which is written with it, names the last one.
func (s *Store) applyCompact(p *peer, c *ordealpb.CompactLogCommand) {
	p.group.Compact(s.batch, c.GetCompactIndex())
}
