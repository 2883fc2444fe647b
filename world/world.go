// Package world is the seam between Ordeal's code and everything that is not code: time, messages, disks, chance.
//
// Everything that runs in a cluster is an Actor, a deterministic state machine that is given events and answers with
// effects. The package holds only values and interfaces. Two worlds implement them: world/sim runs a whole cluster on
// one goroutine under a virtual clock and one seed, world/real runs the same actors on goroutines, sockets and files.
// Nothing above this package can tell which of the two it is in.
//
// # The order that cannot be got wrong
//
// An actor commits to its own disk synchronously, inside Step; a commit is visible to the actor's own reads at once but
// is lost in a power failure until it is synced. What must not leave the machine before the disk has it is handed to
// Effects.Sync, and the world releases it once everything committed so far is durable. A message that depends on a
// write therefore cannot be sent before that write is safe, unless its author leaves Sync out on purpose.
package world

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Time is the number of nanoseconds since the world began, as one node's clock shows it. It is not wall-clock time.
type Time int64

// Add returns t moved by d.
func (t Time) Add(d time.Duration) Time { return t + Time(d) }

// Sub returns the time from u to t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// Seconds returns t in seconds.
func (t Time) Seconds() float64 { return time.Duration(t).Seconds() }

// String prints t as seconds with microseconds, the form used in schedules, traces and reports.
func (t Time) String() string { return fmt.Sprintf("%.6fs", t.Seconds()) }

// NodeID names a machine: what crashes as a whole, owns one disk and can be cut off. 0 is no node.
type NodeID uint64

// Addr names an actor: the node it lives on and its place among that node's actors (a store's shard, say).
type Addr struct {
	Node  NodeID
	Actor uint16
}

// String prints the address as node/actor.
func (a Addr) String() string { return fmt.Sprintf("%d/%d", a.Node, a.Actor) }

// CallID matches a reply to its request. It is unique among the outstanding calls of one caller.
type CallID uint64

// EventKind says what happened.
type EventKind uint8

// The kinds of events.
const (
	// EventMessage: a one-way message arrived. It may have been lost, doubled or reordered on its way.
	EventMessage EventKind = iota + 1
	// EventRequest: somebody calls and waits for Effects.Reply. A request is delivered at most once.
	EventRequest
	// EventTimer: a timer set with Effects.After is due.
	EventTimer
	// EventSynced: a barrier set with Effects.Sync is durable. Barriers complete in the order they were set.
	EventSynced
)

// Event is one thing that happened to an actor.
type Event struct {
	Kind EventKind
	// From is the sender of a message or request.
	From Addr
	// Call is quoted in the reply to a request.
	Call CallID
	// Token is what the actor gave to After or Sync.
	Token uint64
	// Payload is what was sent. It belongs to the world: an actor may keep parts of it but must not modify it.
	Payload []byte
}

// Actor is a deterministic state machine. It never blocks, reads a clock, starts a goroutine or draws from a random
// source other than the one it was born with.
type Actor interface {
	// Step handles what arrived since the last turn, in order of arrival. now is the clock of the actor's node;
	// the slice and out are valid during the call only.
	Step(now Time, in []Event, out *Effects)
}

// Send is a one-way message on its way.
type Send struct {
	To      Addr
	Payload []byte
}

// Reply answers the request Call of To.
type Reply struct {
	To      Addr
	Call    CallID
	Payload []byte
}

// Timer asks for an EventTimer with Token, Delay after the step that set it.
type Timer struct {
	Delay time.Duration
	Token uint64
}

// Barrier asks for an EventSynced with Token once everything that the actor has committed to its disk is durable;
// Then is sent at that moment, before the event is delivered.
type Barrier struct {
	Token uint64
	Then  []Send
}

// Effects collects what an actor wants done. The world reads and clears it after each step.
type Effects struct {
	Sends    []Send
	Replies  []Reply
	Timers   []Timer
	Barriers []Barrier
}

// Send sends payload to an actor, with no promise of arrival. payload belongs to the world from here on.
func (e *Effects) Send(to Addr, payload []byte) {
	e.Sends = append(e.Sends, Send{To: to, Payload: payload})
}

// Reply answers a request. payload belongs to the world from here on.
func (e *Effects) Reply(to Addr, call CallID, payload []byte) {
	e.Replies = append(e.Replies, Reply{To: to, Call: call, Payload: payload})
}

// After sets a timer. Timers are not cancelled: an actor ignores a token that it no longer expects.
func (e *Effects) After(d time.Duration, token uint64) {
	e.Timers = append(e.Timers, Timer{Delay: d, Token: token})
}

// Sync sets a durability barrier behind everything committed so far.
func (e *Effects) Sync(token uint64, then []Send) {
	e.Barriers = append(e.Barriers, Barrier{Token: token, Then: then})
}

// Reset empties e and keeps its memory.
func (e *Effects) Reset() {
	clear(e.Sends)
	clear(e.Replies)
	clear(e.Barriers)
	e.Sends, e.Replies, e.Timers, e.Barriers = e.Sends[:0], e.Replies[:0], e.Timers[:0], e.Barriers[:0]
}

// Env is what an actor is born with.
type Env struct {
	// Addr is the actor's own address.
	Addr Addr
	// Rand is the actor's only source of chance.
	Rand *rand.Rand
	// Nonce differs in every life of every actor: it makes ids unique across restarts.
	Nonce uint64
}

// Disk is a node's durable storage as a world sees it. Actors read and commit through a typed handle of their own
// (system/engine); the world only needs to know how far they got and to make that durable, or to lose it.
type Disk interface {
	// Position counts the commits made on this disk since it was created.
	Position() uint64
	// Sync blocks until every commit made before the call is durable. Only the real world calls it.
	Sync() error
	// Crash cuts the power: commits after the first keep are gone, but for those that the disk had made durable by
	// itself. With torn set, a part of the first lost commit may be left on the disk for recovery to find and
	// discard. Only the simulated world calls it; it returns how many commits were lost, and Position says how
	// many are left.
	Crash(keep uint64, torn bool) (lost uint64)
	// Close ends a life in an orderly way: everything committed is durable afterwards.
	Close() error
}

// Node describes a machine of the cluster.
type Node struct {
	ID   NodeID
	Name string
	// Disk is nil for a node that keeps nothing.
	Disk Disk
	// Actors is how many actors Boot returns.
	Actors int
	// Boot builds the node's actors from what its disk holds; it runs at the start and after every restart, with
	// one Env for each actor. An actor's first Step comes without events, so that it can set its timers.
	Boot func(envs []Env) ([]Actor, error)
}

// Crash is the value a failpoint panics with to take down the node it is on. A simulated world turns it into a crash
// of that node alone; anywhere else it ends the process, which is a crash as well.
type Crash struct {
	Node  NodeID
	Point string
}

// String names the failpoint and the node.
func (c Crash) String() string {
	return fmt.Sprintf("crash of node %d at failpoint %s", c.Node, c.Point)
}

// DiskFailure is the value that code panics with when the disk of its node fails so that it can't go on. A simulated world
// takes down that node alone; anywhere else it ends the process, which has the same effect.
type DiskFailure interface {
	error
	// DiskFailure names the kind of failure in a few words.
	DiskFailure() string
}
