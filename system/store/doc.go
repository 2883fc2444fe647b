// Package store is the multi-raft store, the system under test: one actor that runs the Raft groups of all regions
// that have a peer here, applies what they commit to one engine, and talks to clients, other stores and the placement
// driver.
//
// # One turn
//
// A turn drains the inbox, then steps every group that something happened to until none has anything left to do, and
// collects all of it in one batch: log entries, hard states, applied data and the apply state that belongs to it. The
// batch is committed once, one durability barrier is set behind it, and only messages that depend on nothing new
// leave at once; the others are released by the barrier. turn.go is the only place that knows this order.
//
// # Shards
//
// A store is one or more such actors, each with regions of its own; a region's id says with which it lives. The few things
// that take regions of two of them are done in a turn during which the others stand still; see alone.go.
//
// # Regions
//
// A region is a half-open key range with an epoch: conf_ver rises with membership, version with the range. Every
// command carries the epoch it was made for, which is checked when it is proposed and again when it is applied. Who
// waits for a command is found by the index and the term at which it landed.
//
// # Life of a peer
//
// A peer is born by bootstrap, by the split of a region that has a peer on the same store, or by the first message of a
// leader or candidate, and then stays uninitialised until a snapshot fills it. A peer that was removed leaves a
// tombstone that no late message can wake; peer ids only ever rise, so a higher id on the same store proves that the
// lower one is gone. A peer whose removal leaves a single voter does not go by itself: it stays, as one that is leaving,
// until it is told that the other one knows for good. A peer also ends when its region becomes a part of another one, whose
// peer on the same store takes its data over; see merge.go.
package store
