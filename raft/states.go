package raft

import "ordeal/internal/reach"

// state is one of States.
type state uint8

const (
	stateConflict state = iota
	stateChangeOverwritten
	stateDeposed
	stateDeposedWithTail
	stateReadBeforeOwnTerm
	stateReadAskedAgain
	stateReadExpired
	stateVoteWithheld
	stateLeaseHeldBack
	stateLeaseForbidden
	stateSnapshotOverdue
)

// States is what one peer of a group may come to.
var States = []reach.State{
	stateConflict:          {Name: "log-conflict", About: "entries of one leader were replaced by those of another"},
	stateChangeOverwritten: {Name: "conf-change-overwritten", About: "a membership change that was in a log was replaced by something else"},
	stateDeposed:           {Name: "leader-deposed", About: "a peer stopped leading"},
	stateDeposedWithTail:   {Name: "deposed-with-tail", About: "a peer stopped leading that had entries which were not committed"},
	stateReadBeforeOwnTerm: {Name: "read-before-own-term", About: "a read had to wait since its new leader had applied nothing of its own term"},
	stateReadAskedAgain:    {Name: "read-asked-again", About: "a follower asked its leader a second time for an index to read at"},
	stateReadExpired:       {Name: "read-expired", About: "a read was given up since nobody confirmed it"},
	stateVoteWithheld:      {Name: "vote-withheld", About: "a vote was refused for the sake of a lease, or of one that a restart may have forgotten"},
	stateLeaseHeldBack:     {Name: "lease-held-back", About: "a lease that ran was not used since a membership change was under way"},
	stateLeaseForbidden:    {Name: "lease-forbidden", About: "a lease that ran was given up for a transfer of leadership"},
	stateSnapshotOverdue:   {Name: "snapshot-overdue", About: "a leader heard nothing of a snapshot for too long and asked its follower again"},
}

// reached tells the owner.
func (g *Group) reached(s state) {
	if f := g.cfg.Reached; f != nil {
		f(States[s].Name)
	}
}
