// Package placement puts the real schedulers and controller of the placement driver over a modelled cluster of any size, in
// virtual time: groups do what they are told at once, a new peer needs some ticks to catch up, and only what changes is
// reported. It shows what no cluster on one machine can: whether 100 stores with 100,000 regions become even, after how
// long, by how many moves, and whether any region goes back and forth.
//
// The model has no clients and no faults; those are the affair of package workloads. A tick is a second.
package placement

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"ordeal/pd/core"
	"ordeal/pd/schedule"
	"ordeal/proto/metapb"
	"ordeal/proto/pdpb"
	"ordeal/system/region"
	"ordeal/world"
)

const (
	// Replicas is how many peers each region has.
	Replicas = 3
	// StoresMin is the fewest stores that regions can be spread over by newModel.
	StoresMin = 3 * Replicas
	// catchUpTicks is how long a new peer lags.
	catchUpTicks = 3
	// operatorsEach is how many operators, and how many handovers beside them, may touch a store.
	operatorsEach = 32
	// roundMax is how many operators a scheduler may start in a tick, and operatorTimeout when one is given up.
	roundMax        = 64
	operatorTimeout = time.Minute
	// regionMiBMax is the size of the largest region: the one at which stores split.
	regionMiBMax = 96
)

// model is a cluster and what moves its regions.
type model struct {
	rng     *rand.Rand
	now     world.Time
	cluster *core.Cluster
	ctl     *schedule.Controller
	plan    *schedule.Plan
	stores  uint64
	lastID  uint64
	// catchUp is when peers that were added will have caught up, by region.
	catchUp map[uint64]int
	ticks   int
	// left are the stores that each region has left; to come back to one is a swing.
	left          map[[2]uint64]bool
	moves, swings int
	transfers     int
}

// newModel puts regions of 1 to regionMiBMax MiB on all stores but the last empty ones. Each region is led from the first
// of its stores.
func newModel(o Options) (*model, error) {
	m := &model{
		rng:     rand.New(rand.NewPCG(o.Seed, 5)),
		cluster: core.NewCluster(core.Liveness{DisconnectAfter: 3 * time.Second, DownAfter: time.Hour}),
		ctl:     schedule.NewController(limits(o.Stores)),
		stores:  uint64(o.Stores), lastID: uint64((1 + Replicas) * o.Regions), catchUp: map[uint64]int{}, left: map[[2]uint64]bool{},
	}
	var err error
	m.plan, err = schedule.NewPlan(string(schedule.KindReplica), string(schedule.KindBalanceRegion), string(schedule.KindBalanceLeader))
	if err != nil {
		return nil, err
	}
	for id := uint64(1); id <= m.stores; id++ {
		if err := m.cluster.PutStore(&metapb.Store{Id: id, Address: fmt.Sprintf("%d/0", id)}, m.now); err != nil {
			return nil, err
		}
	}
	if err := m.heartbeats(); err != nil {
		return nil, err
	}
	full := o.Stores - o.Empty
	for i := range o.Regions {
		r := &metapb.Region{
			Id: uint64(i + 1), StartKey: fmt.Appendf(nil, "%08d", i), EndKey: fmt.Appendf(nil, "%08d", i+1),
			RegionEpoch: &metapb.RegionEpoch{Version: 1, ConfVer: Replicas},
		}
		at := m.rng.IntN(full)
		for p := range Replicas {
			r.Peers = append(r.Peers, &metapb.Peer{Id: uint64(Replicas*i + p + 1), StoreId: uint64(at + 1)})
			at = (at + 1 + m.rng.IntN(full/Replicas)) % full // so many such steps never come round
		}
		size := uint64(1+m.rng.IntN(regionMiBMax)) << 20
		if err := m.report(&core.RegionInfo{Region: r, Leader: r.Peers[0], Term: 1, ApproximateSize: size}); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// limits are moves and handovers alike.
func limits(stores int) schedule.Limits {
	return schedule.Limits{
		OperatorsMax: operatorsEach * stores / 2, OperatorsPerStoreMax: operatorsEach,
		HandoversMax: operatorsEach * stores / 2, HandoversPerStoreMax: operatorsEach,
	}
}

func (m *model) report(r *core.RegionInfo) error {
	r.Reported = m.now
	_, err := m.cluster.ProcessHeartbeat(r)
	return err
}

func (m *model) heartbeats() error {
	for id := uint64(1); id <= m.stores; id++ {
		if err := m.cluster.HeartbeatStore(&pdpb.StoreStats{StoreId: id}, m.now); err != nil {
			return err
		}
	}
	return nil
}

func (m *model) input() schedule.Input {
	view := m.cluster.View(m.now)
	return schedule.Input{
		Snapshot: view, Running: m.ctl.Running(view), Rand: m.rng, Replicas: Replicas, Timeout: operatorTimeout,
		NextID: func() uint64 { m.lastID++; return m.lastID }, Rules: schedule.Rules{TolerancePercent: 1},
	}
}

// tick lets a second pass and returns how many operators were started.
func (m *model) tick() (started int, err error) {
	m.ticks++
	m.now = m.now.Add(time.Second)
	if err := m.heartbeats(); err != nil {
		return 0, err
	}
	for _, o := range m.ctl.Operators() {
		if err := m.advance(o.Region); err != nil {
			return 0, err
		}
	}
	for _, scheduler := range m.plan.Running(m.now) {
		for range roundMax {
			o := scheduler.Schedule(m.input())
			if o == nil || m.ctl.Add(o) != "" {
				break
			}
			started++
		}
	}
	return started, nil
}

// advance reports a region that has an operator, and does what it is told.
func (m *model) advance(id uint64) error {
	r := m.cluster.Region(id)
	if at, lags := m.catchUp[id]; lags && m.ticks >= at {
		r = copyOf(r) // without what is pending
		delete(m.catchUp, id)
		if err := m.report(r); err != nil {
			return err
		}
	}
	cmd, _ := m.ctl.Dispatch(m.cluster.View(m.now), r)
	if cmd == nil {
		return nil
	}
	return m.obey(r, cmd)
}

func (m *model) obey(old *core.RegionInfo, cmd *pdpb.RegionHeartbeatResponse) error {
	r := copyOf(old)
	r.Pending = old.Pending
	if to := cmd.GetTransferLeader().GetPeer(); to != nil {
		r.Leader, r.Term = to, r.Term+1
		m.transfers++
		return m.report(r)
	}
	p := cmd.GetChangePeer().GetPeer()
	r.Region.RegionEpoch.ConfVer++
	switch cmd.GetChangePeer().GetChangeType() {
	case pdpb.ConfChangeType_AddLearnerNode:
		p = &metapb.Peer{Id: p.GetId(), StoreId: p.GetStoreId(), Role: metapb.PeerRole_Learner}
		r.Region.Peers = append(r.Region.Peers, p)
		r.Pending = []*metapb.Peer{p}
		m.catchUp[r.ID()] = m.ticks + catchUpTicks
		m.moves++
		if m.left[[2]uint64{r.ID(), p.GetStoreId()}] {
			m.swings++
		}
	case pdpb.ConfChangeType_AddNode:
		region.FindPeer(r.Region, p.GetStoreId()).Role = metapb.PeerRole_Voter
	case pdpb.ConfChangeType_RemoveNode:
		region.RemovePeer(r.Region, p.GetStoreId())
		m.left[[2]uint64{r.ID(), p.GetStoreId()}] = true
	}
	return m.report(r)
}

// copyOf is the region as it would be reported anew, with nothing pending.
func copyOf(r *core.RegionInfo) *core.RegionInfo {
	return &core.RegionInfo{Region: region.Clone(r.Region), Leader: r.Leader, Term: r.Term, ApproximateSize: r.ApproximateSize}
}

// worst is the largest distance of any store from the mean, in percent of it: of weight and of leaders.
func (m *model) worst() (weights, leaders float64) {
	stores := m.cluster.Stores(m.now)
	var w, l float64
	for _, st := range stores {
		w += float64(st.Counts.Weight) / float64(len(stores))
		l += float64(st.Counts.Leaders) / float64(len(stores))
	}
	for _, st := range stores {
		weights = max(weights, math.Abs(float64(st.Counts.Weight)-w)/w*100)
		leaders = max(leaders, math.Abs(float64(st.Counts.Leaders)-l)/l*100)
	}
	return weights, leaders
}

// necessary is about how many peers must move at least, if all weigh the same: what stores above the mean have too much.
func (m *model) necessary() float64 {
	var sum, over float64
	stores := m.cluster.Stores(m.now)
	for _, st := range stores {
		sum += float64(st.Counts.Weight)
	}
	mean := sum / float64(len(stores))
	for _, st := range stores {
		over += max(float64(st.Counts.Weight)-mean, 0)
	}
	return over / (sum / float64(Replicas*m.cluster.RegionCount()))
}
