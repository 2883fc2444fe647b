// Package nemesis hurts a cluster on purpose: it draws a schedule of faults from a seed, carries it out and collects
// the evidence that each fault bit.
//
// # A fault is a value
//
// A Fault prints as its source text, and the text parses back to the same value, so that a schedule can be stored,
// edited, shrunk and run again. What is done and to whom are separate: a Whom such as leader(3) names its victim by an
// ordinal that is looked up when the fault strikes. Everything random is drawn together with the schedule and stands in
// its text as a literal number; carrying out a schedule draws nothing.
//
// # The text
//
// One entry a line, # starts a comment. Times are virtual and count from the start of the chaos phase:
//
//	+1.250s for 0.800s partition isolate(leader(3)) pd=out
//	+1.400s transfer-leader region(2) to(1)
//
// Faults that last say for how long; those done in an instant (commands, but for joint) take no "for".
//
//	partition halves(MASK)          stores of the mask | the others, both ways
//	partition isolate(WHOM)         WHOM | the other stores, both ways
//	partition oneway(WHOM->WHOM)    messages from the first group to the second are lost, answers come
//	    pd=SIDE clients=SIDE        where those nodes are: in (the first group), out (the second), both (the default:
//	                                they reach everybody) or a mask of those that are in
//	partition bridge(MASK) over(K)  stores of the mask | the others, but for the K-th store, which reaches all
//	partition ring                  each store reaches its two neighbours by id
//	partition flap(WHOM) times(N)   WHOM is cut off and back, N times, and then stays cut off
//	partition swizzle(MASK)         stores of the mask are cut off one by one and come back one by one, but for the last
//	kill WHOM                       power loss; the store starts again when the fault ends
//	kill pd MEMBERS                 the same for members of the placement driver; all without MEMBERS
//	pause VICTIMS                   they stand still: no turn, no message, while their clock goes on
//	restart rolling WHOM            stores lose power for an instant, one after the other
//	restart loop WHOM times(N)      the first of them does, N times
//	net VICTIMS loss(P) again(P) overtake(P) slow(TIME)
//	                                of all that they send and get, so many percent are lost, come twice, overtake others;
//	                                everything is late by up to TIME
//	disk VICTIMS slow(TIME)         each fsync takes that much longer
//	disk VICTIMS stalls             no fsync ends
//	disk VICTIMS fails              the next fsync fails, and the node goes down
//	disk VICTIMS low                there is no room left but a reserve: stores must refuse to be given more
//	disk VICTIMS full               nothing can be written: the node goes down, and can't start until there is room
//	disk VICTIMS unreadable         they restart, and no table can be read then: whoever needs one goes down
//	clock VICTIMS jump(TIME)        their clocks jump forward
//	clock VICTIMS speed(P)          their clocks run faster by P percent of the largest drift
//	pd-partition MEMBERS members stores=MASK oneway
//	                                MEMBERS | the other members (of all: each from each), and the stores of the mask; one
//	                                of the two may be left out. With oneway only what MEMBERS say is lost
//	pd-leader-transfer to(N)        the placement driver's leader hands over
//	pd-replay late(N) again(N) old(N) within TIME
//	                                so many percent of the messages between stores and the placement driver are late and
//	                                overtaken; come twice; bring one along that is much older. Delays are up to TIME
//	pd-storm orders(N) pick(K)      N operators are ordered of the placement driver; which, follows from K
//	decommission WHOM               that store is told to leave; another one joins when the fault ends, or before, where
//	                                regions would have no room
//	crash-at POINT WHOM             the next time that store comes by the failpoint, it loses power
//	delay-at POINT WHOM by TIME     the next time that store comes by the failpoint, it stands still for so long
//	error-at POINT WHOM             whatever that store is about to do at the failpoint, one whose name begins with error, fails
//	lag WHOM POINT                  that store is cut off from the others; when the fault ends it hears them again, and
//	                                whoever comes by the crash point first loses power in the middle of a snapshot
//	transfer-leader region(K) to(N)
//	conf-change add region(K) on(N)
//	conf-change remove region(K) from(N)
//	conf-change replace region(K) N->M
//	joint region(K) N->M swaps(S)   S voters from the N-th on are replaced at once, by replicas on stores from the M-th
//	                                on, through a joint configuration
//	    explicit kill               it is left when the fault ends, not by itself; its leader loses power in it
//	learner region(K) on(N) END     a replica without a vote: it stays, or is removed, promoted, demoted again
//	replace region(K) N->M          a replica moves: a learner comes, is promoted, and the old one goes
//	    joint                       the two change places at once
//	split region(K)
//	batch-split region(K) keys(N) left    at N keys at once; the region goes on as its part on that side, or right
//	bit-rot WHOM block(N)           a store loses power, a block of its data is damaged, and it starts again; when the fault
//	                                ends, replicas are compared, so that what nobody has read is noticed as well
//	bit-rot WHOM log(N)             a store loses power, and a record of its write-ahead log is damaged: it must refuse to
//	                                start, and is lost with its disk; see wipe
//	wipe WHOM                       a store loses its disk, and another one joins; when the fault ends the placement driver
//	                                is told, if it does not know
//	wipe WHOM blank                 until then it comes up with an empty disk under its old id, and must be refused
//	merge region(K) left            into its neighbour on that side, or right
//	merge region(K) left racing RACE    RACE is split (of the neighbour), target or source (changes of their replicas)
//	coup transfer region(K)         a leader agrees to hand over, and from then on hears nothing
//	coup merge region(K) left|right a region is merged, and once it is frozen its leader hears nothing
//	coup late(TIME) region(K) clients=MASK after T
//	                                all that a leader hears and says comes to be late by up to TIME; after T it is not heard any more,
//	                                while old answers still come in. All but these clients are cut off from it
//	coup restart region(K) clients=MASK after T
//	                                a replica, and all but these clients, are cut off from the leader for T; then all
//	                                stores are, and the replicas but the first restart
//
//	when STATE within TIME: FAULT   that fault strikes when a store has come to a state with a region, such as merging, if
//	                                this happens in that time; for the names of states see the documentation of runs
//	when at POINT within TIME: FAULT    the same for a failpoint. Behind a state or failpoint region(K) may stand: then
//	                                only that region counts
//
// In a FAULT that waits, ordinals of regions count from the one with which the state was seen, and WHOM may also be there
// (the store that has come to it), its-leader (of that region) or other-leader (of the other region that has to do with
// it: the target of a merge, the child of a split):
//
//	+1.250s for 0.800s when merging within 2.000s: kill other-leader
//	+3.000s for 0.500s when snapshot-arriving within 2.000s: partition isolate(there)
//
// WHOM is store(ID), any(K) (one of those that are up), leader(K) (of a region), majority(K) (of a region's replicas,
// without its leader), stores(MASK), all, and, in oneway only, rest. Bit i of a MASK such as 0x15 stands for the i-th
// node in ascending order, and store(ID) for the one that has taken that store's place once it is gone. MEMBERS is all, leader or any(K). VICTIMS is WHOM or pd MEMBERS. K, N and M are ordinals: they count from 0 through the candidates in a fixed order (regions
// by start key, stores by id) and start over at the end, so every number names somebody if there is anybody to name.
package nemesis

import (
	"time"

	"ordeal/world"
)

// Peer is one replica of a region.
type Peer struct {
	ID    uint64
	Store world.NodeID
	// Learner says that it has no vote, not even in a joint configuration.
	Learner bool
	// Demoting says that it loses its vote when the joint configuration is left.
	Demoting bool
}

// Region is a target's picture of a region. Leader is 0 if it is unknown.
type Region struct {
	ID               uint64
	Start, End       []byte
	ConfVer, Version uint64
	Peers            []Peer
	Leader           world.NodeID
	Term             uint64
	// Joint says that the region is between two configurations.
	Joint bool
}

// AnyNode stands for whichever node comes by first.
const AnyNode world.NodeID = 0

// Damage is a block of a store's data that was damaged, and what became of it.
type Damage struct {
	Store world.NodeID
	// What is the damage in words.
	What string
	// Quarantined is how many replicas the store has taken out of service since.
	Quarantined int
	// Unnoticed are the regions of whose replicas on the store, in service, some data can't be read.
	Unnoticed []uint64
	// Hidden says that all replicas on the store can be read and none is out of service, but the block is there: what was in it
	// has been deleted since, and when a compaction comes to it whoever has its keys then is out of service.
	Hidden bool
	// Repaired says that all replicas on the store can be read, none is out of service, and the block has gone; of a store
	// that is lost, that no region has a replica there any more.
	Repaired bool
	// Lost says that the damage was such that the store is lost with all that it had. If it is at work all the same, all its
	// regions are Unnoticed.
	Lost bool
}

// Blank is a store that has come up with an empty disk, and what it was told, "" if nobody has answered it.
type Blank struct {
	Store   world.NodeID
	Refused string
}

// Target is a cluster as a nemesis sees it. Whoever owns a cluster implements it; calls that take a Proc wait, no
// longer than a bound of the target's own, and the others answer at once.
type Target interface {
	// Stores returns every store node, up or down, ascending, but for those that are lost.
	Stores() []world.NodeID
	// Procs returns the nodes of the clients, ascending.
	Procs() []world.NodeID
	// PDs returns the nodes of the placement driver, ascending.
	PDs() []world.NodeID
	// PDLeader returns which of them leads, 0 if none is known to.
	PDLeader() world.NodeID
	// TransferPD asks the placement driver's leader to hand over to another member.
	TransferPD(p world.Proc, to world.NodeID) error
	// Up tells whether a node has power.
	Up(n world.NodeID) bool
	// Regions returns the current regions by start key, as their freshest leaders say.
	Regions() []Region
	// Cut drops messages in this direction from now on. It is idempotent.
	Cut(from, to world.NodeID)
	// Uncut ends that, whoever began it.
	Uncut(from, to world.NodeID)
	// HealNetwork removes all cuts.
	HealNetwork()
	// MessagesCut counts the messages dropped by cuts so far.
	MessagesCut() uint64
	// Crash takes the power from a node; lost is the number of its commits that were not durable.
	Crash(n world.NodeID) (lost uint64, err error)
	// Restart boots a crashed node.
	Restart(n world.NodeID) error
	// Pause lets a node stand still, and Resume lets all go on that do; it returns how many events wait for them.
	Pause(n world.NodeID) error
	Resume() (waiting uint64)
	// Worsen makes a node's links bad ones, and EndWorsen ends that for all and returns what was done since the last time.
	Worsen(n world.NodeID, w Weather) error
	EndWorsen() Weathered
	// HurtDisk gives a node's disk trouble, and HealDisks ends that for all; it returns how many fsyncs, commits and reads were touched.
	HurtDisk(n world.NodeID, d DiskTrouble) error
	HealDisks() (touched uint64)
	// JumpClock moves a node's clock forward, and SpeedClock changes its speed, in percent of the largest drift.
	JumpClock(n world.NodeID, by time.Duration) error
	SpeedClock(n world.NodeID, percent uint64) error
	// TransferLeader asks the leader of a region to hand over to the peer on a store.
	TransferLeader(p world.Proc, region uint64, to world.NodeID) error
	// AddPeer adds a replica of the region on a store that has none.
	AddPeer(p world.Proc, region uint64, on world.NodeID) error
	// RemovePeer removes the region's replica from a store.
	RemovePeer(p world.Proc, region uint64, from world.NodeID) error
	// ChangePeers makes several changes of a region's replicas at once, through a joint configuration, in which the region
	// stays until LeaveJoint if the leave is explicit. A single change is made without one.
	ChangePeers(p world.Proc, region uint64, changes []PeerChange, explicitLeave bool) error
	// LeaveJoint takes the region out of its joint configuration.
	LeaveJoint(p world.Proc, region uint64) error
	// Order asks the placement driver to do something with a region, and returns what it has begun, "" if nothing.
	Order(p world.Proc, o Order) (begun string, err error)
	// Tamper begins to tamper with messages between stores and the placement driver, or changes how.
	Tamper(t Tampering)
	// EndTamper ends it and returns what was done since the last time.
	EndTamper() Tampered
	// Leave tells the placement driver to empty a store. It refuses where regions would have no room.
	Leave(p world.Proc, store world.NodeID) error
	// Leaving returns the stores that were told to leave, gone or not, ascending.
	Leaving() []world.NodeID
	// Join lets a new store join in the place of one that leaves, and Joined is how many have.
	Join(p world.Proc) (world.NodeID, error)
	Joined() int
	// MakeRoom takes away machines of stores that have left, but for the latest few, and returns how many stores may join.
	MakeRoom() int
	// Heir is the store that has taken the place of one whose machine was taken away, 0 if there is none.
	Heir(n world.NodeID) world.NodeID
	// ReplicasWanted is how many replicas a region should have.
	ReplicasWanted() int
	// Split splits the region that holds key, at key.
	Split(p world.Proc, key []byte) error
	// SplitKey returns a key to split the region at, nil if it has too little data.
	SplitKey(p world.Proc, region uint64) []byte
	// BatchSplit splits one region at several keys, all at once. The region goes on as its first part, or as its last one.
	BatchSplit(p world.Proc, keys [][]byte, right bool) error
	// SplitKeys returns up to n keys to split the region at, all at once.
	SplitKeys(p world.Proc, region uint64, n int) [][]byte
	// Merge merges a region into another one, its neighbour.
	Merge(p world.Proc, source, target uint64) error
	// Rot takes the power from a store, damages a block on its disk that holds data of some of these regions and of no
	// other, and boots it again. Of several such blocks it takes the one numbered block, counting round. It says in words
	// which one that was, and nothing if there is none.
	Rot(n world.NodeID, regions []uint64, block uint64) (what string, err error)
	// Lose takes the power from a store, if it has any, and its disk: it never comes back. Lost are all that this has happened to,
	// ascending.
	Lose(n world.NodeID) error
	Lost() []world.NodeID
	// Blank takes the power and the disk from a store and boots it with an empty one. Blanks are those that run so.
	Blank(n world.NodeID) error
	Blanks() []Blank
	// RotLog takes the power from a store, damages a record of its write-ahead log, counting round, and boots it again, which
	// it must refuse: then it is lost. It says in words what was damaged, nothing if nothing was, and why the
	// store did not start.
	RotLog(n world.NodeID, record uint64) (what, refused string, err error)
	// Damages returns all stores that lost their disks, and then all that Rot has damaged, in that order.
	Damages() []Damage
	// Ails says what is wrong with one of the region's replicas: it has no power, is empty, or can't be read. It says nothing
	// if all are well.
	Ails(region uint64) string
	// AilsOn is Ails for all regions that have a replica on a store.
	AilsOn(n world.NodeID) string
	// Check has the replicas of a region compared.
	Check(p world.Proc, region uint64) error
	// Failpoints returns the failpoints that are compiled in, none without the overlay.
	Failpoints() []string
	// Arm makes a store that comes by a failpoint suffer what is said; with AnyNode, the first that does.
	Arm(point string, n world.NodeID, what Act) error
	// Disarm disarms all failpoints and returns the names of those that were hit since the last call.
	Disarm() (hit []string)
	// States returns the names of the states that Await knows; none if the target does not show any.
	States() []string
	// Await has then called once, in a proc of its own, at the very moment at which the condition comes true; for a
	// condition of one region, with the region of that id. After forget it is not called any more.
	Await(c Condition, region uint64, then func(world.Proc, Seen)) (forget func(), err error)
}
