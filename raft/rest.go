package raft

import (
	etcd "go.etcd.io/raft/v3"
)

// AtRest says whether this leader's group has nothing left to do: every peer has answered lately and has the whole log,
// all of it is committed and applied here, and no transfer, conf change, snapshot or read is under way. Such a group can
// do without ticks until somebody wants something of it, as long as somebody else watches over the leader's machine.
func (g *Group) AtRest() bool {
	last := g.log.lastIndex()
	if g.applied.Index != last || !g.ownTermApplied() || g.busy() || len(g.log.conf.GetVotersOutgoing()) > 0 {
		return false
	}
	st := g.rn.BasicStatus()
	if st.RaftState != etcd.StateLeader || st.LeadTransferee != 0 || st.HardState.GetCommit() != last || st.Applied != last {
		return false
	}
	all := true
	g.rn.WithProgress(func(id uint64, _ etcd.ProgressType, pr progress) {
		all = all && pr.Match == last && (id == g.cfg.Peer || pr.RecentActive)
	})
	return all
}

// RestsAt says whether this follower knows of nothing beyond what a leader of term said when it wished for rest: the log
// ends at last, and all of it is committed and applied.
func (g *Group) RestsAt(term, last uint64) bool {
	return g.role == etcd.StateFollower && g.lead != 0 && g.term == term && !g.busy() &&
		g.log.lastIndex() == last && g.applied.Index == last && g.log.hard.GetCommit() == last
}

// busy says whether the group has something to be taken by Ready, or waits for the answer to something.
func (g *Group) busy() bool {
	return len(g.proposed) > 0 || len(g.reads.rounds) > 0 || g.reads.size() > 0 || g.HasReady()
}

// Rest gives back what memory a group can do without while it rests.
func (g *Group) Rest() {
	g.proposed, g.snapshotTicks = nil, nil
	g.reads = readQueue{seq: g.reads.seq}
}

// LeaderSilent makes up for the ticks that a resting follower did without, after its leader's machine was silent for an
// election timeout: with the next tick the follower votes for others again, and it campaigns after its jitter. The time
// has passed in truth, so a leader that counts on not being voted out within an election timeout of its last heartbeat is
// not cheated.
func (g *Group) LeaderSilent() {
	for range g.cfg.ElectionTicks - 1 {
		if g.rn.BasicStatus().RaftState == etcd.StateFollower {
			g.rn.Tick()
		}
	}
	g.fixJitter()
}
