package raft

import (
	"encoding/binary"

	etcd "go.etcd.io/raft/v3"
)

// ConfirmedRead is a read that may be answered from the state machine once Index is applied there.
type ConfirmedRead struct {
	Token uint64
	Index uint64
}

// readQueue holds reads from their arrival to their confirmation. All reads that arrive between two Readys share one
// read context and so one round of heartbeats.
type readQueue struct {
	seq     uint64
	waiting []uint64
	rounds  []readRound
}

type readRound struct {
	seq    uint64
	tokens []uint64
}

// Read asks for a linearizable read. The token comes back in Ready.Reads, or through DropReads.
func (g *Group) Read(token uint64) error {
	if g.role != etcd.StateLeader {
		return ErrNotLeader
	}
	if g.reads.size() >= MaxWaitingReads {
		return ErrBusy
	}
	g.reads.waiting = append(g.reads.waiting, token)
	return nil
}

// DropReads returns the tokens of all reads that are not confirmed, and forgets them. The owner calls it when the peer
// stops leading.
func (g *Group) DropReads() []uint64 {
	var tokens []uint64
	for _, r := range g.reads.rounds {
		tokens = append(tokens, r.tokens...)
	}
	tokens = append(tokens, g.reads.waiting...)
	g.reads.rounds, g.reads.waiting = nil, nil
	return tokens
}

// startReads sends the waiting reads on their round, once the leader has applied an entry of its own term: until then
// its commit index may be behind what an earlier leader acknowledged (Raft paper, section 8), and the library only
// looks at that with more than one voter.
func (g *Group) startReads() {
	if len(g.reads.waiting) == 0 || !g.ownTermApplied() {
		return
	}
	if g.rn.BasicStatus().RaftState != etcd.StateLeader {
		return // it stepped down in this turn; the owner will drop the reads
	}
	g.reads.seq++
	g.rn.ReadIndex(g.readContext(g.reads.seq))
	g.reads.rounds = append(g.reads.rounds, readRound{seq: g.reads.seq, tokens: g.reads.waiting})
	g.reads.waiting = nil
}

// confirmed appends the reads of the round that rs is about.
func (q *readQueue) confirmed(out []ConfirmedRead, rs etcd.ReadState) []ConfirmedRead {
	seq := binary.BigEndian.Uint64(rs.RequestCtx[16:])
	for i, r := range q.rounds {
		if r.seq != seq {
			continue
		}
		for _, t := range r.tokens {
			out = append(out, ConfirmedRead{Token: t, Index: rs.Index})
		}
		q.rounds = append(q.rounds[:i], q.rounds[i+1:]...)
		break
	}
	return out
}

// restart sends the reads of all rounds on a new one. After a change of membership the old ones may never end: a leader
// that is alone by now sends no heartbeats and gets no answers.
func (q *readQueue) restart() {
	var again []uint64
	for _, r := range q.rounds {
		again = append(again, r.tokens...)
	}
	q.waiting = append(again, q.waiting...)
	q.rounds = nil
}

func (q *readQueue) size() int {
	n := len(q.waiting)
	for _, r := range q.rounds {
		n += len(r.tokens)
	}
	return n
}
