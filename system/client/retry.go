package client

import (
	"errors"

	"ordeal/proto/errorpb"
	"ordeal/world"
)

// class is what kind of operation failed: what may be done about a failure depends on it.
type class int

const (
	// read: may be asked as often as one likes.
	read class = iota
	// write: must not be done twice.
	write
	// split: as a write it goes to whatever region holds its key, but a refusal that is not about the place is an
	// answer.
	split
	// admin: a change meant for one region at one epoch. If that region has changed, so has the reason to ask.
	admin
)

// cause is why an attempt failed.
type cause int

const (
	// The store refused, as errorpb says.
	notLeaderHinted cause = iota // and it knows who leads
	notLeader
	epochLearned // the region has changed, and the cache now knows how
	epochUnknown // the caller's epoch is not the store's, which has nothing new to tell
	regionNotFound
	regionNotInitialized
	keyNotInRegion
	storeNotMatch
	mismatchPeer
	serverIsBusy
	staleCommand
	raftEntryTooLarge
	readIndexNotReady
	proposalInMergingMode
	diskFull
	undetermined
	unknownReason // of a version that this client does not know
	rejected      // the request itself is wrong

	// The store did not answer.
	refused   // and did not get the request
	timedOut  // but may have got it, or may still get it
	reset     // but may have got it
	malformed // in a way that can be read

	// The placement driver is of no help.
	pdSilent
	pdElsewhere // another member leads, which the next call goes to
	pdNotLeader // and the one that was asked does not know who does
	pdRefused
	storeUnknown // it does not know the store where the leader is to be

	// The operation's time is up.
	outOfTime

	causes // how many there are
)

// action is what to do about a failure.
type action int

const (
	// again: the cache has been corrected; go on at once.
	again action = iota + 1
	// nextPeer: ask another peer of the region, and the placement driver once all were asked.
	nextPeer
	// refresh: forget the region and ask the placement driver.
	refresh
	// wait: ask the same peer again a little later.
	wait
	// giveUp: the operation had no effect and is not going to have one.
	giveUp
	// unknown: the operation may have taken effect. Nothing is sent again.
	unknown
)

// policy is the one place that decides about failures. Columns: read, write, split, admin.
//
// Only causes of which it is certain that the request had no effect have anything but unknown in the last three.
var policy = [causes][4]action{
	notLeaderHinted:       {again, again, again, again},
	notLeader:             {nextPeer, nextPeer, nextPeer, nextPeer},
	epochLearned:          {again, again, again, giveUp},
	epochUnknown:          {nextPeer, nextPeer, nextPeer, giveUp},
	regionNotFound:        {refresh, refresh, refresh, nextPeer},
	regionNotInitialized:  {nextPeer, nextPeer, nextPeer, nextPeer},
	keyNotInRegion:        {refresh, refresh, refresh, giveUp},
	storeNotMatch:         {refresh, refresh, refresh, nextPeer},
	mismatchPeer:          {refresh, refresh, refresh, nextPeer},
	serverIsBusy:          {wait, wait, wait, wait},
	staleCommand:          {wait, wait, wait, wait},
	raftEntryTooLarge:     {giveUp, giveUp, giveUp, giveUp},
	readIndexNotReady:     {nextPeer, wait, wait, wait},
	proposalInMergingMode: {wait, wait, wait, wait},
	diskFull:              {wait, wait, wait, wait},
	undetermined:          {nextPeer, unknown, unknown, unknown},
	unknownReason:         {nextPeer, unknown, unknown, unknown},
	rejected:              {giveUp, giveUp, giveUp, giveUp},

	refused:   {nextPeer, nextPeer, nextPeer, nextPeer},
	timedOut:  {nextPeer, unknown, unknown, unknown},
	reset:     {nextPeer, unknown, unknown, unknown},
	malformed: {nextPeer, unknown, unknown, unknown},

	pdSilent:     {wait, wait, wait, wait},
	pdElsewhere:  {again, again, again, again},
	pdNotLeader:  {wait, wait, wait, wait},
	pdRefused:    {wait, wait, wait, wait},
	storeUnknown: {refresh, refresh, refresh, nextPeer},

	outOfTime: {giveUp, giveUp, giveUp, giveUp},
}

// transportCause sorts an error of Proc.Call. An error this version does not know promises nothing, as reset does.
func transportCause(err error) cause {
	switch {
	case errors.Is(err, world.ErrRefused):
		return refused
	case errors.Is(err, world.ErrTimeout):
		return timedOut
	default:
		return reset
	}
}

// regionCause sorts a region error; learned says that the cache has taken something new from it.
func regionCause(e *errorpb.Error, learned bool) cause {
	switch {
	case e.GetUndeterminedResult() != nil:
		// Before all others: it must win if a store ever sets two reasons.
		return undetermined
	case e.GetNotLeader() != nil:
		if learned {
			return notLeaderHinted
		}
		return notLeader
	case e.GetEpochNotMatch() != nil:
		if learned {
			return epochLearned
		}
		return epochUnknown
	case e.GetRegionNotFound() != nil:
		return regionNotFound
	case e.GetRegionNotInitialized() != nil:
		return regionNotInitialized
	case e.GetKeyNotInRegion() != nil:
		return keyNotInRegion
	case e.GetStoreNotMatch() != nil:
		return storeNotMatch
	case e.GetMismatchPeerId() != nil:
		return mismatchPeer
	case e.GetServerIsBusy() != nil:
		return serverIsBusy
	case e.GetStaleCommand() != nil:
		return staleCommand
	case e.GetRaftEntryTooLarge() != nil:
		return raftEntryTooLarge
	case e.GetReadIndexNotReady() != nil:
		return readIndexNotReady
	case e.GetProposalInMergingMode() != nil:
		return proposalInMergingMode
	case e.GetDiskFull() != nil:
		return diskFull
	default:
		return unknownReason
	}
}
