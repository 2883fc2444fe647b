package store

import (
	"cmp"
	"slices"

	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/raft"
	"ordeal/system/engine"
	"ordeal/system/region"
)

// Bounds of streams in time. An election timeout is what the group takes for the longest silence of somebody who lives.
const (
	snapshotStallElections = 3      // without progress before a sender gives up
	snapshotIdleTicks      = 100    // without a chunk before a receiver gives up; senders of many streams take their time
	snapshotResendTicks    = 4      // without progress before the first chunk that is not acknowledged is sent again
	snapshotAgeTicks       = 36_000 // from start to end of a stream: as long may a view be open
	snapshotDebtTicks      = 2      // at most that a chunk larger than a tick's share keeps the next one waiting
)

// outgoing is a stream of chunks to one follower.
type outgoing struct {
	p      *peer
	to     *metapb.Peer
	src    *source
	header []byte

	// cursor is the user key from which the next chunk goes on, seq its number; ended says that there is none.
	cursor []byte
	seq    uint32
	ended  bool
	sum    streamSum
	// window are the chunks that are under way; the first is the one that the receiver wants next.
	window []*ordealpb.SnapshotChunk
	// moved is the tick of the last progress, resent that of the last repetition.
	started, moved, resent uint64
}

// startSending begins the stream that belongs to a snapshot message of p's group, m.
func (s *Store) startSending(p *peer, to *metapb.Peer, m *ordealpb.RaftMessage, index uint64) {
	src := p.source
	if src == nil || src.at.Index != index {
		// More was applied between the group's question and its message: the view is gone, and the group asks again.
		p.group.ReportSnapshot(to.GetId(), raft.SnapshotFailed)
		s.wake(p)
		return
	}
	if o := s.outgoingTo(p, to.GetId()); o != nil {
		s.endSending(o) // the group has given it up
	}
	src.streams++
	s.promised = max(0, s.promised-1)
	o := &outgoing{p: p, to: to, src: src, header: mustMarshal(m), started: s.ticks, moved: s.ticks}
	o.rewind()
	s.sending = append(s.sending, o)
	s.came(p, stateSnapshotSending)
	s.pump(o)
}

// rewind starts the stream again from its first chunk.
func (o *outgoing) rewind() {
	o.cursor = o.src.data.GetRegion().GetStartKey()
	o.seq, o.ended, o.window, o.sum = 0, false, nil, newStreamSum()
}

// acked is how many chunks the receiver has.
func (o *outgoing) acked() uint32 { return o.seq - uint32(len(o.window)) }

// begun is 1 for a stream of which the receiver has nothing yet, and 0 for one that it has taken.
func (o *outgoing) begun() int {
	if o.acked() == 0 {
		return 1
	}
	return 0
}

// outgoingTo returns the stream from p to another peer of its region, or nil.
func (s *Store) outgoingTo(p *peer, to uint64) *outgoing {
	for _, o := range s.sending {
		if o.p == p && o.to.GetId() == to {
			return o
		}
	}
	return nil
}

// endSending forgets a stream.
func (s *Store) endSending(o *outgoing) {
	i := slices.Index(s.sending, o)
	s.sending = slices.Delete(s.sending, i, i+1)
	o.src.streams--
	if o.p.source != o.src {
		s.releaseSource(o.src)
	}
}

// finishSending forgets a stream and tells the group what became of it.
func (s *Store) finishSending(o *outgoing, how raft.SnapshotEnd) {
	s.endSending(o)
	if !o.p.dead {
		o.p.group.ReportSnapshot(o.to.GetId(), how)
		s.wake(o.p)
	}
}

// pump sends chunks as far as the window and the store's rate allow.
func (s *Store) pump(o *outgoing) {
	for !o.ended && len(o.window) < s.cfg.SnapshotWindow && s.snapshotBudget > 0 {
		if len(o.window) == 0 {
			o.moved = s.ticks
		}
		c, err := s.nextChunk(o)
		if err != nil {
			s.readFailed(o.p, err)
			return
		}
		o.window = append(o.window, c)
		s.sendChunk(o, c)
	}
}

// nextChunk reads the stream's next chunk. A pair is never cut: the chunk ends with the pair that fills it.
func (s *Store) nextChunk(o *outgoing) (*ordealpb.SnapshotChunk, error) {
	c := &ordealpb.SnapshotChunk{
		Id: o.src.data.GetId(), RegionId: o.p.region.GetId(), FromPeer: o.p.meta, ToPeer: o.to, Seq: o.seq,
	}
	if o.seq == 0 {
		c.Header = o.header
	}
	r := o.src.data.GetRegion()
	// gofail: var bugSnapshotOtherRange struct{}
	// r = o.p.region
	lo, hi := engine.DataRange(o.cursor, r.GetEndKey())
	o.ended = true
	read := o.src.view.Scan
	// gofail: var bugSnapshotLiveRead struct{}
	// read = s.eng.ReadRange
	err := read(lo, hi, func(k, v []byte) bool {
		if len(c.GetData()) >= s.cfg.SnapshotChunkBytes {
			o.cursor, o.ended = append([]byte(nil), engine.UserKey(k)...), false
			return false
		}
		c.Data = appendPair(c.GetData(), engine.UserKey(k), v)
		return true
	})
	if err != nil {
		o.ended = false // this chunk is still to come
		return nil, err
	}
	c.Checksum = chunkChecksum(c)
	o.sum.add(c.GetChecksum())
	if o.ended {
		c.Last, c.StreamChecksum = true, o.sum.sum()
	}
	o.seq++
	return c, nil
}

func (s *Store) sendChunk(o *outgoing, c *ordealpb.SnapshotChunk) {
	s.snapshotBudget = max(s.snapshotBudget-len(c.GetHeader())-len(c.GetData()), -snapshotDebtTicks*s.cfg.SnapshotBytesPerTick)
	pkt := s.sendNow.packet(s.addr(o.to.GetStoreId(), o.p.region.GetId()))
	pkt.SnapshotChunks = append(pkt.SnapshotChunks, c)
}

// onSnapshotAck moves a stream on.
func (s *Store) onSnapshotAck(a *ordealpb.SnapshotAck) {
	p := s.peers[a.GetRegionId()]
	if p == nil {
		return
	}
	o := s.outgoingTo(p, a.GetFromPeer().GetId())
	if o == nil || o.src.data.GetId() != a.GetId() {
		return
	}
	p.hear(o.to.GetId(), s.ticks)
	acked := o.acked()
	switch {
	case a.GetDone():
		s.finishSending(o, raft.SnapshotTaken)
		return
	case a.GetRefused():
		s.finishSending(o, raft.SnapshotFailed)
		return
	case a.GetNext() == 0 && acked > 0:
		// The receiver was restarted; or this is an old answer, to a chunk that came before the first one.
		if s.ticks-o.moved >= snapshotResendTicks {
			s.came(p, stateSnapshotRestarted)
			o.rewind()
			o.moved = s.ticks
		}
	case a.GetNext() > acked && a.GetNext() <= o.seq:
		o.window = o.window[a.GetNext()-acked:]
		o.moved = s.ticks
	case a.GetNext() == acked && o.resent != s.ticks:
		// It got something else than what it wants next.
		o.resent = s.ticks
		for _, c := range o.window {
			s.sendChunk(o, c)
		}
	}
	s.pump(o)
}

// tickSending gives the streams their share of the tick's bytes, repeats what seems lost, and gives up what does not get on.
func (s *Store) tickSending() {
	s.snapshotBudget = min(s.snapshotBudget+s.cfg.SnapshotBytesPerTick, s.cfg.SnapshotBytesPerTick)
	if len(s.sending) == 0 {
		return
	}
	// Another one is first every time, so that none starves. Streams that were taken come before those that have only
	// begun: a receiver with no place for these refuses them again and again, and their beginnings must not use up
	// what the stream needs that takes the place.
	s.sending = append(s.sending[1:], s.sending[0])
	slices.SortStableFunc(s.sending, func(a, b *outgoing) int { return cmp.Compare(a.begun(), b.begun()) })
	for _, o := range slices.Clone(s.sending) {
		still := s.ticks - o.moved
		switch {
		case o.p.dead || !o.p.group.IsLeader() || region.FindPeerByID(o.p.region, o.to.GetId()) == nil:
			s.endSending(o)
			continue
		case still >= uint64(snapshotStallElections*s.cfg.ElectionTicks) || s.ticks-o.started >= snapshotAgeTicks:
			s.finishSending(o, raft.SnapshotFailed)
			continue
		case len(o.window) > 0 && still > 0 && still%snapshotResendTicks == 0:
			s.sendChunk(o, o.window[0])
		}
		if len(o.window) == 0 {
			o.moved = s.ticks // it waits for its share
		}
		o.p.group.SnapshotAlive(o.to.GetId())
		s.pump(o)
	}
}
