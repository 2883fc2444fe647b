package store

import (
	"slices"

	"ordeal/internal/reach"
	"ordeal/raft"
)

// state is one of states.
type state uint8

const (
	stateMerging state = iota
	stateMergeRolledBack
	stateMergeCommitted
	stateMergeByLog
	stateMergeCarried
	stateMergeRefused
	stateMergeDeclined
	stateMergeOfQuarantined
	stateMergeUnnoticed
	stateLeaderWhileMerging
	stateSnapshotSending
	stateSnapshotArriving
	stateSnapshotOverData
	stateSnapshotWhileMerging
	stateSnapshotSwallows
	stateSnapshotBlocked
	stateSnapshotNoPlace
	stateSnapshotReplaced
	stateSnapshotDropped
	stateSnapshotRestarted
	stateSnapshotWhileSplitting
	stateSplit
	stateSplitRefused
	stateChildByMessage
	stateChildGone
	stateVoteKept
	stateVoteUsed
	stateWriteRefused
	stateWaitingOutdated
	stateReadRefused
	stateChangeByDeposed
	stateChangeRefused
	stateJoint
	stateJointLeftByOther
	stateLeaderRemoved
	stateSecondVoterLeaves
	statePeerByMessage
	stateStalePeerGone
	stateStalePeerByPD
	stateProposalsLost
	stateProposalStale
	stateBusy
	stateDeaf
	stateDiskLow
	stateLogTaken
	stateHibernated
	stateWokenBySilence
	stateWokenUnasked
	stateWokenByRestart
	stateQuarantined
	stateQuarantinedLeader
	stateQuarantinedMerging
	stateQuarantineStuck
	stateQuarantineEnded
	stateHeldForAlone
)

// States returns what a store, or one of its groups, may come to with a region.
func States() []reach.State { return slices.Concat(states, raft.States) }

var states = []reach.State{
	stateMerging:                {Name: "merging", About: "a region was frozen by a PrepareMerge, and is not yet part of its target"},
	stateMergeRolledBack:        {Name: "merge-rolled-back", About: "a region that was frozen was thawed, since its target had changed"},
	stateMergeCommitted:         {Name: "merge-committed", About: "a region became part of its neighbour"},
	stateMergeByLog:             {Name: "merge-catches-up", About: "a source that lagged was brought up from its own log before it was taken over"},
	stateMergeCarried:           {Name: "merge-carried", About: "a source that lagged got entries that the CommitMerge carried"},
	stateMergeRefused:           {Name: "merge-too-late", About: "a CommitMerge had no effect, since its target had changed"},
	stateMergeDeclined:          {Name: "merge-declined", About: "a target refused to take a region over, since one of its own peers got no snapshot"},
	stateMergeOfQuarantined:     {Name: "merge-of-quarantined", About: "a target was to take over a source that is quarantined here"},
	stateMergeUnnoticed:         {Name: "merge-unnoticed", About: "a peer learned from others that its region had been swallowed while it was away"},
	stateLeaderWhileMerging:     {Name: "elected-while-merging", About: "a frozen region got another leader"},
	stateSnapshotSending:        {Name: "snapshot-sending", About: "a leader began to send a snapshot"},
	stateSnapshotArriving:       {Name: "snapshot-arriving", About: "the first chunk of a snapshot was taken"},
	stateSnapshotOverData:       {Name: "snapshot-over-data", About: "a snapshot replaced what a peer had"},
	stateSnapshotWhileMerging:   {Name: "snapshot-while-merging", About: "a snapshot was applied of a region that is frozen, or by a peer that had been frozen"},
	stateSnapshotSwallows:       {Name: "snapshot-swallows", About: "a snapshot ended peers here whose regions its region had swallowed"},
	stateSnapshotBlocked:        {Name: "snapshot-blocked", About: "a snapshot was refused since another region has a part of its range here"},
	stateSnapshotNoPlace:        {Name: "snapshot-no-place", About: "a snapshot was refused since too many are being received"},
	stateSnapshotReplaced:       {Name: "snapshot-replaced", About: "a stream gave way to a later one"},
	stateSnapshotDropped:        {Name: "snapshot-dropped", About: "a stream was given up half-way"},
	stateSnapshotRestarted:      {Name: "snapshot-restarted", About: "a stream began again, since its receiver had lost what it had"},
	stateSnapshotWhileSplitting: {Name: "snapshot-of-old-range", About: "a region split while a snapshot of its old range was being sent"},
	stateSplit:                  {Name: "split", About: "a region was cut"},
	stateSplitRefused:           {Name: "split-too-late", About: "a split had no effect, since its region had changed"},
	stateChildByMessage:         {Name: "child-before-split", About: "a split met its child, which a message had made before"},
	stateChildGone:              {Name: "child-gone", About: "a split made no child, since a later peer of it is here or was"},
	stateVoteKept:               {Name: "vote-before-split", About: "a call to an election was kept for a region that a split was still to make"},
	stateVoteUsed:               {Name: "vote-after-split", About: "a split handed its child a call to an election that had been kept"},
	stateWaitingOutdated:        {Name: "write-waited-too-long", About: "the region changed while writes waited for an entry that was under way"},
	stateWriteRefused:           {Name: "write-too-late", About: "committed writes had no effect, since the region had changed in front of them"},
	stateReadRefused:            {Name: "read-too-late", About: "a confirmed read was refused, since the region had changed before it was answered"},
	stateChangeByDeposed:        {Name: "change-by-deposed", About: "a leader applied a membership change that a deposed one had proposed"},
	stateChangeRefused:          {Name: "change-too-late", About: "a committed membership change had no effect, since the region had changed in front of it"},
	stateJoint:                  {Name: "joint", About: "a region entered a joint configuration"},
	stateJointLeftByOther:       {Name: "joint-left-by-other", About: "a joint configuration was left under another leader than it was entered"},
	stateLeaderRemoved:          {Name: "leader-removed", About: "a leader applied its own removal"},
	stateSecondVoterLeaves:      {Name: "second-voter-leaves", About: "the second of two voters was removed and stayed for the other one's sake"},
	statePeerByMessage:          {Name: "peer-by-message", About: "a message made a peer that knows nothing of its region"},
	stateStalePeerGone:          {Name: "stale-peer-told", About: "a peer was told by another one that it had been removed"},
	stateStalePeerByPD:          {Name: "stale-peer-asked", About: "a peer learned from the placement driver that it had been removed"},
	stateProposalsLost:          {Name: "proposals-lost", About: "proposals got lost in a change of leader"},
	stateProposalStale:          {Name: "proposal-overtaken", About: "a proposal in the log was proved not to have been committed"},
	stateBusy:                   {Name: "store-full", About: "a request was refused since too many wait"},
	stateDeaf:                   {Name: "store-deaf", About: "a store heard nothing, since its disk was too far behind"},
	stateDiskLow:                {Name: "disk-low", About: "a write was refused since the store's disk is nearly full"},
	stateLogTaken:               {Name: "log-taken", About: "a log was compacted that a follower still needed"},
	stateHibernated:             {Name: "asleep", About: "a leader fell asleep, after all its followers"},
	stateWokenBySilence:         {Name: "woken-by-silence", About: "sleeping peers woke up since a store was silent"},
	stateWokenUnasked:           {Name: "woken-unasked", About: "a leader that slept woke up since no majority asked it whether to sleep on"},
	stateWokenByRestart:         {Name: "woken-by-restart", About: "sleeping peers woke up since a store had restarted"},
	stateQuarantined:            {Name: "quarantined", About: "a replica was taken out of service, since its data can't be trusted"},
	stateQuarantinedLeader:      {Name: "quarantined-leader", About: "a replica was taken out of service that led"},
	stateQuarantinedMerging:     {Name: "quarantined-merging", About: "a replica was taken out of service whose region is frozen"},
	stateQuarantineStuck:        {Name: "quarantine-stuck", About: "what a quarantined replica left could not be cut out, since it shares a damaged block"},
	stateQuarantineEnded:        {Name: "quarantine-ended", About: "what a quarantined replica left was cut out"},
	stateHeldForAlone:           {Name: "held-for-alone", About: "committed entries waited for a turn in which the other shards stand still"},
}

// reached tells the listener that a region of this store has come to a state; other is another region that has to do with
// it (the target of a merge, a child), or 0.
func (s *Store) reached(st state, region, other uint64) {
	if f := s.cfg.Listener.Reached; f != nil {
		f(s.cfg.StoreID, states[st].Name, region, other)
	}
}

// came is reached for a peer's region alone.
func (s *Store) came(p *peer, st state) { s.reached(st, p.region.GetId(), 0) }
