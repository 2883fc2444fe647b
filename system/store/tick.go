package store

import (
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
)

// boot sets the store going, in the first turn of its life.
func (s *Store) boot() {
	s.out.After(s.cfg.TickInterval, tokenTick)
	if s.registrar() {
		s.register()
	}
}

// onTick lets time pass for every group that is awake and does what is due now and then.
func (s *Store) onTick() {
	s.out.After(s.cfg.TickInterval, tokenTick)
	s.ticks++
	s.lookBudget = s.cfg.LookBytesPerTick
	s.expirePDCalls()
	if s.ticks%uint64(s.cfg.StoreHeartbeatTicks) == 0 {
		s.low = s.eng.Room() < s.cfg.ReserveBytes
	}
	if s.registrar() && (s.pd.moved || s.ticks%uint64(s.cfg.StoreHeartbeatTicks) == 0) {
		s.heartbeatStore()
	}
	s.tickSending()
	s.tickReceiving()
	s.tickQuarantined()
	s.tickHashing()
	s.tickLives()
	s.tickAwake()
	s.sweep()
}

func (s *Store) tickPeer(p *peer) {
	if p.group.IsLeader() && s.tickRest(p) || p.rest.asleep {
		return
	}
	p.group.Tick()
	s.expireReads(p)
	s.wake(p)
	if p.group.IsLeader() {
		s.tickLeader(p)
	} else {
		s.tickFollower(p)
	}
}

func (s *Store) tickLeader(p *peer) {
	if !p.member() {
		s.handOver(p)
		return
	}
	// Regions take turns, so that their heartbeats and checks do not all fall on one tick.
	turn := s.ticks + p.region.GetId()
	if turn%uint64(s.cfg.RegionHeartbeatTicks) == 0 {
		s.heartbeatRegion(p)
	}
	if p.merging() {
		s.tickMerge(p)
		return
	}
	s.checkSize(p, turn%uint64(s.cfg.SplitCheckTicks) == 0)
	if n := s.cfg.ConsistencyCheckTicks; n > 0 && turn%uint64(n) == 0 && p.applied.Index > p.checked {
		_ = s.proposeCheck(p, nil) // a refusal is as good as a wait
	}
	s.checkCompact(p)
}

// tickFollower asks PD, when no leader was heard from for long, whether the peer still belongs to its region: those who
// removed it may all be gone from its view. Whether it believes in a leader does not matter: a learner, and a peer without
// a region, never campaign and so never stop believing in the last one.
func (s *Store) tickFollower(p *peer) {
	p.leaderless++
	if p.leaderless%uint64(s.cfg.StaleCheckTicks) == 0 {
		s.askPD(pdCall{kind: callStale, region: p.region.GetId(), peer: p.meta.GetId()},
			&ordealpb.PDRequest{Body: &ordealpb.PDRequest_GetRegionById{GetRegionById: &pdpb.GetRegionByIDRequest{
				RegionId: p.region.GetId(),
			}}})
	}
}

// onStale destroys a peer if PD knows its region with a membership, no older than the peer's, that the peer is not in. An
// uninitialised peer goes by the epoch of whoever created it.
func (s *Store) onStale(c pdCall, r *metapb.Region) {
	p := s.peers[c.region]
	if p == nil {
		s.releaseOutcast(c.region, c.peer, r.GetRegionEpoch(), r.GetPeers())
		return
	}
	if p.meta.GetId() != c.peer {
		return
	}
	if r == nil {
		s.seekHeir(p)
		return
	}
	known := p.region.GetRegionEpoch()
	if !p.initialised() {
		known = p.creator.GetRegionEpoch()
	}
	if r.GetRegionEpoch().GetConfVer() < known.GetConfVer() {
		return
	}
	for _, m := range r.GetPeers() {
		if m.GetId() == p.meta.GetId() {
			return
		}
	}
	s.came(p, stateStalePeerByPD)
	s.destroy(p, r, "PD knows its region without it")
}

// at says that the store has come to a failpoint with a region, or with 0. It may lose power there, or be stalled; fail says
// that what it is about to do should fail.
//
//lint:ignore U1000 only failpoints call it, and those are comments in a normal build
func (s *Store) at(point string, region uint64) (fail bool) {
	f := s.cfg.Failpoint
	return f != nil && f(point, region)
}
