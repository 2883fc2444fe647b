package raft

import "go.etcd.io/raft/v3/raftpb"

// tail holds the last entries of a log in memory: those that are not certain to be on the disk or not applied, which must be
// there, and about max bytes of those before them, which followers and the apply path are likely to want next. What comes
// before that is read from the disk.
type tail struct {
	entries []*raftpb.Entry
	// bytes is the encoded size of entries.
	bytes, max uint64
	// stable is the index up to which entries are durable, and so can be read from the disk.
	stable uint64
	// quiet counts the ticks since the last append.
	quiet int
}

// first is the index of the first entry in memory, or the one that is to come next.
func (t *tail) first(l *log) uint64 { return l.lastIndex() + 1 - uint64(len(t.entries)) }

// append adds entries of so many bytes.
func (t *tail) append(entries []*raftpb.Entry, bytes uint64) {
	t.entries = append(t.entries, entries...)
	t.bytes += bytes
	t.quiet = 0
}

// cut forgets the entries from index on. l still knows them.
func (t *tail) cut(l *log, index uint64) {
	t.stable = min(t.stable, index-1)
	first := t.first(l)
	keep := uint64(0)
	if index > first {
		keep = index - first
	}
	if keep >= uint64(len(t.entries)) {
		return
	}
	for i := max(index, first); i <= l.lastIndex(); i++ {
		t.bytes -= uint64(l.sizes[i-l.truncated.Index-1])
	}
	// What is forgotten may still be in a slice that Entries gave away, and must not be written over.
	t.entries = t.entries[:keep:keep]
}

// drop forgets the entries up to index. l still knows them.
func (t *tail) drop(l *log, index uint64) {
	first := t.first(l)
	if index < first {
		return
	}
	for i := first; i <= index; i++ {
		t.bytes -= uint64(l.sizes[i-l.truncated.Index-1])
	}
	// The slices that Entries gave away keep the old array; this one must not keep what is dropped.
	t.entries = append([]*raftpb.Entry(nil), t.entries[index-first+1:]...)
}

// trim drops what is neither needed nor within the bound, once it is twice the bound, so that it costs little for each
// entry. applied is the index up to which nothing is to be applied any more.
func (t *tail) trim(l *log, applied uint64) {
	if t.bytes > 2*t.max {
		t.release(l, applied, t.max)
	}
}

// release drops from the front what is not needed, until no more than keep bytes are left.
func (t *tail) release(l *log, applied, keep uint64) {
	index, bytes := t.first(l)-1, t.bytes
	for index < min(applied, t.stable) && bytes > keep {
		index++
		bytes -= uint64(l.sizes[index-l.truncated.Index-1])
	}
	t.drop(l, index)
}
