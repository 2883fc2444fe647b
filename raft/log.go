package raft

import (
	"fmt"

	etcd "go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"ordeal/system/engine"
)

// InitialIndex and InitialTerm are where the log of a new region starts: as if everything up to them had been
// compacted. A peer that was created by a message starts at 0 and can therefore only be filled by a snapshot.
const (
	InitialIndex = 5
	InitialTerm  = 5
)

// log is the durable log of one group and implements the library's Storage. Everything that is not compacted is also
// held in memory; the owner's compaction bounds it.
type log struct {
	region uint64
	hard   *raftpb.HardState
	// promised is what the disk holds of hard.
	promised  promise
	conf      *raftpb.ConfState
	truncated ID
	// entries[i] has index truncated.Index+1+i.
	entries []*raftpb.Entry
	// snapshot builds the state machine's data as of applied; nil data means that it can't be built just now.
	snapshot func() []byte
	applied  func() ID
}

// promise is the part of a hard state that must not be forgotten.
type promise struct{ term, vote uint64 }

// ID names a log entry.
type ID struct {
	Index, Term uint64
}

// loadLog reads what is on the disk of a region's log.
func loadLog(eng *engine.Engine, region uint64, truncated ID) (*log, error) {
	l := &log{region: region, truncated: truncated, hard: &raftpb.HardState{}}
	if v, ok := eng.Get(engine.HardStateKey(region)); ok {
		if err := proto.Unmarshal(v, l.hard); err != nil {
			return nil, fmt.Errorf("region %d: hard state on disk: %w", region, err)
		}
		l.promised = promise{term: l.hard.GetTerm(), vote: l.hard.GetVote()}
	}
	var bad error
	next := truncated.Index + 1
	lo, hi := engine.RaftLogRange(region, next, ^uint64(0))
	eng.Scan(lo, hi, func(_, v []byte) bool {
		e := &raftpb.Entry{}
		if bad = proto.Unmarshal(v, e); bad != nil {
			return false
		}
		if e.GetIndex() != next {
			bad = fmt.Errorf("has entry %d where %d is due", e.GetIndex(), next)
			return false
		}
		next++
		l.entries = append(l.entries, e)
		return true
	})
	if bad != nil {
		return nil, fmt.Errorf("region %d: log on disk: %w", region, bad)
	}
	return l, nil
}

// InitialState implements etcd.Storage.
func (l *log) InitialState() (*raftpb.HardState, *raftpb.ConfState, error) {
	return l.hard, l.conf, nil
}

// Entries implements etcd.Storage.
func (l *log) Entries(lo, hi, maxSize uint64) ([]*raftpb.Entry, error) {
	if lo <= l.truncated.Index {
		return nil, etcd.ErrCompacted
	}
	if hi > l.lastIndex()+1 {
		return nil, etcd.ErrUnavailable
	}
	from := lo - l.truncated.Index - 1
	to := hi - l.truncated.Index - 1
	size := uint64(0)
	for i := from; i < to; i++ {
		size += uint64(entrySize(l.entries[i]))
		if size > maxSize && i > from {
			to = i
			break
		}
	}
	// The caller may append to the slice: it gets one that can't grow into ours.
	return l.entries[from:to:to], nil
}

// Term implements etcd.Storage.
func (l *log) Term(i uint64) (uint64, error) {
	switch {
	case i == l.truncated.Index:
		return l.truncated.Term, nil
	case i < l.truncated.Index:
		return 0, etcd.ErrCompacted
	case i > l.lastIndex():
		return 0, etcd.ErrUnavailable
	}
	return l.entries[i-l.truncated.Index-1].GetTerm(), nil
}

// LastIndex implements etcd.Storage.
func (l *log) LastIndex() (uint64, error) { return l.lastIndex(), nil }

// FirstIndex implements etcd.Storage.
func (l *log) FirstIndex() (uint64, error) { return l.truncated.Index + 1, nil }

// Snapshot implements etcd.Storage.
func (l *log) Snapshot() (*raftpb.Snapshot, error) {
	data := l.snapshot()
	if data == nil {
		return nil, etcd.ErrSnapshotTemporarilyUnavailable
	}
	at := l.applied()
	return &raftpb.Snapshot{
		Data: data,
		Metadata: &raftpb.SnapshotMetadata{
			Index:     new(at.Index),
			Term:      new(at.Term),
			ConfState: proto.CloneOf(l.conf),
		},
	}, nil
}

func (l *log) lastIndex() uint64 { return l.truncated.Index + uint64(len(l.entries)) }

// append puts entries behind the part of the log that they do not contradict, into b and memory.
func (l *log) append(b *engine.Batch, entries []*raftpb.Entry) {
	if len(entries) == 0 {
		return
	}
	first := entries[0].GetIndex()
	if first <= l.truncated.Index || first > l.lastIndex()+1 {
		panic(fmt.Sprintf("raft: region %d: append at %d to a log of (%d, %d]", l.region, first, l.truncated.Index, l.lastIndex()))
	}
	if last := entries[len(entries)-1].GetIndex(); last < l.lastIndex() {
		lo, hi := engine.RaftLogRange(l.region, last+1, l.lastIndex()+1)
		b.DeleteRange(lo, hi)
	}
	keep := first - l.truncated.Index - 1
	if keep < uint64(len(l.entries)) {
		// The tail that is overwritten may still be in a slice that Entries gave away.
		l.entries = l.entries[:keep:keep]
	}
	l.entries = append(l.entries, entries...)
	for _, e := range entries {
		b.PutFunc(engine.RaftLogKey(l.region, e.GetIndex()), entrySize(e), func(v []byte) []byte { return appendEntry(v, e) })
	}
}

// setHard puts a hard state into memory, and into b unless only the commit index has changed: a peer that has forgotten that
// hears of it again, and what it has applied was committed.
func (l *log) setHard(b *engine.Batch, hs *raftpb.HardState) (written bool) {
	l.hard = hs
	if promise := (promise{term: hs.GetTerm(), vote: hs.GetVote()}); promise != l.promised {
		l.promised = promise
		b.Put(engine.HardStateKey(l.region), mustMarshal(hs))
		return true
	}
	return false
}

// compact drops the entries up to and including to.
func (l *log) compact(b *engine.Batch, to ID) {
	lo, hi := engine.RaftLogRange(l.region, l.truncated.Index+1, to.Index+1)
	b.DeleteRange(lo, hi)
	kept := l.entries[to.Index-l.truncated.Index:]
	l.entries = append(make([]*raftpb.Entry, 0, len(kept)+16), kept...)
	l.truncated = to
}

// restart empties the log behind a snapshot.
func (l *log) restart(b *engine.Batch, at ID) {
	lo, hi := engine.RaftLogRange(l.region, 0, ^uint64(0))
	b.DeleteRange(lo, hi)
	l.entries, l.truncated = nil, at
}

func mustMarshal(m proto.Message) []byte {
	v, err := proto.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("raft: marshal %T: %v", m, err))
	}
	return v
}
