package checker

import (
	"fmt"
	"slices"

	"ordeal/world"
)

// entry is a log entry by its term and the hash of its content.
type entry struct {
	term, hash uint64
}

func (e entry) String() string { return fmt.Sprintf("(term %d, hash %016x)", e.term, e.hash) }

// logSlot is what is known about one index of a region's log.
type logSlot struct {
	// committed is the entry that some store called committed first, by says which.
	committed entry
	by        world.NodeID
	// seen are the entries that were appended at the index, one a term. It is nearly always one.
	seen  entry
	more  []entry
	known bool
}

// regionLog remembers a window of a region's log.
type regionLog struct {
	first uint64 // index of slots[0]
	slots []logSlot
	// pruneAt is the length at which the window is pruned next.
	pruneAt int
}

// slot returns the slot of an index, or nil if it has been forgotten.
func (l *regionLog) slot(index uint64) *logSlot {
	switch {
	case len(l.slots) == 0, index >= l.first+uint64(len(l.slots))+logMax:
		l.first, l.slots = index, append(l.slots[:0], logSlot{})
	case index < l.first:
		return nil
	}
	for index >= l.first+uint64(len(l.slots)) {
		l.slots = append(l.slots, logSlot{})
	}
	return &l.slots[index-l.first]
}

// prune forgets what no peer will come back to.
func (r *regionTruth) prune() {
	l := &r.log
	if len(l.slots) < max(l.pruneAt, 2*logKeep) {
		return
	}
	lowest := ^uint64(0)
	for _, p := range r.peers {
		if p.truth.inOrder && !p.truth.gone {
			lowest = min(lowest, p.truth.applied)
		}
	}
	end := l.first + uint64(len(l.slots))
	keepFrom := max(l.first, min(lowest, end)-min(lowest, end, logKeep))
	if end-keepFrom > logMax {
		keepFrom = end - logMax
	}
	if keepFrom > l.first {
		l.slots = slices.Delete(l.slots, 0, int(keepFrom-l.first))
		l.first = keepFrom
	}
	l.pruneAt = len(l.slots) + logKeep
}

// Appended: a store appended an entry to its log of a region. Whatever the leader, an index and a term name one entry;
// and what the store itself called committed stays.
func (v *Invariants) Appended(store world.NodeID, region, index, term, hash uint64) {
	r, p := v.region(region), v.peer(store, region)
	s := r.log.slot(index)
	if s == nil {
		return
	}
	e := entry{term, hash}
	if other, differs := s.meet(e); differs {
		v.fail(checkLogMatch, "region %d, index %d: store %d appended %s, but it was %s elsewhere", region, index, store, e, other)
	}
	if index <= p.commit && s.known && s.committed != e {
		v.fail(checkCommitted, "region %d, index %d: store %d replaced the entry %s, which it knew as committed, by %s",
			region, index, store, s.committed, e)
	}
	r.prune()
}

// meet remembers an entry, or says that another one has the same term.
func (s *logSlot) meet(e entry) (other entry, differs bool) {
	if s.seen == (entry{}) {
		s.seen = e
	}
	if s.seen.term == e.term {
		return s.seen, s.seen != e
	}
	for _, m := range s.more {
		if m.term == e.term {
			return m, m != e
		}
	}
	s.more = append(s.more, e)
	return e, false
}

// Committed: a store learnt that an entry is committed.
func (v *Invariants) Committed(store world.NodeID, region, index, term, hash uint64) {
	p := v.peer(store, region)
	p.commit = max(p.commit, index)
	v.agree(store, region, "committed", index, entry{term, hash})
}

// Applied: a store applied an entry. Each peer applies every index once, in order, but after a snapshot or a restart,
// which say where it goes on.
func (v *Invariants) Applied(store world.NodeID, region, index, term, hash uint64) {
	p := v.peer(store, region)
	if p.gone {
		v.fail(checkOrder, "region %d: store %d applied index %d, after its peer had been destroyed", region, store, index)
	}
	if p.inOrder && index != p.applied+1 {
		v.fail(checkOrder, "region %d: store %d applied index %d after index %d", region, store, index, p.applied)
	}
	p.applied, p.inOrder, p.most = index, true, max(p.most, index)
	p.commit = max(p.commit, index)
	v.agree(store, region, "applied", index, entry{term, hash})
	v.region(region).prune()
}

// agree checks that an index has one committed entry.
func (v *Invariants) agree(store world.NodeID, region uint64, did string, index uint64, e entry) {
	s := v.region(region).log.slot(index)
	if s == nil {
		return
	}
	if !s.known {
		s.known, s.committed, s.by = true, e, store
		s.more = nil
		return
	}
	if s.committed != e {
		v.fail(checkCommitted, "region %d, index %d: store %d %s %s, but store %d had %s committed",
			region, index, store, did, e, s.by, s.committed)
	}
}

// SnapshotApplied: a store replaced a region's data by a snapshot that ends with an entry of this index and term.
func (v *Invariants) SnapshotApplied(store world.NodeID, region, index, term uint64) {
	r, p := v.region(region), v.peer(store, region)
	if p.inOrder && index < p.applied {
		v.fail(checkOrder, "region %d: store %d applied a snapshot of index %d after index %d", region, store, index, p.applied)
	}
	p.applied, p.inOrder, p.gone, p.most = index, true, false, max(p.most, index)
	p.commit = max(p.commit, index)
	if index < r.log.first || index-r.log.first >= uint64(len(r.log.slots)) {
		return
	}
	if s := &r.log.slots[index-r.log.first]; s.known && s.committed.term != term {
		v.fail(checkCommitted, "region %d, index %d: store %d applied a snapshot that ends in term %d, but store %d had %s committed",
			region, index, store, term, s.by, s.committed)
	}
}
