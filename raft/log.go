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

// log is the durable log of one group and implements the library's Storage. Of everything that is not compacted it knows
// terms and sizes; of the entries themselves it holds the last ones in memory (tail.go) and reads older ones from the disk.
type log struct {
	region uint64
	eng    *engine.Engine
	hard   *raftpb.HardState
	// promised is what the disk holds of hard.
	promised  promise
	conf      *raftpb.ConfState
	truncated ID
	// sizes[i] is the encoded size of the entry at truncated.Index+1+i, bytes their sum.
	sizes []uint32
	bytes uint64
	// terms are the terms in the log with the index at which each begins, ascending.
	terms []ID
	tail  tail
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

// loadLog reads what is on the disk of a region's log. It keeps about cacheMax bytes of it in memory.
func loadLog(eng *engine.Engine, region uint64, truncated ID, cacheMax uint64) (*log, error) {
	l := &log{region: region, eng: eng, truncated: truncated, hard: &raftpb.HardState{}}
	l.tail = tail{max: cacheMax}
	if v, ok := eng.Get(engine.HardStateKey(region)); ok {
		if err := proto.Unmarshal(v, l.hard); err != nil {
			return nil, fmt.Errorf("region %d: hard state on disk: %w", region, err)
		}
		l.promised = promise{term: l.hard.GetTerm(), vote: l.hard.GetVote()}
	}
	err := l.read(truncated.Index+1, ^uint64(0), func(e *raftpb.Entry, size int) {
		l.note(e, size)
		l.tail.append([]*raftpb.Entry{e}, uint64(size))
		l.tail.stable = e.GetIndex()
		l.tail.trim(l, e.GetIndex())
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// read calls fn with the entries [lo, hi) that are on the disk, and their encoded sizes.
func (l *log) read(lo, hi uint64, fn func(e *raftpb.Entry, size int)) error {
	var bad error
	next := lo
	start, end := engine.RaftLogRange(l.region, lo, hi)
	l.eng.Scan(start, end, func(_, v []byte) bool {
		e := &raftpb.Entry{}
		if bad = proto.Unmarshal(v, e); bad != nil {
			return false
		}
		if e.GetIndex() != next {
			bad = fmt.Errorf("has entry %d where %d is due", e.GetIndex(), next)
			return false
		}
		next++
		fn(e, len(v))
		return true
	})
	if bad != nil {
		return fmt.Errorf("region %d: log on disk: %w", l.region, bad)
	}
	return nil
}

// note takes down what is known without the entry at hand.
func (l *log) note(e *raftpb.Entry, size int) {
	l.sizes = append(l.sizes, uint32(size))
	l.bytes += uint64(size)
	if n := len(l.terms); n == 0 || l.terms[n-1].Term != e.GetTerm() {
		l.terms = append(l.terms, ID{Index: e.GetIndex(), Term: e.GetTerm()})
	}
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
	hi = l.limit(lo, hi, maxSize)
	first := l.tail.first(l)
	if lo >= first {
		// The caller may append to the slice: it gets one that can't grow into ours.
		return l.tail.entries[lo-first : hi-first : hi-first], nil
	}
	es := make([]*raftpb.Entry, 0, hi-lo)
	err := l.read(lo, min(hi, first), func(e *raftpb.Entry, _ int) { es = append(es, e) })
	if err != nil || uint64(len(es)) != min(hi, first)-lo {
		panic(fmt.Sprintf("raft: region %d: entries [%d, %d) of the log (%d, %d] are not on the disk: got %d, %v",
			l.region, lo, min(hi, first), l.truncated.Index, l.lastIndex(), len(es), err))
	}
	if hi > first {
		es = append(es, l.tail.entries[:hi-first]...)
	}
	return es, nil
}

// limit lowers hi so that the entries [lo, hi) have no more than maxSize bytes, but for the first one.
func (l *log) limit(lo, hi, maxSize uint64) uint64 {
	size := uint64(0)
	for i := lo; i < hi; i++ {
		size += uint64(l.sizes[i-l.truncated.Index-1])
		if size > maxSize && i > lo {
			return i
		}
	}
	return hi
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
	for n := len(l.terms) - 1; ; n-- {
		if l.terms[n].Index <= i {
			return l.terms[n].Term, nil
		}
	}
}

// LastIndex implements etcd.Storage.
func (l *log) LastIndex() (uint64, error) { return l.lastIndex(), nil }

// FirstIndex implements etcd.Storage.
func (l *log) FirstIndex() (uint64, error) { return l.truncated.Index + 1, nil }

// Snapshot implements etcd.Storage.
func (l *log) Snapshot() (*raftpb.Snapshot, error) {
	data := l.snapshot()
	// gofail: var bugNoSnapshot struct{}
	// if l.truncated.Index > InitialIndex {
	//	data = nil
	// }

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

func (l *log) lastIndex() uint64 { return l.truncated.Index + uint64(len(l.sizes)) }

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
	l.cut(first)
	size := uint64(0)
	for _, e := range entries {
		n := entrySize(e)
		b.PutFunc(engine.RaftLogKey(l.region, e.GetIndex()), n, func(v []byte) []byte { return appendEntry(v, e) })
		l.note(e, n)
		size += uint64(n)
	}
	l.tail.append(entries, size)
}

// cut forgets the entries from index on, which others are about to replace.
func (l *log) cut(index uint64) {
	l.tail.cut(l, index)
	keep := index - l.truncated.Index - 1
	for _, n := range l.sizes[keep:] {
		l.bytes -= uint64(n)
	}
	l.sizes = l.sizes[:keep]
	for n := len(l.terms); n > 0 && l.terms[n-1].Index >= index; n-- {
		l.terms = l.terms[:n-1]
	}
}

// setHard puts a hard state into memory, and into b unless only the commit index has changed: a peer that has forgotten that
// hears of it again, and what it has applied was committed.
func (l *log) setHard(b *engine.Batch, hs *raftpb.HardState) (written bool) {
	l.hard = hs
	next := promise{term: hs.GetTerm(), vote: hs.GetVote()}
	// gofail: var bugVoteForgotten struct{}
	// if next.term == l.promised.term {
	// 	next = l.promised
	// }

	if next != l.promised {
		l.promised = next
		b.Put(engine.HardStateKey(l.region), mustMarshal(hs))
		return true
	}
	return false
}

// keepHard puts the hard state into b as it is, with the commit index. It goes there beside every membership change: the
// change was proposed when the one before it had been applied, and sent with a commit index no lower. So whoever has a
// change for good also knows for good that all before it are committed, and never needs the vote of a peer that is gone
// because of one of them.
func (l *log) keepHard(b *engine.Batch) {
	b.Put(engine.HardStateKey(l.region), mustMarshal(l.hard))
}

// compact drops the entries up to and including to.
func (l *log) compact(b *engine.Batch, to ID) {
	lo, hi := engine.RaftLogRange(l.region, l.truncated.Index+1, to.Index+1)
	b.DeleteRange(lo, hi)
	gone := to.Index - l.truncated.Index
	l.tail.drop(l, to.Index)
	for _, n := range l.sizes[:gone] {
		l.bytes -= uint64(n)
	}
	l.sizes = append(make([]uint32, 0, len(l.sizes)-int(gone)+16), l.sizes[gone:]...)
	for len(l.terms) > 1 && l.terms[1].Index <= to.Index+1 {
		l.terms = l.terms[1:]
	}
	l.truncated = to
}

// keepBytes is the lowest index behind which the log has no more than so many bytes.
func (l *log) keepBytes(bytes uint64) uint64 {
	index, kept := l.lastIndex(), uint64(0)
	for ; index > l.truncated.Index; index-- {
		kept += uint64(l.sizes[index-l.truncated.Index-1])
		if kept > bytes {
			break
		}
	}
	return index
}

// restart empties the log behind a snapshot.
func (l *log) restart(b *engine.Batch, at ID) {
	lo, hi := engine.RaftLogRange(l.region, 0, ^uint64(0))
	b.DeleteRange(lo, hi)
	l.sizes, l.bytes, l.terms, l.truncated = nil, 0, nil, at
	l.tail = tail{max: l.tail.max, stable: at.Index}
}

func mustMarshal(m proto.Message) []byte {
	v, err := proto.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("raft: marshal %T: %v", m, err))
	}
	return v
}
