package raft

import (
	"bytes"
	"encoding/binary"

	etcd "go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"ordeal/world"
)

// Bounds of reads, in election timeouts. What a leader asks for is repeated by the library with every heartbeat; what
// another peer asks its leader for is repeated here.
const (
	// readResendElections: how long a peer waits for its leader's answer before it asks again.
	readResendElections = 1
	// readExpireElections: how long a read waits for its confirmation before it is given up.
	readExpireElections = 4
)

// ConfirmedRead is a read that may be answered from the state machine once Index is applied there.
type ConfirmedRead struct {
	Token uint64
	Index uint64
}

// read is one read on its way. One that anybody may answer outlives changes of leadership.
type read struct {
	token   uint64
	anybody bool
}

// readQueue holds reads from their arrival to their confirmation. All reads that arrive between two Readys share one
// read context and so one round of heartbeats.
type readQueue struct {
	seq     uint64
	waiting []read
	// waitingTicks is how long the oldest of waiting have been there, at most.
	waitingTicks int
	rounds       []readRound
	// confirmed, by lease, and expired go into the next Ready.
	confirmed []ConfirmedRead
	expired   []uint64
}

// readRound is one question whether the leader leads, and for the commit index.
type readRound struct {
	seq   uint64
	reads []read
	// term and at are when it began.
	term  uint64
	at    world.Time
	ticks int
}

// Read asks for a linearizable read. The token comes back in Ready.Reads, in Ready.ExpiredReads or through DropReads.
// With anybody, a peer that does not lead asks its leader for the index; else it refuses.
func (g *Group) Read(token uint64, anybody bool) error {
	if g.role != etcd.StateLeader && !anybody {
		return ErrNotLeader
	}
	if g.reads.size() >= MaxWaitingReads {
		return ErrBusy
	}
	g.reads.waiting = append(g.reads.waiting, read{token, anybody})
	return nil
}

// DropReads returns the tokens of reads that are not confirmed, and forgets them: of all, or of those that only a
// leader may answer. The owner calls it when the peer stops leading, or is about to go.
func (g *Group) DropReads(all bool) []uint64 {
	var tokens []uint64
	drop := func(rs []read) []read {
		var kept []read
		for _, r := range rs {
			if r.anybody && !all {
				kept = append(kept, r)
			} else {
				tokens = append(tokens, r.token)
			}
		}
		return kept
	}
	rounds := g.reads.rounds[:0]
	for _, r := range g.reads.rounds {
		if r.reads = drop(r.reads); len(r.reads) > 0 {
			rounds = append(rounds, r)
		}
	}
	g.reads.rounds, g.reads.waiting = rounds, drop(g.reads.waiting)
	return tokens
}

// startReads sends the waiting reads on their round, or confirms them by the leader's lease.
//
// A leader does neither before it has applied an entry of its own term: until then its commit index may be behind what
// an earlier leader acknowledged (Raft paper, section 8), and the library only looks at that with more than one voter.
func (g *Group) startReads() {
	if len(g.reads.waiting) == 0 {
		return
	}
	st := g.rn.BasicStatus()
	if st.RaftState != g.role {
		return // it has changed in this turn; the next Ready tells the owner, who may drop the reads
	}
	// gofail: var bugReadBeforeOwnTerm struct{}
	// if st.RaftState == etcd.StateLeader && !g.ownTermApplied() {
	// 	// Its election has just shown that it leads.
	// 	g.confirmWaiting(st.HardState.GetCommit())
	// 	return
	// }

	switch {
	case st.RaftState == etcd.StateLeader && !g.ownTermApplied():
		g.reached(stateReadBeforeOwnTerm)
		return
	case st.RaftState != etcd.StateLeader && st.Lead == etcd.None:
		return // there is nobody to ask
	}
	left := g.leaseLeft(&st)
	if left == 0 {
		g.startRound(&st, g.reads.waiting)
		g.reads.waiting, g.reads.waitingTicks = nil, 0
		return
	}
	g.confirmWaiting(st.HardState.GetCommit())
	// The lease is renewed in time, by those who use it.
	if left < g.cfg.Leases.Length*3/4 && len(g.reads.rounds) == 0 {
		g.startRound(&st, nil)
	}
}

// confirmWaiting confirms the waiting reads at a commit index.
func (g *Group) confirmWaiting(commit uint64) {
	for _, r := range g.reads.waiting {
		g.reads.confirmed = append(g.reads.confirmed, ConfirmedRead{Token: r.token, Index: commit})
	}
	g.reads.waiting, g.reads.waitingTicks = nil, 0
}

func (g *Group) startRound(st *etcd.BasicStatus, reads []read) {
	g.reads.seq++
	r := readRound{seq: g.reads.seq, reads: reads, term: st.HardState.GetTerm(), ticks: g.reads.waitingTicks}
	if g.cfg.Leases != nil {
		r.at = g.cfg.Leases.Now
	}
	g.reads.rounds = append(g.reads.rounds, r)
	g.rn.ReadIndex(g.readContext(r.seq))
}

// tickReads asks again for what may have been lost and gives up what takes too long.
func (g *Group) tickReads() {
	q := &g.reads
	if len(q.waiting) > 0 {
		q.waitingTicks++
		if q.waitingTicks >= readExpireElections*g.cfg.ElectionTicks {
			g.expire(q.waiting)
			q.waiting, q.waitingTicks = nil, 0
		}
	}
	kept := q.rounds[:0]
	for _, r := range q.rounds {
		r.ticks++
		if r.ticks >= readExpireElections*g.cfg.ElectionTicks {
			g.expire(r.reads)
			continue
		}
		kept = append(kept, r)
		if g.role == etcd.StateFollower && r.ticks%(readResendElections*g.cfg.ElectionTicks) == 0 {
			g.reached(stateReadAskedAgain)
			g.rn.ReadIndex(g.readContext(r.seq))
		}
	}
	q.rounds = kept
}

func (g *Group) expire(reads []read) {
	for _, r := range reads {
		g.reached(stateReadExpired)
		g.reads.expired = append(g.reads.expired, r.token)
	}
}

// confirm appends the reads of the round that rs is about, which begins a lease if this peer leads. The library takes any answer
// of a leader for one to this peer as it is now; one that an earlier life of it had asked for may come late, and must not be
// taken for that of the round with the same number.
func (g *Group) confirm(out []ConfirmedRead, rs etcd.ReadState) []ConfirmedRead {
	q := &g.reads
	seq := binary.BigEndian.Uint64(rs.RequestCtx[16:])
	mine := bytes.Equal(rs.RequestCtx, g.readContext(seq))
	// gofail: var bugReadOfEarlierLife struct{}
	// mine = true

	if !mine {
		return out
	}
	for i, r := range q.rounds {
		if r.seq != seq {
			continue
		}
		for _, x := range r.reads {
			out = append(out, ConfirmedRead{Token: x.token, Index: rs.Index})
		}
		q.rounds = append(q.rounds[:i], q.rounds[i+1:]...)
		st := g.rn.BasicStatus()
		g.win(&r, &st)
		break
	}
	return out
}

// restart sends the reads of all rounds on a new one. After a change of leader the old ones were somebody else's; after
// a change of membership they may never end: a leader that is alone by now sends no heartbeats and gets no answers.
func (q *readQueue) restart() {
	var again []read
	for _, r := range q.rounds {
		again = append(again, r.reads...)
		if len(r.reads) > 0 {
			q.waitingTicks = max(q.waitingTicks, r.ticks)
		}
	}
	q.waiting = append(again, q.waiting...)
	q.rounds = nil
}

func (q *readQueue) size() int {
	n := len(q.waiting) + len(q.confirmed)
	for _, r := range q.rounds {
		n += len(r.reads)
	}
	return n
}

// answersReadIndex says whether another peer's question for the commit index may be given to the library: only by a
// leader that has applied an entry of its own term. The library would pass the question on from one that does not lead
// any more, round and round if two believe in each other, and would answer too early where there is one voter.
func (g *Group) answersReadIndex() bool {
	st := g.rn.BasicStatus()
	return st.RaftState == etcd.StateLeader && g.applied.Term == st.HardState.GetTerm()
}

// admit says whether a message may be given to the library, and makes the promise that goes with its answer.
func (g *Group) admit(m *raftpb.Message) bool {
	switch m.GetType() {
	case raftpb.MsgVote, raftpb.MsgPreVote:
		if !forced(m) && g.silent() {
			g.reached(stateVoteWithheld)
			return false
		}
	case raftpb.MsgReadIndex:
		return g.answersReadIndex()
	case raftpb.MsgHeartbeat:
		g.promise(m)
	}
	return true
}
