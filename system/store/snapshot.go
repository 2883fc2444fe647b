package store

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"ordeal/proto/ordealpb"
	"ordeal/raft"
	"ordeal/system/engine"
	"ordeal/system/region"
)

// A snapshot goes from a leader to a follower that the log can't help any more, in this way:
//
//	snapshot.go       the group asks for a snapshot: a source is made, which is the region's description and a view of
//	                  the engine, both as of one applied index; and, at the other end, the snapshot replaces all
//	snapsend.go       the group's message is kept back, and goes with the data as a stream of chunks
//	snapreceive.go    chunks are kept on the disk until all are there; then the message is given to the group
//	snapcodec.go      what chunks are made of
//
// The stream is cut into chunks of SnapshotChunkBytes, each with a checksum, and has a checksum over all. A window of
// SnapshotWindow chunks is under way at a time; acknowledgements move it on, and what is lost is sent again. A store sends
// SnapshotsSendingMax streams and SnapshotBytesPerTick at most, and receives SnapshotsReceivingMax. Whoever sees no progress
// for long gives up: the sender tells its group, which then tries again, and the receiver drops what it has. No part of
// a stream outlives the life of either store.

// MaxSnapshotBytes bounds the keys and values of a snapshot. A region that is larger must be split before it can have
// another replica: its receiver holds all of it in memory for a moment.
const MaxSnapshotBytes = 1 << 30

// source is what a snapshot is made of. Streams to several followers can share one.
type source struct {
	at   raft.ID
	data *ordealpb.SnapshotData
	view *engine.View
	// streams counts those that read from it.
	streams int
}

// snapshotMeta is all that a region's peer has to know beside the data, as of now.
func (s *Store) snapshotMeta(p *peer) *ordealpb.SnapshotData {
	return &ordealpb.SnapshotData{Region: p.region, Merge: p.merge, Merged: p.merged}
}

// adoptMeta is the inverse of snapshotMeta: the peer knows what the snapshot's maker knew. It is part of a batch that
// replaces the data as well.
func (s *Store) adoptMeta(p *peer, data *ordealpb.SnapshotData) {
	r := data.GetRegion()
	// gofail: var bugSnapshotOldConf struct{}
	// if p.initialised() {
	// 	r = region.Clone(r)
	// 	r.Peers = p.region.GetPeers()
	// }
	if m := region.FindPeerByID(r, p.meta.GetId()); m != nil {
		p.meta = m
	}
	p.merge, p.merged = data.GetMerge(), data.GetMerged()
	// gofail: var bugSnapshotThaws struct{}
	// p.merge = nil

	// gofail: var bugSnapshotForgets struct{}
	// p.merged = nil

	s.keepRegion(p, r)
	s.tellRegionState(p, false)
}

// buildSnapshot is called by the group when a follower needs a snapshot. It returns the payload of its message, or nil if
// there can be none now. What the turn has applied so far is committed first, so that view and applied index agree.
func (s *Store) buildSnapshot(p *peer) []byte {
	if !p.member() || len(s.sending)+s.promised >= s.cfg.SnapshotsSendingMax {
		return nil
	}
	// gofail: var errorBuildSnapshot struct{}
	// if s.at("errorBuildSnapshot", p.region.GetId()) {
	//	return nil
	// }

	if p.source == nil || p.source.at != p.applied {
		s.putApplyState(p)
		s.commit()
		if p.source != nil {
			s.releaseSource(p.source)
		}
		p.source = &source{at: p.applied, data: s.snapshotMeta(p), view: s.eng.View()}
		p.source.data.Id = s.newSnapshotID()
		s.sources = append(s.sources, p)
		s.tellRegionState(p, false)
		s.tellStateHash(p)
	}
	s.promised++
	return mustMarshal(p.source.data)
}

// newSnapshotID returns an id that no other life of any store uses, or would use.
func (s *Store) newSnapshotID() uint64 {
	s.snapshots++
	return s.env.Nonce + s.snapshots
}

// endSnapshotTurn lets go what the groups asked for in this turn and did not send.
func (s *Store) endSnapshotTurn() {
	for _, p := range s.sources {
		if p.source != nil {
			s.releaseSource(p.source)
			p.source = nil
		}
	}
	s.sources, s.promised = nil, 0
}

// releaseSource closes a source's view unless a stream still reads from it.
func (s *Store) releaseSource(src *source) {
	if src.streams == 0 {
		src.view.Close()
	}
}

// tellStateHash tells the listener what a peer's data are at its applied index, which must be committed.
func (s *Store) tellStateHash(p *peer) {
	if f := s.cfg.Listener.StateHash; f != nil {
		hash, pairs, err := s.HashRegion(p.region)
		if err != nil {
			s.readFailed(p, err)
			return
		}
		f(s.cfg.StoreID, p.region.GetId(), p.applied, hash, pairs)
	}
}

// snapshotFits says whether a snapshot may be given to the group: the peer must be a member, and the range must not meet
// that of another region on this store, but of one that it makes obsolete. In that case the other one has a split, a merge
// or its own removal still to learn; the leader sends a snapshot again later. A range that fits is taken at once, so that nobody else takes it.
func (s *Store) snapshotFits(p *peer, data *ordealpb.SnapshotData) bool {
	r := data.GetRegion()
	if region.FindPeerByID(r, p.meta.GetId()) == nil {
		return false
	}
	fits := s.claimRange(r, data.GetMerged())
	// gofail: var bugSnapshotOverlap struct{}
	// fits = true

	return fits
}

// restore replaces the peer's region and data by a snapshot's. The group has put the new log state into the turn's batch
// already, and all else goes into that batch too: a crash leaves either all of the old or all of the new. The batch is as
// large as the region, which is bounded by the size at which regions split, and by MaxSnapshotBytes.
func (s *Store) restore(p *peer, payload []byte, at raft.ID) {
	id := p.region.GetId()
	in := s.incomingOf(id)
	data := &ordealpb.SnapshotData{}
	if err := proto.Unmarshal(payload, data); err != nil || in == nil || !in.whole || in.data.GetId() != data.GetId() {
		panic(fmt.Sprintf("store %d region %d: the group took a snapshot at %d that is not here: %v", s.cfg.StoreID, id, at.Index, err))
	}
	if p.initialised() {
		s.came(p, stateSnapshotOverData)
	}
	if p.merging() || data.GetMerge() != nil {
		s.came(p, stateSnapshotWhileMerging)
	}
	s.failAll(p, "a snapshot replaced the log in which it was")
	s.makeRoom(data.GetRegion(), data.GetMerged())
	s.clearForSnapshot(p, data)
	// gofail: var bugSnapshotTwoBatches struct{}
	// s.commit()

	// gofail: var crashInSnapshot struct{}
	// s.at("crashInSnapshot", id)

	s.fillFromSpool(in)
	lo, hi := engine.SpoolRange(id, 0, uint64(in.next))
	s.batch.DeleteRange(lo, hi)
	in.taken = true
	p.applied = at
	p.size = sizeState{rest: p.size.rest, bytes: uint64(in.bytes)}
	s.adoptMeta(p, data)
	s.putApplyState(p)
	// gofail: var crashBeforeSnapshot struct{}
	// s.at("crashBeforeSnapshot", id)

	// The overlay knows nothing of a deleted range.
	s.commit()
	// gofail: var crashAfterSnapshot struct{}
	// s.at("crashAfterSnapshot", id)

	s.tellStateHash(p)
	if f := s.cfg.Listener.SnapshotApplied; f != nil {
		f(s.cfg.StoreID, p.region, at)
	}
}

// clearForSnapshot removes what the peer had, and whatever else lies where its data will be.
func (s *Store) clearForSnapshot(p *peer, data *ordealpb.SnapshotData) {
	// gofail: var bugSnapshotKeepsStale struct{}
	// return
	if p.initialised() {
		lo, hi := engine.DataRange(p.region.GetStartKey(), p.region.GetEndKey())
		s.batch.DeleteRange(lo, hi)
	}
	lo, hi := engine.DataRange(data.GetRegion().GetStartKey(), data.GetRegion().GetEndKey())
	s.batch.DeleteRange(lo, hi)
}
