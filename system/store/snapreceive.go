package store

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"ordeal/proto/ordealpb"
	"ordeal/raft"
	"ordeal/system/engine"
	"ordeal/world"
)

// incoming is a snapshot of which some chunks are here, on the disk.
type incoming struct {
	region uint64
	header *ordealpb.RaftMessage
	data   *ordealpb.SnapshotData
	// term is the leader's, at what the snapshot is as of.
	term uint64
	at   raft.ID
	// next is the number of the chunk that is wanted.
	next  uint32
	sum   streamSum
	bytes int
	heard uint64
	// whole says that all chunks are here and right, taken that they have become the peer's data.
	whole, taken bool
}

// incomingOf returns what is being received for a region, or nil.
func (s *Store) incomingOf(region uint64) *incoming {
	for _, in := range s.receiving {
		if in.region == region {
			return in
		}
	}
	return nil
}

// onSnapshotChunk takes a chunk if it is the next one of its stream, and answers which one is wanted now.
func (s *Store) onSnapshotChunk(c *ordealpb.SnapshotChunk) {
	ack := &ordealpb.SnapshotAck{Id: c.GetId(), RegionId: c.GetRegionId(), FromPeer: c.GetToPeer(), ToPeer: c.GetFromPeer()}
	p := s.peers[c.GetRegionId()]
	// gofail: var errorSnapshotChunk struct{}
	// if s.at("errorSnapshotChunk", c.GetRegionId()) {
	//	return
	// }

	switch {
	case c.GetToPeer().GetStoreId() != s.cfg.StoreID || c.GetChecksum() != chunkChecksum(c):
		return // not meant for this store, or not as it was sent: as good as lost
	case p == nil || p.meta.GetId() != c.GetToPeer().GetId():
		ack.Refused = true
	case c.GetSeq() > 0 && c.GetId() == p.snapshot:
		ack.Done = true // the last answer was lost
	default:
		s.takeChunk(p, c, ack)
	}
	s.acknowledge(s.addr(c.GetFromPeer().GetStoreId(), c.GetRegionId()), ack)
}

// acknowledge puts an answer into the turn's packet, in place of an earlier one about the same stream.
func (s *Store) acknowledge(to world.Addr, ack *ordealpb.SnapshotAck) {
	pkt := s.sendNow.packet(to)
	for i, a := range pkt.GetSnapshotAcks() {
		if a.GetId() == ack.GetId() {
			pkt.SnapshotAcks[i] = ack
			return
		}
	}
	pkt.SnapshotAcks = append(pkt.SnapshotAcks, ack)
}

// takeChunk adds a chunk to what is here and fills in the answer.
func (s *Store) takeChunk(p *peer, c *ordealpb.SnapshotChunk, ack *ordealpb.SnapshotAck) {
	in := s.incomingOf(c.GetRegionId())
	if c.GetSeq() == 0 && (in == nil || in.data.GetId() != c.GetId()) {
		if in = s.startReceiving(p, c, ack); in == nil {
			return
		}
	}
	if in == nil || in.data.GetId() != c.GetId() {
		return // its beginning did not come, or was lost in a restart: the sender starts again at 0
	}
	in.heard = s.ticks
	if c.GetSeq() == in.next {
		in.next++
		in.bytes += len(c.GetData())
		in.sum.add(c.GetChecksum())
		s.batch.Put(engine.SpoolKey(in.region, uint64(c.GetSeq())), c.GetData())
		if in.bytes > MaxSnapshotBytes || (c.GetLast() && c.GetStreamChecksum() != in.sum.sum()) {
			s.dropIncoming(in)
			ack.Refused = true
			return
		}
		if c.GetLast() {
			s.finishReceiving(p, in, ack)
			return
		}
	}
	ack.Next = in.next
}

// startReceiving begins a stream with its first chunk, or returns nil and says why in the answer. A stream gives way to
// one of a later leader, or of the same leader and at least as late an index.
func (s *Store) startReceiving(p *peer, c *ordealpb.SnapshotChunk, ack *ordealpb.SnapshotAck) *incoming {
	in := &incoming{region: c.GetRegionId(), header: &ordealpb.RaftMessage{}, data: &ordealpb.SnapshotData{}, sum: newStreamSum()}
	msg := &raft.Message{}
	if proto.Unmarshal(c.GetHeader(), in.header) != nil || proto.Unmarshal(in.header.GetMessage(), msg) != nil ||
		proto.Unmarshal(msg.GetSnapshot().GetData(), in.data) != nil || in.data.GetId() != c.GetId() {
		ack.Refused = true
		return nil
	}
	meta := msg.GetSnapshot().GetMetadata()
	in.term, in.at = msg.GetTerm(), raft.ID{Index: meta.GetIndex(), Term: meta.GetTerm()}
	r := in.data.GetRegion()
	old := s.incomingOf(in.region)
	// gofail: var bugSnapshotOlder struct{}
	// if in.at.Index < p.applied.Index && c.GetLast() {
	// 	in.next, in.whole, s.receiving = 1, true, append(s.receiving, in)
	// 	s.batch.Put(engine.SpoolKey(in.region, 0), c.GetData())
	// 	s.commit()
	// 	s.restore(p, mustMarshal(in.data), in.at)
	// 	s.dropIncoming(in)
	// }
	blocked := s.blocked(r, in.data.GetMerged())
	// gofail: var bugSnapshotUnblocked struct{}
	// blocked = false
	switch {
	case in.at.Index <= p.applied.Index:
		ack.Done = true // the leader finds out from the log what this peer has
		return nil
	case old != nil && (old.term > in.term || (old.term == in.term && old.at.Index > in.at.Index)):
		ack.Refused = true
		return nil
	case old == nil && len(s.receiving) >= s.cfg.SnapshotsReceivingMax:
		s.came(p, stateSnapshotNoPlace)
		ack.Refused = true
		return nil
	case blocked:
		s.came(p, stateSnapshotBlocked)
		ack.Refused = true
		return nil
	}
	if old != nil {
		s.came(p, stateSnapshotReplaced)
		s.dropIncoming(old)
	}
	s.receiving = append(s.receiving, in)
	s.came(p, stateSnapshotArriving)
	return in
}

// finishReceiving gives the group the message that belongs to a snapshot of which all is here.
func (s *Store) finishReceiving(p *peer, in *incoming, ack *ordealpb.SnapshotAck) {
	in.whole = true
	s.commit() // what was received is read when it is applied
	s.onRaft(in.header)
	if ack.Done = !p.dead && p.applied.Index >= in.at.Index; ack.Done {
		p.snapshot = in.data.GetId()
	} else {
		ack.Refused = true
	}
	s.dropIncoming(in)
}

// stepSnapshot gives a group its snapshot message, if what belongs to it is here and fits beside the other regions. The
// group's answer shows at once: the next message of this turn may be a snapshot that does not fit beside this one.
func (s *Store) stepSnapshot(p *peer, msg *raft.Message) {
	in := s.incomingOf(p.region.GetId())
	if in == nil || !in.whole || p.held || !s.snapshotFits(p, in.data) {
		return
	}
	p.group.Step(msg)
	s.wake(p)
	s.work(p)
	if in.taken || p.dead {
		return
	}
	// The group did not want it: the range is again what it was.
	s.ranges.drop(in.region)
	if p.initialised() {
		s.ranges.set(p.region)
	}
	s.unclaimRange(in.data.GetMerged())
}

// fillFromSpool puts the pairs of a snapshot into the batch.
func (s *Store) fillFromSpool(in *incoming) {
	want := uint64(0)
	lo, hi := engine.SpoolRange(in.region, 0, uint64(in.next))
	s.eng.Scan(lo, hi, func(key, data []byte) bool {
		if string(key) != string(engine.SpoolKey(in.region, want)) || !eachPair(data, func(k, v []byte) {
			s.batch.Put(engine.DataKey(k), v)
		}) {
			panic(fmt.Sprintf("store %d region %d: chunk %d of a snapshot was taken and can't be read", s.cfg.StoreID, in.region, want))
		}
		want++
		return true
	})
	if want != uint64(in.next) {
		panic(fmt.Sprintf("store %d region %d: %d chunks of a snapshot were taken and %d are here", s.cfg.StoreID, in.region, in.next, want))
	}
}

// dropIncoming forgets a stream and removes what is here of it.
func (s *Store) dropIncoming(in *incoming) {
	i := slices.Index(s.receiving, in)
	if i < 0 {
		return
	}
	s.receiving = slices.Delete(s.receiving, i, i+1)
	if !in.taken {
		lo, hi := engine.SpoolRange(in.region, 0, uint64(in.next))
		s.batch.DeleteRange(lo, hi)
	}
}

// tickReceiving gives up streams of which nothing comes any more, or whose peer is gone.
func (s *Store) tickReceiving() {
	for _, in := range slices.Clone(s.receiving) {
		if p := s.peers[in.region]; p == nil || p.meta.GetId() != in.header.GetToPeer().GetId() ||
			s.ticks-in.heard >= snapshotIdleTicks {
			s.reached(stateSnapshotDropped, in.region, 0)
			s.dropIncoming(in)
		}
	}
}

// dropSpools removes what an earlier life of the store was receiving.
func (s *Store) dropSpools() {
	lo, hi := engine.AllSpools()
	left := false
	s.eng.Scan(lo, hi, func(_, _ []byte) bool { left = true; return false })
	if left {
		s.batch.DeleteRange(lo, hi)
		s.commit()
	}
}
