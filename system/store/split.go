package store

import (
	"bytes"
	"fmt"

	"ordeal/proto/errorpb"
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/raft"
	"ordeal/system/engine"
	"ordeal/system/region"
)

// splitState is what a leader knows of the size of its region.
type splitState struct {
	// bytes counts keys and values; it is exact after a look at the data and drifts upwards with every write.
	bytes uint64
	known bool
	// asked is the tick at which PD was last asked for ids, so that one split is on its way at a time.
	asked uint64
}

// checkSplit looks whether a leader's region has outgrown its bound, and starts a split at its middle.
func (s *Store) checkSplit(p *peer) {
	if s.cfg.RegionSplitBytes == 0 || (p.size.known && p.size.bytes < s.cfg.RegionSplitBytes) {
		return
	}
	if p.size.asked != 0 && s.ticks < p.size.asked+pdCallTicks {
		return
	}
	size, middle := s.measure(p.region)
	p.size.bytes, p.size.known = size, true
	if size < s.cfg.RegionSplitBytes || middle == nil {
		return
	}
	// A refusal is as good as a wait: the next check tries again.
	_ = s.askSplit(p, middle, nil)
}

// measure returns the bytes of a region's keys and values and the first key with half of them to its left, or else the
// last key; nil if there is no key that leaves both halves with something.
func (s *Store) measure(r *metapb.Region) (uint64, []byte) {
	lo, hi := engine.DataRange(r.GetStartKey(), r.GetEndKey())
	size := uint64(0)
	s.eng.Scan(lo, hi, func(k, v []byte) bool { size += uint64(len(k) + len(v)); return true })
	half, seen := size/2, uint64(0)
	var middle []byte
	s.eng.Scan(lo, hi, func(k, v []byte) bool {
		if seen > 0 {
			middle = append(middle[:0], engine.UserKey(k)...)
		}
		if seen > 0 && seen >= half {
			return false
		}
		seen += uint64(len(k) + len(v))
		return true
	})
	return size, middle
}

// askSplit asks PD for the ids that a split needs; the answer proposes it.
func (s *Store) askSplit(p *peer, key []byte, req *request) *errorpb.Error {
	if !region.Contains(p.region, key) || bytes.Equal(key, p.region.GetStartKey()) {
		return region.KeyNotInRegion(key, p.region)
	}
	ok := s.askPD(pdCall{kind: callSplit, region: p.region.GetId(), splitKey: key, req: req},
		&ordealpb.PDRequest{Body: &ordealpb.PDRequest_AskBatchSplit{AskBatchSplit: &pdpb.AskBatchSplitRequest{
			Region: p.region, SplitCount: 1,
		}}})
	if !ok {
		return region.ServerIsBusy("too many questions to PD are open")
	}
	p.size.asked = s.ticks
	return nil
}

// onSplitIDs proposes a split with the ids that PD gave.
func (s *Store) onSplitIDs(c pdCall, resp *pdpb.AskBatchSplitResponse) {
	p := s.peers[c.region]
	refuse := func(err *errorpb.Error) {
		if c.req != nil {
			s.replyError(c.req, p, err)
		}
	}
	switch {
	case p == nil || !p.member():
		refuse(region.RegionNotFound(c.region))
		return
	case len(resp.GetIds()) != 1 || len(resp.GetIds()[0].GetNewPeerIds()) != len(p.region.GetPeers()):
		refuse(region.ServerIsBusy("PD gave no ids for the split: " + resp.GetHeader().GetError().GetMessage()))
		return
	case !p.group.IsLeader():
		refuse(region.NotLeader(c.region, p.leader()))
		return
	}
	cmd := &ordealpb.Command{
		Epoch: p.region.GetRegionEpoch(),
		Admin: &ordealpb.AdminCommand{Body: &ordealpb.AdminCommand_Split{Split: &ordealpb.SplitCommand{
			Regions: []*ordealpb.NewRegion{{
				SplitKey: c.splitKey, RegionId: resp.GetIds()[0].GetNewRegionId(), PeerIds: resp.GetIds()[0].GetNewPeerIds(),
			}},
		}}},
	}
	if err := s.propose(p, mustMarshal(cmd), proposal{admin: c.req}); err != nil {
		refuse(err)
	}
}

// applySplit cuts the region in two; the old one keeps the left half and its id. Every peer decides alike whether the
// split still fits the region.
func (s *Store) applySplit(p *peer, epoch *metapb.RegionEpoch, c *ordealpb.SplitCommand, pr *proposal) {
	if !region.CheckEpoch(epoch, p.region.GetRegionEpoch(), true, true) {
		s.refuseAdmin(p, pr, region.EpochNotMatch(p.region))
		return
	}
	cut := c.GetRegions()[0]
	if !region.Contains(p.region, cut.GetSplitKey()) || bytes.Equal(cut.GetSplitKey(), p.region.GetStartKey()) ||
		len(cut.GetPeerIds()) != len(p.region.GetPeers()) {
		s.refuseAdmin(p, pr, region.KeyNotInRegion(cut.GetSplitKey(), p.region))
		return
	}
	left, right := region.Clone(p.region), region.Clone(p.region)
	left.EndKey, right.StartKey = cut.GetSplitKey(), cut.GetSplitKey()
	left.RegionEpoch.Version++
	right.RegionEpoch.Version = left.GetRegionEpoch().GetVersion()
	right.Id = cut.GetRegionId()
	for i, m := range right.GetPeers() {
		m.Id = cut.GetPeerIds()[i]
	}
	s.setRegion(p, left)
	p.size = splitState{}
	// gofail: var crashBeforeSplitChild int
	// s.crashIf(crashBeforeSplitChild, "crashBeforeSplitChild")
	s.createBySplit(p, right)
	if f := s.cfg.Listener.Split; f != nil {
		f(s.cfg.StoreID, left, right)
	}
	s.answerAdmin(p, pr, &ordealpb.AdminResponse{Regions: []*metapb.Region{left, right}})
	if p.group.IsLeader() {
		s.heartbeatRegion(p)
	}
}

// createBySplit makes this store's peer of a region that was just cut off parent, unless the peer is known to be gone
// already: then what it would own is cleared, since nobody here owns it any more.
func (s *Store) createBySplit(parent *peer, r *metapb.Region) {
	meta := region.FindPeer(r, s.cfg.StoreID)
	if meta == nil {
		panic(fmt.Sprintf("store %d: split off %s has no peer here", s.cfg.StoreID, region.Format(r)))
	}
	old := s.peers[r.GetId()]
	if meta.GetId() <= s.tombs[r.GetId()] || (old != nil && old.meta.GetId() > meta.GetId()) {
		lo, hi := engine.DataRange(r.GetStartKey(), r.GetEndKey())
		s.batch.DeleteRange(lo, hi)
		s.putApplyState(parent)
		s.commit()
		return
	}
	if old != nil {
		if old.initialised() {
			panic(fmt.Sprintf("store %d: %s was split off and is here already as %s", s.cfg.StoreID, region.Format(r), region.Format(old.region)))
		}
		// It was made by a message. Its promises, term and vote, are on the disk and stay.
		s.dropPeer(old)
	}
	// The peer is loaded from the disk, so everything up to here goes there; the parent's apply state goes with it, and
	// a crash leaves either no split or all of it.
	var promised *raft.Group
	if old != nil {
		promised = old.group
	}
	if err := s.writeFirstState(r, meta, promised); err != nil {
		panic(fmt.Sprintf("store %d: split: %v", s.cfg.StoreID, err))
	}
	s.putApplyState(parent)
	s.commit()
	p, err := s.openPeer(r, meta)
	if err != nil {
		panic(fmt.Sprintf("store %d: split: %v", s.cfg.StoreID, err))
	}
	s.addPeer(p)
	if f := s.cfg.Listener.PeerCreated; f != nil && old == nil {
		f(s.cfg.StoreID, r.GetId(), meta.GetId())
	}
	if f := s.cfg.Listener.RegionChanged; f != nil {
		f(s.cfg.StoreID, r)
	}
	if parent.group.IsLeader() {
		p.group.Campaign()
	}
	if m := s.takeVote(r.GetId()); m != nil {
		s.onRaft(m)
	}
	s.wake(p)
}

// writeFirstState writes what a region born on this store starts with.
func (s *Store) writeFirstState(r *metapb.Region, meta *metapb.Peer, old *raft.Group) error {
	if err := raft.InitialState(s.batch, s.eng, r.GetId(), old); err != nil {
		return err
	}
	s.putRegionState(r, meta, ordealpb.PeerState_NORMAL)
	s.batch.Put(engine.ApplyStateKey(r.GetId()), mustMarshal(&ordealpb.ApplyState{
		AppliedIndex: raft.InitialIndex, AppliedTerm: raft.InitialTerm,
		TruncatedIndex: raft.InitialIndex, TruncatedTerm: raft.InitialTerm,
	}))
	return nil
}
