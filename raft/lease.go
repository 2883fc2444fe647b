package raft

import (
	"bytes"
	"time"

	etcd "go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"ordeal/world"
)

// Leases is what the groups of one owner know of its clock, and for how long they trust it. Owners share one among all
// their groups, set Now at the beginning of every turn, and SilentUntil in the first.
//
// # The argument
//
// A leader that a quorum has answered a heartbeat sent at the time T, on the leader's clock, is the only one that can
// commit anything until somebody of that quorum votes for another (Ongaro's thesis, section 6.4.1). Whoever answers
// such a heartbeat promises not to do so for the time Promise, on its own clock:
//
//   - it campaigns itself only after ElectionTicks ticks without a heartbeat. The first of them may come right after the
//     heartbeat, so it is ElectionTicks-1 intervals that are certain, and that is what Promise has to be at most;
//   - it gives nobody else its vote, nor says that it would. The library sees to that as long as it remembers the leader,
//     but it forgets it when the refusal of an old pre-vote comes from a peer of a higher term. So the promise is kept
//     here as well, in Group.Step.
//
// If Length is no more than Promise on the clock of the fastest peer, as seen from the clock of the slowest, the leader
// may answer from what it has committed until T + Length. The heartbeat arrived after T, which is on the safe side, and
// so is a turn that comes late: it goes by the time at which it begins, and reads that arrive later have another turn.
//
// Quorums must meet: a membership differs from its predecessor and its successor by one peer, or is joint with it, so a
// quorum of the leader's and one of whatever a candidate knows have a peer in common. All the same a lease is not used
// from the proposal of a change until it is applied, nor in a joint membership, and is then won again from the start.
//
// What breaks a promise, and what is done about it:
//
//   - A transfer. A MsgTimeoutNow makes its receiver campaign at once, and its vote requests are exempt from all
//     promises. It may be late, or come after the attempt was given up. So from the first attempt on there is no lease
//     for the rest of the term; a message of an earlier term can depose nobody.
//   - A restart. A peer that restarts has forgotten whom it answered, and the answer may even have left before the term
//     that it belongs to was on the disk. So after its start a store gives no votes for the time Promise, in none of its
//     groups, whether they were there before or not (SilentUntil). A peer that takes the place of another with the same id
//     within one life, as a split does with one that a message had made, inherits its promise (Group.Inherit).
//   - A membership with one voter needs nobody's promise: nobody else can be elected without its vote.
//
// All peers of a group must make promises if one of them uses leases: LeaseReads is a property of the whole cluster.
type Leases struct {
	// Length is how long a lease is, from the moment at which its round of heartbeats began; 0 is no lease at all.
	Length time.Duration
	// Promise is how long whoever answered a heartbeat votes for nobody else.
	Promise time.Duration
	// Now is the time of the owner's turn, on the clock of its node.
	Now world.Time
	// SilentUntil is when promises of an earlier life are over for certain.
	SilentUntil world.Time
}

// lease is what one group has of it.
type lease struct {
	// until is when the lease ends that was won in term.
	until world.Time
	term  uint64
	// offIn is the term in which a transfer was attempted.
	offIn uint64
	// promisedUntil is how long this peer votes for nobody, for the sake of a leader's lease.
	promisedUntil world.Time
}

// win begins a lease with a round of heartbeats that a quorum has answered.
func (g *Group) win(r *readRound, st *etcd.BasicStatus) {
	ls := g.cfg.Leases
	if ls == nil || ls.Length == 0 || st.RaftState != etcd.StateLeader || r.term != st.HardState.GetTerm() {
		return
	}
	from := r.at
	// gofail: var bugLeaseFromAnswer struct{}
	// from = ls.Now

	g.lease.term, g.lease.until = r.term, max(g.lease.until, from.Add(ls.Length))
}

// leaseLeft returns for how long no other leader can have committed anything; 0 is no lease.
func (g *Group) leaseLeft(st *etcd.BasicStatus) time.Duration {
	ls := g.cfg.Leases
	term := st.HardState.GetTerm()
	if ls == nil || ls.Length == 0 || st.RaftState != etcd.StateLeader || g.lease.term != term || g.lease.offIn == term {
		return 0
	}
	left := max(0, g.lease.until.Sub(ls.Now))
	if g.changePending() || len(g.log.conf.GetVotersOutgoing()) > 0 {
		if left > 0 {
			g.reached(stateLeaseHeldBack)
		}
		return 0
	}
	return left
}

// DropLease ends the lease, if there is one. The next round of heartbeats wins another.
func (g *Group) DropLease() { g.lease.until = 0 }

// LeaseUntil is when the lease ends, for those who look at a group from outside; it says nothing if the peer does not lead.
func (g *Group) LeaseUntil() world.Time { return g.lease.until }

// forbidLease ends the use of leases for the rest of the term, since a transfer begins.
func (g *Group) forbidLease() {
	// gofail: var bugLeaseInTransfer struct{}
	// return
	if ls := g.cfg.Leases; ls != nil && g.lease.term == g.term && g.lease.until > ls.Now {
		g.reached(stateLeaseForbidden)
	}
	g.lease.offIn = g.term
}

// Inherit makes g keep what old, a peer with the same id whose place it takes, has promised.
func (g *Group) Inherit(old *Group) { g.lease.promisedUntil = old.lease.promisedUntil }

// promise is made by answering a heartbeat that asks for one: those that confirm reads have a context.
func (g *Group) promise(m *raftpb.Message) {
	if ls := g.cfg.Leases; ls != nil && ls.Promise > 0 && len(m.GetContext()) > 0 && m.GetTerm() >= g.term {
		g.lease.promisedUntil = max(g.lease.promisedUntil, ls.Now.Add(ls.Promise))
	}
}

// silent says whether the peer may not vote now: it has promised so, or may have in an earlier life.
func (g *Group) silent() bool {
	ls := g.cfg.Leases
	if ls == nil || ls.Promise == 0 {
		return false
	}
	until := max(g.lease.promisedUntil, ls.SilentUntil)
	// gofail: var bugLeaseRestart struct{}
	// until = g.lease.promisedUntil

	return ls.Now < until
}

// forced says whether a vote request is part of a transfer, of which the leader knows. The context is the library's
// (campaignTransfer in its raft.go).
func forced(m *raftpb.Message) bool { return bytes.Equal(m.GetContext(), []byte("CampaignTransfer")) }
