package store

import "ordeal/proto/ordealpb"

// checkCompact lets a leader drop the log entries that every peer has. A peer that keeps it from doing so for too long
// loses its claim and gets a snapshot instead.
func (s *Store) checkCompact(p *peer) {
	truncated := p.group.Truncated().Index
	if p.applied.Index-truncated < s.cfg.LogEntriesMax {
		return
	}
	to := p.applied.Index
	for _, f := range p.group.Followers() {
		to = min(to, f.Match)
	}
	if p.applied.Index-to >= s.cfg.LogEntriesMax {
		to = p.applied.Index - s.cfg.LogEntriesMax/2
	}
	if to <= truncated {
		return
	}
	cmd := &ordealpb.Command{Admin: &ordealpb.AdminCommand{Body: &ordealpb.AdminCommand_CompactLog{
		CompactLog: &ordealpb.CompactLogCommand{CompactIndex: to},
	}}}
	// A refusal (a transfer is under way, say) is as good as a wait: the next tick tries again.
	_ = s.propose(p, mustMarshal(cmd), proposal{})
}

// applyCompact drops log entries; the apply state, which is written with it, names the last one.
func (s *Store) applyCompact(p *peer, c *ordealpb.CompactLogCommand) {
	p.group.Compact(s.batch, c.GetCompactIndex())
}
