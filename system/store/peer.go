package store

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"ordeal/proto/errorpb"
	"ordeal/proto/kvrpcpb"
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/raft"
	"ordeal/system/engine"
	"ordeal/system/region"
	"ordeal/world"
)

// peer is this store's member of one region.
type peer struct {
	region *metapb.Region
	meta   *metapb.Peer
	group  *raft.Group
	// creator is the region of whoever's message created the peer, without peers; it matters only while this one is
	// uninitialised.
	creator *metapb.Region
	applied raft.ID
	// merge is set from a PrepareMerge on; merged is never modified, since regions share it.
	merge  *ordealpb.MergeState
	merged *ordealpb.Merged
	// thawed is the tick at which a RollbackMerge was proposed last, takingSince the one at which a CommitMerge of the
	// region taking was.
	thawed, taking, takingSince uint64
	// declining is the region that this one, which it is to become part of, can't take over yet; since the tick
	// decliningSince, last asked at decliningAt.
	declining, decliningSince, decliningAt uint64
	// seek is where a peer that nobody talks to any more looks for who swallowed its region: the holder of this key, or
	// of its first one.
	seek []byte

	queued, dead bool
	// held says that committed entries wait for a turn that is alone.
	held bool
	// posted counts the messages of the turn numbered turn.
	turn   uint64
	posted int

	// ops are this turn's data operations; they go into the log together.
	ops []queuedOp
	// opsRoom is how many of them there is room for at first: the next entry is likely to take about as many as the last.
	opsRoom int
	// unplaced are proposals of this turn that are not in the log yet, pending those that are, by index.
	unplaced []proposal
	pending  []proposal
	// reading waits for confirmation, confirmed for the applied index, ready for the end of the turn.
	reading   map[uint64]request
	confirmed []confirmedRead
	// behind is the index that a read had to wait for in vain.
	behind uint64
	ready  []request

	// others are peers that talked to this one and are not, or not yet, in region.
	others map[uint64]*metapb.Peer
	// heard is the tick at which each peer was last heard from.
	heard map[uint64]uint64
	// lost are members that have said that they are quarantined, whatever else of them may still be on its way.
	lost []uint64
	// leaderless counts ticks in which no leader was heard from; for a peer without a region, nobody at all.
	leaderless uint64

	size sizeState
	// traffic is what clients do with the region, while this peer leads.
	traffic traffic
	rest    rest

	// jointTerm is the term of the entry by which the region entered its joint configuration, 0 if that is not known.
	jointTerm uint64

	// checked is the index behind the last consistency check, hashed what it found here, reports what voters found.
	checked uint64
	hashed  hashed
	reports []hashReport

	// news are this turn's appends without entries, one for each other peer at most.
	news []*raft.Message
	// source is what this turn's snapshots of the peer are made of; snapshot is the id of the last one that it took.
	source   *source
	snapshot uint64
	// load is what waits here for an answer.
	load load
}

// request is a client's call, kept until it is answered.
type request struct {
	from world.Addr
	call world.CallID
	body *ordealpb.Request
	// waits are what the request is counted in while it waits, with its cost; see admit.
	waits [2]*load
	cost  uint64
	// version is the region's version that the request was checked against.
	version uint64
	// replica says that any peer may answer.
	replica bool
	// early is what a scan read before it was confirmed.
	//lint:ignore U1000 only a planted bug does that
	early []*kvrpcpb.KvPair
}

type queuedOp struct {
	op  *ordealpb.Op
	req request
}

// proposal is a log entry that somebody may be waiting for: the requests behind its operations, in order, or the one
// request behind an admin command. PD's commands and the store's own have nobody waiting.
type proposal struct {
	token uint64
	at    raft.ID
	ops   []queuedOp
	admin *request
}

// initialised says whether the peer knows its region: one created by a message does not until a snapshot came.
func (p *peer) initialised() bool { return len(p.region.GetPeers()) > 0 }

// member says whether the peer is one of those that its region has as far as it knows. One that knows its region and is
// no member of it is leaving; see leave.
func (p *peer) member() bool { return region.FindPeerByID(p.region, p.meta.GetId()) != nil }

// openPeer loads a peer, its apply state and its group from the disk.
func (s *Store) openPeer(r *metapb.Region, meta *metapb.Peer) (*peer, error) {
	p := &peer{
		region: r,
		meta:   meta,
	}
	st := &ordealpb.ApplyState{}
	if v, ok := s.eng.Get(engine.ApplyStateKey(r.GetId())); ok {
		if err := proto.Unmarshal(v, st); err != nil {
			return nil, fmt.Errorf("store %d region %d: apply state on disk: %w", s.cfg.StoreID, r.GetId(), err)
		}
	}
	p.applied = raft.ID{Index: st.GetAppliedIndex(), Term: st.GetAppliedTerm()}
	auto := false
	if region.Joint(r) {
		var err error
		if auto, err = s.autoLeave(r.GetId()); err != nil {
			return nil, err
		}
	}
	cfg := raft.Config{
		Region:         r.GetId(),
		Peer:           meta.GetId(),
		ElectionTicks:  s.cfg.ElectionTicks,
		HeartbeatTicks: s.cfg.HeartbeatTicks,
		Nonce:          s.env.Nonce,
		Leases:         s.leases,
		Conf:           confState(r, meta, auto),
		Applied:        p.applied,
		CacheBytes:     s.cfg.LogCacheBytes,
		Bounds:         s.cfg.Append,
		Truncated:      raft.ID{Index: st.GetTruncatedIndex(), Term: st.GetTruncatedTerm()},
		Snapshot:       func() []byte { return s.buildSnapshot(p) },
	}
	if f := s.cfg.Listener.Reached; f != nil {
		cfg.Reached = func(state string) { f(s.cfg.StoreID, state, p.region.GetId(), 0) }
	}
	if j := s.cfg.Jitter; j != nil {
		id := meta.GetId()
		cfg.Jitter = func(term uint64) int { return j(id, term) }
	}
	g, err := raft.Open(cfg, s.eng)
	if err != nil {
		return nil, fmt.Errorf("store %d: %w", s.cfg.StoreID, err)
	}
	p.group = g
	return p, nil
}

// putApplyState writes how far p has applied beside the data it applied.
func (s *Store) putApplyState(p *peer) {
	t := p.group.Truncated()
	s.batch.Put(engine.ApplyStateKey(p.region.GetId()), mustMarshal(&ordealpb.ApplyState{
		AppliedIndex: p.applied.Index, AppliedTerm: p.applied.Term, TruncatedIndex: t.Index, TruncatedTerm: t.Term,
	}))
}

// leader is the peer that leads the region as far as this one knows, or nil.
func (p *peer) leader() *metapb.Peer {
	id := p.group.Leader()
	if id == 0 {
		return nil
	}
	return p.find(id)
}

// find looks a peer up by id among the region's and those that talked to this one.
func (p *peer) find(id uint64) *metapb.Peer {
	if m := region.FindPeerByID(p.region, id); m != nil {
		return m
	}
	return p.others[id]
}

// meet remembers a peer that is not in the region as far as this one knows. When there are too many, the lowest id gives
// way: it is the oldest, and most likely gone.
func (p *peer) meet(m *metapb.Peer) {
	if p.others == nil {
		p.others = map[uint64]*metapb.Peer{}
	}
	p.others[m.GetId()] = m
	if len(p.others) <= MaxOthers {
		return
	}
	lowest := m.GetId()
	//tidy:maporder the minimum does not depend on the order
	for id := range p.others {
		lowest = min(lowest, id)
	}
	delete(p.others, lowest)
	delete(p.heard, lowest)
}

// hear notes when another peer was last heard from.
func (p *peer) hear(id, tick uint64) {
	if p.heard == nil {
		p.heard = map[uint64]uint64{}
	}
	p.heard[id] = tick
}

// place moves proposals from this turn's list to the log's.
func (p *peer) place(at []raft.Proposed) {
	for _, x := range at {
		for i := range p.unplaced {
			if p.unplaced[i].token != x.Token {
				continue
			}
			pr := p.unplaced[i]
			pr.at = x.At
			p.unplaced = append(p.unplaced[:i], p.unplaced[i+1:]...)
			p.pending = append(p.pending, pr)
			break
		}
	}
}

// loseProposals answers for proposals that were overtaken by a change of leader.
func (s *Store) loseProposals(p *peer, tokens []uint64) {
	for _, t := range tokens {
		for i := range p.unplaced {
			if p.unplaced[i].token == t {
				pr := p.unplaced[i]
				p.unplaced = append(p.unplaced[:i], p.unplaced[i+1:]...)
				s.came(p, stateProposalsLost)
				s.fail(p, &pr, region.UndeterminedResult("the leader changed while it was being proposed"))
				break
			}
		}
	}
}

// take returns the proposal that is waiting for the entry at. Pending proposals are in order of term and, within a
// term, of index; those of an earlier term than the entry's that are still waiting were certainly not applied and never
// will be, whatever their index: terms in a log only rise.
func (s *Store) take(p *peer, at raft.ID) *proposal {
	for len(p.pending) > 0 && p.pending[0].at.Term < at.Term {
		s.came(p, stateProposalStale)
		s.fail(p, &p.pending[0], region.StaleCommand())
		p.pending = p.pending[1:]
	}
	if len(p.pending) == 0 || p.pending[0].at.Term > at.Term || p.pending[0].at.Index > at.Index {
		return nil
	}
	pr := p.pending[0]
	if pr.at != at {
		panic(fmt.Sprintf("store %d %s: nobody applied entry %v, and entry %v is applied", s.cfg.StoreID, region.Format(p.region), pr.at, at))
	}
	p.pending = p.pending[1:]
	return &pr
}

// fail answers everybody behind a proposal with err.
func (s *Store) fail(p *peer, pr *proposal, err *errorpb.Error) {
	for i := range pr.ops {
		s.replyError(&pr.ops[i].req, p, err)
	}
	if pr.admin != nil {
		s.replyError(pr.admin, p, err)
	}
}

// failAll answers everybody who waits for p, which is about to go or to be overwritten by a snapshot. Writes may still
// take effect elsewhere; reads have none.
func (s *Store) failAll(p *peer, why string) {
	for _, list := range [][]proposal{p.unplaced, p.pending} {
		for i := range list {
			s.fail(p, &list[i], region.UndeterminedResult(why))
		}
	}
	p.unplaced, p.pending = nil, nil
	for i := range p.ops {
		s.replyError(&p.ops[i].req, p, region.RegionNotFound(p.region.GetId()))
	}
	p.ops = nil
	s.dropReads(p, true, region.RegionNotFound(p.region.GetId()))
}

// onLeaderChange tells PD of a new leader, and clients of a lost one.
func (s *Store) onLeaderChange(p *peer) {
	s.disturb(p)
	if p.group.Leader() != 0 {
		p.leaderless = 0
	}
	if !p.group.IsLeader() {
		s.dropReads(p, false, region.NotLeader(p.region.GetId(), p.leader()))
		return
	}
	clear(p.heard)
	if f := s.cfg.Listener.Elected; f != nil {
		f(s.cfg.StoreID, p.region.GetId(), p.group.Term())
	}
	if p.merging() {
		s.reached(stateLeaderWhileMerging, p.region.GetId(), p.merge.GetTarget().GetId())
	}
	p.traffic = traffic{}
	s.heartbeatRegion(p)
}
