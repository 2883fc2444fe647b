package store

import (
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/raft"
)

// Shards know nothing of each other's regions, but for what the table of ranges says. Some things take two regions all the
// same, and they may be on different shards: a split whose child lives elsewhere, a merge, a snapshot in whose range
// regions were merged. They are done in a turn that is alone: all other shards stand still between two turns of theirs,
// and what it does to their regions it does in its own batch. A shard that comes to such a thing puts it off, asks for a
// turn that is alone, and gets it next. With a single shard every turn is alone.

// held is what a group has committed and its shard can't apply before it is alone.
type held struct {
	p     *peer
	rest  []*raft.Entry
	ready raft.Ready
}

// mergeWish is a merge with a region of another shard that a leader wants.
type mergeWish struct {
	p      *peer
	target *metapb.Region
}

// beginTurn waits until this shard may take its turn, and returns what ends the turn.
func (s *Store) beginTurn() (end func()) {
	if s.alone = len(s.node.shards) == 1; s.alone {
		return func() {}
	}
	if s.alone = s.wantAlone; s.alone {
		s.wantAlone = false
		s.node.turns.Lock()
		return s.node.turns.Unlock
	}
	s.node.turns.RLock()
	return s.node.turns.RUnlock
}

// askAlone makes the next turn one that is alone.
func (s *Store) askAlone() {
	if !s.wantAlone {
		s.wantAlone = true
		s.nudge(s.shard)
	}
}

// putOff keeps a parcel for the next turn, which will be alone. It reports false if this one is.
func (s *Store) putOff(l parcel) bool {
	if s.alone {
		return false
	}
	s.node.mail.put(s.shard, l)
	s.askAlone()
	return true
}

// hold keeps committed entries of p for the next turn. Until then the group is left as it is.
func (s *Store) holdEntries(p *peer, rest []*raft.Entry, rd raft.Ready) {
	p.held = true
	s.came(p, stateHeldForAlone)
	s.held = append(s.held, held{p: p, rest: rest, ready: rd})
	s.askAlone()
}

// resume goes on with what was put off.
func (s *Store) resume() {
	if !s.alone {
		return
	}
	hs := s.held
	s.held = nil
	for _, h := range hs {
		h.p.held = false
		if h.p.dead {
			continue
		}
		s.apply(h.p, h.rest)
		if !h.p.dead {
			h.p.group.Applied(&h.ready)
		}
		s.wake(h.p)
	}
	wishes := s.wishes
	s.wishes = nil
	for _, w := range wishes {
		if !w.p.dead && w.p.group.IsLeader() {
			_ = s.prepareMerge(w.p, w.target, nil) // a refusal needs no answer: nobody waits for one
		}
	}
	driving := s.driving
	s.driving = nil
	for _, p := range driving {
		if !p.dead && p.merging() && p.group.IsLeader() {
			s.driveMerge(p)
		}
	}
	seeking := s.seeking
	s.seeking = nil
	for _, p := range seeking {
		if !p.dead && p.member() && p.group.IsLeader() {
			s.seekMerge(p)
		}
	}
}

// drive is driveMerge, now or in the next turn.
func (s *Store) drive(p *peer) {
	if s.alone {
		s.driveMerge(p)
		return
	}
	s.driving = append(s.driving, p)
	s.askAlone()
}

// needsAlone says whether a command touches regions of other shards.
func (s *Store) needsAlone(cmd *ordealpb.Command) bool {
	if s.alone {
		return false
	}
	if c := cmd.GetAdmin().GetCommitMerge(); c != nil {
		return s.cfg.shardOf(c.GetSource().GetId()) != s.shard
	}
	for _, cut := range cmd.GetAdmin().GetSplit().GetRegions() {
		if s.cfg.shardOf(cut.GetRegionId()) != s.shard {
			return true
		}
	}
	return false
}

// owner is the shard that a region lives on. Whoever asks for another one than itself must be alone.
func (s *Store) owner(region uint64) *Store {
	o := s.node.shards[s.cfg.shardOf(region)]
	if o != s && !s.alone {
		panic("store: a shard looks at a region of another one, and is not alone")
	}
	return o
}

// stir has another shard take a turn, since something was done to its regions.
func (s *Store) stir(o *Store) {
	if o != s {
		o.unsynced = true
		s.nudge(o.shard)
	}
}
