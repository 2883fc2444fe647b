package workloads

import (
	"fmt"
	"slices"
	"time"

	"ordeal/pd/core"
	"ordeal/pd/schedule"
	"ordeal/proto/metapb"
	"ordeal/system/region"
	"ordeal/world"
)

// placement follows who moves peers: what the driver plans, and what becomes of it in the memberships that stores apply. It
// tells moves for the sake of balance, which must be few and never go back and forth, from all others.
type placement struct {
	now func() world.Time
	// regions is the newest membership of each region that any store applied.
	regions map[uint64]*membership
	// comes and goes are the plans by which a peer came, or went, by the peer's id.
	comes, goes map[uint64]plan
	// open are the operators for balance that are under way, of the leader that the driver has now.
	open map[*schedule.Operator]bool
	// since is when moves began to count.
	since world.Time
	// left says when it was planned that a region leave a store for balance, by region and store.
	left map[[2]uint64]world.Time
	// moves are for balance; unfinished are operators for balance that ended, or whose driver did, before they were finished;
	// others are changes of members, and of regions, that somebody else made, disturbed when that last was.
	moves, unfinished, others int
	disturbed                 world.Time
	broken                    []string
	// plans counts operators by kind.
	plans map[schedule.Kind]int
}

// membership is a region's epoch and where its peers are.
type membership struct {
	confVer, version uint64
	peers            []*metapb.Peer
}

// plan is an operator, nil for none, and when it was begun: its own times are of its member's clock.
type plan struct {
	*schedule.Operator
	at world.Time
}

func newPlacement(now func() world.Time) *placement {
	return &placement{
		now: now, regions: map[uint64]*membership{}, comes: map[uint64]plan{}, goes: map[uint64]plan{},
		left: map[[2]uint64]world.Time{}, since: -1, plans: map[schedule.Kind]int{}, open: map[*schedule.Operator]bool{},
	}
}

// begin says that stores are about to join: moves count from now on.
func (p *placement) begin() { p.since = p.now() }

// counts says whether moves count.
func (p *placement) counts() bool { return p.since >= 0 }

// forBalance says whether a plan, nil for none, is nothing but an improvement of what was well.
func forBalance(o *schedule.Operator) bool { return o != nil && o.Kind == schedule.KindBalanceRegion }

// newsMax is how late the driver may learn of a change: reports may be lost, and the driver may be down.
const newsMax = 2 * time.Second

// booted: the driver has forgotten what was under way.
func (p *placement) booted() {
	p.unfinished += len(p.open)
	clear(p.open)
}

// started takes note of a plan and checks it against what the driver itself believes.
func (p *placement) started(o *schedule.Operator, s *core.Snapshot) {
	p.plans[o.Kind]++
	if forBalance(o) {
		p.open[o] = true
	}
	for _, step := range o.Steps {
		switch step := step.(type) {
		case schedule.AddPeer:
			p.comes[step.PeerID] = plan{o, p.now()}
		case schedule.AddLearner:
			p.comes[step.PeerID] = plan{o, p.now()}
		case schedule.RemovePeer:
			p.goes[step.PeerID] = plan{o, p.now()}
		}
	}
	if why := unwise(o, s); why != "" {
		p.broken = append(p.broken, fmt.Sprintf("%s, which is unwise: %s", o, why))
	}
}

func (p *placement) ended(e schedule.End) {
	if !p.open[e.Operator] {
		return // it is not for balance, or its leader has been deposed
	}
	delete(p.open, e.Operator)
	if e.Outcome != schedule.OutcomeFinished {
		p.unfinished++
	}
}

// changed takes note of a region that a store has applied.
func (p *placement) changed(r *metapb.Region) {
	e := r.GetRegionEpoch()
	known := p.regions[r.GetId()]
	if known == nil {
		p.regions[r.GetId()] = &membership{confVer: e.GetConfVer(), version: e.GetVersion(), peers: r.GetPeers()}
		return
	}
	if e.GetVersion() > known.version {
		known.version = e.GetVersion()
		p.disturb() // somebody has split or merged it
	}
	if e.GetConfVer() <= known.confVer {
		return
	}
	before := known.peers
	known.confVer, known.peers = e.GetConfVer(), r.GetPeers()
	for _, m := range known.peers {
		if !holds(before, m) {
			p.came(r.GetId(), m)
		}
	}
	for _, m := range before {
		if !holds(known.peers, m) {
			p.went(r.GetId(), m)
		}
	}
}

func holds(peers []*metapb.Peer, m *metapb.Peer) bool {
	return slices.ContainsFunc(peers, func(q *metapb.Peer) bool { return q.GetId() == m.GetId() })
}

func (p *placement) disturb() {
	if p.counts() {
		p.others++
	}
	p.disturbed = p.now()
}

// merged: a region is part of another one, and nobody moves its peers any more.
func (p *placement) merged(source uint64) { delete(p.regions, source) }

func (p *placement) came(region uint64, m *metapb.Peer) {
	planned := p.comes[m.GetId()]
	delete(p.comes, m.GetId()) // no peer comes twice
	if !forBalance(planned.Operator) {
		p.disturb()
		return
	}
	if !p.counts() {
		return
	}
	p.moves++
	left, was := p.left[[2]uint64{region, m.GetStoreId()}]
	if was && left > p.disturbed.Add(newsMax) {
		p.broken = append(p.broken, fmt.Sprintf("region %d was moved away from store %d, as planned at %v, and came back, though nobody "+
			"else has changed anything since %v", region, m.GetStoreId(), left, p.disturbed))
	}
}

func (p *placement) went(region uint64, m *metapb.Peer) {
	left := p.goes[m.GetId()]
	delete(p.goes, m.GetId())
	if !forBalance(left.Operator) {
		p.disturb()
		return
	}
	p.left[[2]uint64{region, m.GetStoreId()}] = left.at
}

// unwise says what a plan must not do as far as the driver itself knows, "" if nothing: it must not rest on stores that are
// not up, must not touch a region for balance that is not well, and must leave each region a quorum that is.
func unwise(o *schedule.Operator, s *core.Snapshot) string {
	r := s.Region(o.Region)
	if r == nil {
		return "the region is not known"
	}
	added, gone := 0, map[uint64]bool{}
	for _, step := range o.Steps {
		target := uint64(0)
		switch step := step.(type) {
		case schedule.AddPeer:
			target = step.Store
			added++
		case schedule.AddLearner:
			target = step.Store
			added++
		case schedule.TransferLeader:
			target = step.To
		case schedule.RemovePeer:
			gone[step.PeerID] = true
		}
		if target == 0 {
			continue
		}
		at := region.FindPeer(r.Region, target)
		if store := s.Store(target); at == nil && (store == nil || store.State != core.StoreUp) {
			return fmt.Sprintf("store %d is not up", target)
		}
		if _, leads := step.(schedule.TransferLeader); leads && at != nil && !wellOff(s, r, at) {
			return fmt.Sprintf("peer %s is to lead and not well", region.FormatPeer(at))
		}
	}
	voters, well := added, added
	for _, m := range r.Region.GetPeers() {
		fine := wellOff(s, r, m)
		if forBalance(o) && !fine && !gone[m.GetId()] {
			return fmt.Sprintf("peer %s is not well", region.FormatPeer(m))
		}
		if region.Votes(m) && !gone[m.GetId()] {
			voters++
			if fine {
				well++
			}
		}
	}
	if len(gone) > 0 && well < voters/2+1 {
		return fmt.Sprintf("%d of %d voters would be well", well, voters)
	}
	return ""
}

// wellOff says whether a peer can be counted on.
func wellOff(s *core.Snapshot, r *core.RegionInfo, m *metapb.Peer) bool {
	store := s.Store(m.GetStoreId())
	return region.Votes(m) && store != nil && store.Alive && !r.IsPending(m.GetId()) && !r.IsDown(m.GetId())
}
