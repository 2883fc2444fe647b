package store

import (
	"fmt"

	"github.com/cespare/xxhash/v2"
	"google.golang.org/protobuf/proto"

	"ordeal/proto/ordealpb"
	"ordeal/raft"
	"ordeal/system/engine"
	"ordeal/system/region"
)

// buildSnapshot is the region and all its data as of the applied index. What the turn has applied so far is committed
// first, so that engine and applied index agree.
func (s *Store) buildSnapshot(p *peer) []byte {
	if !p.member() {
		return nil
	}
	s.putApplyState(p)
	s.commit()
	data := &ordealpb.SnapshotData{Region: p.region}
	lo, hi := engine.DataRange(p.region.GetStartKey(), p.region.GetEndKey())
	s.eng.Scan(lo, hi, func(k, v []byte) bool {
		data.Pairs = append(data.Pairs, &ordealpb.KeyValue{
			Key: append([]byte(nil), engine.UserKey(k)...), Value: append([]byte(nil), v...),
		})
		return true
	})
	data.Checksum = checksum(data.GetPairs())
	return mustMarshal(data)
}

func checksum(pairs []*ordealpb.KeyValue) uint64 {
	var d xxhash.Digest
	var size [8]byte
	for _, kv := range pairs {
		for _, b := range [][]byte{kv.GetKey(), kv.GetValue()} {
			putUint64(&size, uint64(len(b)))
			_, _ = d.Write(size[:])
			_, _ = d.Write(b)
		}
	}
	return d.Sum64()
}

func putUint64(b *[8]byte, v uint64) {
	for i := range b {
		b[i] = byte(v >> (8 * i))
	}
}

// snapshotFits says whether a snapshot may be given to the group: it must be whole, and its range must not meet that of
// another region on this store. In that case the other one has a split or its own removal still to learn; the leader
// sends the snapshot again later.
func (s *Store) snapshotFits(p *peer, msg *raft.Message) bool {
	data := &ordealpb.SnapshotData{}
	if err := proto.Unmarshal(msg.GetSnapshot().GetData(), data); err != nil || checksum(data.GetPairs()) != data.GetChecksum() {
		return false
	}
	r := data.GetRegion()
	if region.FindPeerByID(r, p.meta.GetId()) == nil {
		return false
	}
	return s.ranges.overlapping(p.region.GetId(), r.GetStartKey(), r.GetEndKey()) == nil
}

// restore replaces the peer's region and data by a snapshot's, all in the turn's batch. The group has put the new log
// state there already.
func (s *Store) restore(p *peer, payload []byte, at raft.ID) {
	data := &ordealpb.SnapshotData{}
	if err := proto.Unmarshal(payload, data); err != nil {
		panic(fmt.Sprintf("store %d region %d: accepted snapshot at %d can't be read: %v", s.cfg.StoreID, p.region.GetId(), at.Index, err))
	}
	r := data.GetRegion()
	s.failAll(p, "a snapshot replaced the log in which it was")
	if p.initialised() {
		lo, hi := engine.DataRange(p.region.GetStartKey(), p.region.GetEndKey())
		s.batch.DeleteRange(lo, hi)
	}
	lo, hi := engine.DataRange(r.GetStartKey(), r.GetEndKey())
	s.batch.DeleteRange(lo, hi)
	for _, kv := range data.GetPairs() {
		s.batch.Put(engine.DataKey(kv.GetKey()), kv.GetValue())
	}
	p.meta = region.FindPeerByID(r, p.meta.GetId())
	p.applied = at
	p.size = splitState{}
	s.setRegion(p, r)
	s.putApplyState(p)
	// The overlay knows nothing of a deleted range.
	s.commit()
	// gofail: var crashAfterSnapshot int
	// s.crashIf(crashAfterSnapshot, "crashAfterSnapshot")

	if f := s.cfg.Listener.SnapshotApplied; f != nil {
		f(s.cfg.StoreID, r, at)
	}
}
