// Package raft runs one Raft group on one store: go.etcd.io/raft/v3 with a durable log on the store's engine.
//
// A Group is a state machine without goroutines, clocks or sockets. Its owner feeds it ticks, messages, proposals and
// reads, and calls Ready at the end of a turn. Ready puts log entries and hard state into the owner's batch and hands
// back, sorted by what they depend on, the messages that may leave at once, the messages that may leave only once the
// batch is durable, the entries to apply and the reads that were confirmed.
//
// The library is used with AsyncStorageWrites: the disk is a message target like any other, a slow fsync delays only
// what depends on it, and entries are given out for apply only once they are durable here. Elections use PreVote and
// CheckQuorum; reads are linearizable by ReadIndex (Ongaro's thesis, section 6.4) and, beyond what the library checks,
// are started only after an entry of the leader's own term was applied: with a single voter the library would answer
// at once from a commit index that may be behind what an earlier leader acknowledged.
package raft
