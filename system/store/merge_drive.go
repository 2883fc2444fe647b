package store

import (
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
)

// driveMerge is what the leader of a frozen region does now and then: it takes the merge back if that is proved to be
// safe, and otherwise brings the CommitMerge to whoever leads the target, and asks those who may know of a proof.
func (s *Store) driveMerge(p *peer) {
	m := p.merge
	target := m.GetTarget()
	c := p.commitCommand()
	ask := target.GetPeers()
	if t := s.heir(target.GetId()); t != nil {
		if s.judge(t, p) == ordealpb.MergeAnswer_NOT_MERGED {
			s.proposeRollback(p)
			return
		}
		if c != nil && t.region.GetId() == target.GetId() && t.group.IsLeader() {
			s.proposeCommit(t, target, c)
			return
		}
		if lead := t.leader(); t.region.GetId() == target.GetId() && lead != nil {
			ask = []*metapb.Peer{lead}
		}
	}
	for _, to := range ask {
		s.queryMerge(p, target.GetId(), to, c)
	}
}

// judge says what t's state proves of the merge that p is in.
func (s *Store) judge(t, p *peer) ordealpb.MergeAnswer_Outcome {
	return judgeMerge(t.region, t.merged, p.region.GetId(), p.region.GetRegionEpoch().GetVersion(), p.merge.GetTarget())
}

// proposeRollback appends a RollbackMerge, unless one is on its way.
func (s *Store) proposeRollback(p *peer) {
	if p.thawed != 0 && s.ticks < p.thawed+uint64(s.cfg.ElectionTicks) {
		return
	}
	cmd := &ordealpb.Command{Admin: &ordealpb.AdminCommand{Body: &ordealpb.AdminCommand_RollbackMerge{
		RollbackMerge: &ordealpb.RollbackMergeCommand{CommitIndex: p.merge.GetCommitIndex()},
	}}}
	// A refusal is as good as a wait: the next tick tries again.
	if s.appendCommand(p, mustMarshal(cmd), proposal{}) == nil {
		p.thawed = s.ticks
	}
}

// tickMerge drives the merge of a frozen region that is led here. If the target's peer here, and those that it knows, are
// of no help, the target may be gone: whoever has its first key now remembers what became of it.
func (s *Store) tickMerge(p *peer) {
	turn := s.ticks + p.region.GetId()
	// gofail: var bugMergeRollback struct{}
	// s.proposeRollback(p)

	if turn%uint64(s.cfg.HeartbeatTicks) == 0 {
		s.drive(p)
	}
	if turn%uint64(s.cfg.StaleCheckTicks) == 0 {
		s.findHeir(p, p.merge.GetTarget().GetStartKey())
	}
}

// queryMerge asks a peer of region id what became of p's region, and hands it c, which may be nil, to be proposed if that
// peer leads the target.
func (s *Store) queryMerge(p *peer, id uint64, to *metapb.Peer, c *ordealpb.CommitMergeCommand) {
	q := &ordealpb.MergeQuery{RegionId: id, ToPeer: to, SourceId: p.region.GetId(), FromPeer: p.meta, Commit: c}
	if p.merging() {
		q.CommitIndex, q.Target = p.merge.GetCommitIndex(), p.merge.GetTarget()
		q.SourceVersion = p.region.GetRegionEpoch().GetVersion()
	}
	if to.GetStoreId() == s.cfg.StoreID {
		return // what this store knows has been looked at
	}
	pkt := s.sendNow.packet(s.addr(to.GetStoreId(), id))
	pkt.MergeQueries = append(pkt.MergeQueries, q)
}

// onMergeQuery answers from what this store's peer of the region knows, once that is durable.
func (s *Store) onMergeQuery(q *ordealpb.MergeQuery) {
	t := s.peers[q.GetRegionId()]
	if t == nil || !t.initialised() || !t.member() {
		return
	}
	if c := q.GetCommit(); c != nil && t.region.GetId() == q.GetTarget().GetId() {
		s.proposeCommit(t, q.GetTarget(), c)
	}
	out := judgeMerge(t.region, t.merged, q.GetSourceId(), q.GetSourceVersion(), q.GetTarget())
	if out == ordealpb.MergeAnswer_UNKNOWN && q.GetTarget() != nil {
		return // who is in a merge asks again
	}
	s.answerMerge(q.GetFromPeer(), &ordealpb.MergeAnswer{
		SourceId: q.GetSourceId(), ToPeer: q.GetFromPeer(), Outcome: out, Region: t.region, CommitIndex: q.GetCommitIndex(),
		Into: swallowed(t.merged, q.GetSourceId()).GetInto(),
	})
}

func (s *Store) answerMerge(to *metapb.Peer, a *ordealpb.MergeAnswer) {
	pkt := s.sendDurable.packet(s.addr(to.GetStoreId(), a.GetSourceId()))
	pkt.MergeAnswers = append(pkt.MergeAnswers, a)
}

// onMergeAnswer takes what another store knows of the end of a region that has a peer here.
func (s *Store) onMergeAnswer(a *ordealpb.MergeAnswer) {
	p := s.peers[a.GetSourceId()]
	if o := s.outcast(a.GetSourceId()); o != nil && o.peer.GetId() == a.GetToPeer().GetId() && a.GetOutcome() == ordealpb.MergeAnswer_MERGED {
		s.releaseSwallowed(o, a.GetInto())
	}
	if p == nil || p.meta.GetId() != a.GetToPeer().GetId() {
		return
	}
	switch a.GetOutcome() {
	case ordealpb.MergeAnswer_MERGED:
		s.onSwallowed(p, a.GetInto())
	case ordealpb.MergeAnswer_NOT_MERGED:
		// An answer that is about an earlier merge of the region is of no use for this one.
		if p.merging() && p.merge.GetCommitIndex() == a.GetCommitIndex() && p.group.IsLeader() {
			s.proposeRollback(p)
		}
	case ordealpb.MergeAnswer_UNKNOWN:
		p.seekBehind(a.GetRegion())
	}
}

// findHeir asks PD who holds key, in order to ask that one what became of p's region.
func (s *Store) findHeir(p *peer, key []byte) {
	// If too many questions are open, the next round asks again.
	s.askPD(pdCall{kind: callHeir, region: p.region.GetId(), peer: p.meta.GetId()},
		&ordealpb.PDRequest{Body: &ordealpb.PDRequest_GetRegion{GetRegion: &pdpb.GetRegionRequest{RegionKey: key}}})
}

// onHeir asks all peers of the region that PD named: each of them may know.
func (s *Store) onHeir(c pdCall, r *metapb.Region) {
	p := s.peers[c.region]
	if p == nil || p.meta.GetId() != c.peer {
		return
	}
	if r == nil {
		p.seek = nil
		return
	}
	if r.GetId() == p.region.GetId() {
		return // it is alive
	}
	if t := s.owner(r.GetId()).peers[r.GetId()]; t != nil && t.initialised() && t.member() {
		if p.merging() && p.group.IsLeader() && s.judge(t, p) == ordealpb.MergeAnswer_NOT_MERGED {
			s.proposeRollback(p)
			return
		}
		if end := swallowed(t.merged, p.region.GetId()); end != nil {
			s.onSwallowed(p, end.GetInto())
			return
		}
		p.seekBehind(t.region)
	}
	for _, to := range r.GetPeers() {
		s.queryMerge(p, r.GetId(), to, nil)
	}
}
