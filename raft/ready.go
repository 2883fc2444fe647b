package raft

import (
	"bytes"
	"slices"

	etcd "go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"

	"ordeal/system/engine"
)

type progress = tracker.Progress

const stateSnapshot = tracker.StateSnapshot

// Ready is what a group wants done after some ticks, messages and proposals.
type Ready struct {
	// Send may leave at once.
	Send []*raftpb.Message
	// Persisted, if not nil, must be given back through Group.Persisted once the batch is durable; its Send may leave
	// only then. Batches become durable in the order in which Ready was called.
	Persisted *Persisted
	// HardStateChanged says that there is a new hard state, see Group.HardState; HardStateWritten, that the batch holds it.
	HardStateChanged, HardStateWritten bool
	// Appended are the entries that the batch now holds.
	Appended []*raftpb.Entry
	// Snapshot, if not nil, replaces the whole state machine, in the same batch.
	Snapshot *raftpb.Snapshot
	// Committed are to be applied now, in order, and then reported through Group.Applied.
	Committed []*raftpb.Entry
	// Proposed says where proposals landed; Lost are tokens of proposals whose outcome is unknown.
	Proposed []Proposed
	Lost     []uint64
	// Reads were confirmed: each may be answered once Index is applied. ExpiredReads are tokens of reads that were not
	// confirmed for too long and are given up.
	Reads []ConfirmedRead
	// ByLease says that some were confirmed without a round of heartbeats, by the leader's lease.
	ByLease      bool
	ExpiredReads []uint64
	// LeaderChanged says that Group.Leader or Group.IsLeader changed.
	LeaderChanged bool

	applied []*raftpb.Message
}

// Persisted is what waits for a batch to be durable.
type Persisted struct {
	Send []*raftpb.Message
	self []*raftpb.Message
	// room is memory for self: a leader acknowledges its own entries, and whoever has some is told that they are on the disk.
	room [2]*raftpb.Message
	// last is the last entry in the batch, if there is one.
	last ID
}

// HasReady says whether Ready has something to give. Waiting reads are started here, so that all reads of a turn share
// one round of heartbeats.
func (g *Group) HasReady() bool {
	g.startReads()
	return len(g.reads.confirmed) > 0 || len(g.reads.expired) > 0 || g.rn.HasReady()
}

// Ready takes what is to be done and puts entries and hard state into b.
func (g *Group) Ready(b *engine.Batch) Ready {
	out := Ready{Reads: g.reads.confirmed, ByLease: len(g.reads.confirmed) > 0, ExpiredReads: g.reads.expired}
	g.reads.confirmed, g.reads.expired = nil, nil
	if g.rn.HasReady() {
		g.takeReady(b, &out)
	}
	return out
}

// takeReady takes what the library wants done. It has one message at most for each of the two threads that it wants to have.
func (g *Group) takeReady(b *engine.Batch, out *Ready) {
	rd := g.rn.Ready()
	if rd.SoftState != nil {
		out.LeaderChanged = rd.SoftState.Lead != g.lead || rd.SoftState.RaftState != g.role
		if g.role == etcd.StateLeader && rd.SoftState.RaftState != etcd.StateLeader {
			g.deposed()
		}
		g.lead, g.role = rd.SoftState.Lead, rd.SoftState.RaftState
	}
	for i, m := range rd.Messages {
		switch m.GetTo() {
		case etcd.LocalAppendThread:
			g.persist(b, m, out)
		case etcd.LocalApplyThread:
			out.Committed, out.applied = m.GetEntries(), m.GetResponses()
		default:
			if out.Send == nil {
				out.Send = make([]*raftpb.Message, 0, len(rd.Messages)-i)
			}
			out.Send = add(out.Send, m)
		}
	}
	// Proposals that did not make it into the log, although the library had accepted them, may be on their way to
	// followers all the same.
	for _, p := range g.proposed {
		out.Lost = append(out.Lost, p.token)
	}
	g.proposed = g.proposed[:0]
	for _, rs := range rd.ReadStates {
		out.Reads = g.confirm(out.Reads, rs)
	}
	if out.LeaderChanged {
		g.reads.restart()
	}
}

// persist handles the library's message to the thread that writes the log.
func (g *Group) persist(b *engine.Batch, m *raftpb.Message, out *Ready) {
	if snap := m.GetSnapshot(); !etcd.IsEmptySnap(snap) {
		out.Snapshot = snap
		meta := snap.GetMetadata()
		at := ID{Index: meta.GetIndex(), Term: meta.GetTerm()}
		g.log.restart(b, at)
		g.log.conf = meta.GetConfState()
		g.applied = at
	}
	if len(m.GetEntries()) > 0 {
		g.overwrite(m.GetEntries()[0].GetIndex())
		g.log.append(b, m.GetEntries())
		out.Appended = m.GetEntries()
		g.matchProposals(m.GetEntries(), out)
	}
	if m.Term != nil || m.Vote != nil || m.Commit != nil {
		hs := newHardState(m)
		out.HardStateWritten = g.log.setHard(b, hs) || out.HardStateWritten
		g.term = hs.GetTerm()
		out.HardStateChanged = true
	}
	if slices.ContainsFunc(m.GetEntries(), IsConfChange) {
		g.log.keepHard(b)
		out.HardStateWritten = true
	}
	if len(m.GetResponses()) == 0 {
		return
	}
	if out.Persisted == nil {
		out.Persisted = &Persisted{}
		out.Persisted.self = out.Persisted.room[:0]
	}
	if es := m.GetEntries(); len(es) > 0 {
		last := es[len(es)-1]
		out.Persisted.last = ID{Index: last.GetIndex(), Term: last.GetTerm()}
	}
	for _, r := range m.GetResponses() {
		if r.GetTo() == g.cfg.Peer {
			out.Persisted.self = append(out.Persisted.self, r)
		} else {
			out.Persisted.Send = add(out.Persisted.Send, r)
		}
	}
}

// newHardState is the hard state that m has, in one piece of memory.
func newHardState(m *raftpb.Message) *raftpb.HardState {
	x := &struct {
		hs                 raftpb.HardState
		term, vote, commit uint64
	}{term: m.GetTerm(), vote: m.GetVote(), commit: m.GetCommit()}
	x.hs.Term, x.hs.Vote, x.hs.Commit = &x.term, &x.vote, &x.commit
	return &x.hs
}

// deposed tells of a leader that leads no more.
func (g *Group) deposed() {
	g.reached(stateDeposed)
	if g.log.lastIndex() > g.CommitIndex() {
		g.reached(stateDeposedWithTail)
	}
}

// overwrite tells of entries from index on that others are about to replace.
func (g *Group) overwrite(index uint64) {
	if index > g.log.lastIndex() {
		return
	}
	g.reached(stateConflict)
	if g.changeAt.Index >= index && g.changeAt.Index <= g.log.lastIndex() {
		g.reached(stateChangeOverwritten)
	}
}

// matchProposals finds this turn's proposals among the entries that go to the log. They are in order; one that the
// library refused after accepting the call (a second conf change) is not there.
func (g *Group) matchProposals(entries []*raftpb.Entry, out *Ready) {
	for _, e := range entries {
		if IsConfChange(e) {
			g.changeAt = ID{Index: e.GetIndex(), Term: e.GetTerm()}
		}
		for i, p := range g.proposed {
			if p.term != e.GetTerm() || !bytes.Equal(p.data, e.GetData()) {
				continue
			}
			for _, skipped := range g.proposed[:i] {
				out.Lost = append(out.Lost, skipped.token)
			}
			at := ID{Index: e.GetIndex(), Term: e.GetTerm()}
			out.Proposed = append(out.Proposed, Proposed{Token: p.token, At: at})
			g.proposed = g.proposed[i+1:]
			break
		}
	}
}

// Persisted reports that the batch behind p is durable. The owner sends p.Send itself.
func (g *Group) Persisted(p *Persisted) {
	// Other entries may have taken the place of those in the batch; then theirs is the batch to wait for.
	if t, err := g.log.Term(p.last.Index); err == nil && t == p.last.Term {
		g.log.tail.stable = max(g.log.tail.stable, p.last.Index)
	}
	for _, m := range p.self {
		_ = g.rn.Step(m)
	}
	g.log.tail.trim(g.log, g.applied.Index)
	g.fixJitter()
}

// AppliedTo reports that the entry at is applied: snapshots are as of it from here on.
func (g *Group) AppliedTo(at ID) { g.applied = at }

// Applied reports that all of rd.Committed is applied.
func (g *Group) Applied(rd *Ready) {
	for _, m := range rd.applied {
		_ = g.rn.Step(m)
	}
	g.log.tail.trim(g.log, g.applied.Index)
	g.fixJitter()
}

// ReleaseCache gives up all entries in memory that are not under way. A group that goes to sleep calls it.
func (g *Group) ReleaseCache() { g.log.tail.release(g.log, g.applied.Index, 0) }

// Leader is the peer that leads the group as far as this peer knows; 0 if it knows none.
func (g *Group) Leader() uint64 { return g.lead }

// IsLeader says whether this peer believes that it leads.
func (g *Group) IsLeader() bool { return g.role == etcd.StateLeader }

// HardState is term, vote and commit index. Term and vote are as last given to the disk; the commit index may be ahead of it.
func (g *Group) HardState() HardState {
	h := g.log.hard
	return HardState{Term: h.GetTerm(), Vote: h.GetVote(), Commit: h.GetCommit()}
}

// Term is the current term, as last given to the disk.
func (g *Group) Term() uint64 { return g.term }

// CommitIndex is the highest index known to be committed. It need not be on the disk.
func (g *Group) CommitIndex() uint64 { return g.log.hard.GetCommit() }

// LastIndex is the end of the log.
func (g *Group) LastIndex() uint64 { return g.log.lastIndex() }

// LogBytes is the encoded size of the entries that are not compacted.
func (g *Group) LogBytes() uint64 { return g.log.bytes }

// LogKeeping is the lowest index behind which the log has no more than so many bytes.
func (g *Group) LogKeeping(bytes uint64) uint64 { return g.log.keepBytes(bytes) }

// CachedBytes is the encoded size of the entries in memory.
func (g *Group) CachedBytes() uint64 { return g.log.tail.bytes }

// Truncated is the last entry that the log no longer holds.
func (g *Group) Truncated() ID { return g.log.truncated }

// ownTermApplied says whether this leader has applied an entry of its own term, so that its commit index is no
// older than anything that was ever acknowledged.
func (g *Group) ownTermApplied() bool { return g.applied.Term == g.term && g.role == etcd.StateLeader }

// Follower is what a leader knows of another peer.
type Follower struct {
	Peer uint64
	// Match is the last entry known to be durable there.
	Match uint64
	// Snapshotting: the peer needs a snapshot and has not confirmed one. Snapshot is the index of the one on its way.
	Snapshotting bool
	Snapshot     uint64
	// Active: heard from in the last election timeout.
	Active bool
}

// Followers lists the other peers by id. Only a leader knows them.
func (g *Group) Followers() []Follower {
	var fs []Follower
	g.rn.WithProgress(func(id uint64, _ etcd.ProgressType, pr progress) {
		if id == g.cfg.Peer {
			return
		}
		fs = append(fs, Follower{
			Peer: id, Match: pr.Match, Snapshotting: pr.State == stateSnapshot, Snapshot: pr.PendingSnapshot,
			Active: pr.RecentActive,
		})
	})
	return fs
}
