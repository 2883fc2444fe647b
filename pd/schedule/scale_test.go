package schedule

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/pd/core"
	"ordeal/pd/internal/pdtest"
	"ordeal/proto/metapb"
	"ordeal/proto/pdpb"
	"ordeal/system/region"
	"ordeal/world"
)

// scale is a large modelled cluster under the real schedulers and controller. Groups do what they are told at once, and a
// new peer needs some ticks to catch up. A tick is a second. Only what changes is reported.
type scale struct {
	rng     *rand.Rand
	now     world.Time
	cluster *core.Cluster
	ctl     *Controller
	plan    *Plan
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

// catchUpTicks is how long a new peer lags.
const catchUpTicks = 3

// newScale puts regions of 1 to 96 MiB with three peers each on all stores but the last empty ones. Each region is led from
// the first of its stores.
func newScale(seed uint64, stores, empty, regions int) *scale {
	s := &scale{
		rng: rand.New(rand.NewPCG(seed, 5)), cluster: core.NewCluster(core.Liveness{DisconnectAfter: 3 * time.Second, DownAfter: time.Hour}),
		ctl:    NewController(Limits{OperatorsMax: 16 * stores, OperatorsPerStoreMax: 32}),
		stores: uint64(stores), lastID: uint64(4 * regions), catchUp: map[uint64]int{}, left: map[[2]uint64]bool{},
	}
	var err error
	if s.plan, err = NewPlan(string(KindReplica), string(KindBalanceRegion), string(KindBalanceLeader)); err != nil {
		panic(err)
	}
	s.heartbeats()
	full := stores - empty
	for i := range regions {
		m := &metapb.Region{
			Id: uint64(i + 1), StartKey: fmt.Appendf(nil, "%08d", i), EndKey: fmt.Appendf(nil, "%08d", i+1),
			RegionEpoch: &metapb.RegionEpoch{Version: 1, ConfVer: 3},
		}
		at := s.rng.IntN(full)
		for p := range 3 {
			m.Peers = append(m.Peers, &metapb.Peer{Id: uint64(3*i + p + 1), StoreId: uint64(at + 1)})
			at = (at + 1 + s.rng.IntN(full/3)) % full // three such steps never come round
		}
		s.report(&core.RegionInfo{Region: m, Leader: m.Peers[0], Term: 1, ApproximateSize: uint64(1+s.rng.IntN(96)) << 20})
	}
	return s
}

func (s *scale) report(r *core.RegionInfo) {
	r.Reported = s.now
	if _, err := s.cluster.ProcessHeartbeat(r); err != nil {
		panic(err)
	}
}

func (s *scale) heartbeats() {
	for id := uint64(1); id <= s.stores; id++ {
		if s.ticks == 0 {
			if err := s.cluster.PutStore(pdtest.Store(id), s.now); err != nil {
				panic(err)
			}
		}
		if err := s.cluster.HeartbeatStore(&pdpb.StoreStats{StoreId: id}, s.now); err != nil {
			panic(err)
		}
	}
}

func (s *scale) input() Input {
	view := s.cluster.View(s.now)
	return Input{
		Snapshot: view, Running: s.ctl.Running(view), Rand: s.rng, Replicas: 3, Timeout: time.Minute,
		NextID: func() uint64 { s.lastID++; return s.lastID }, Rules: Rules{TolerancePercent: 1},
	}
}

// tick lets a second pass and returns how many operators were started.
func (s *scale) tick() int {
	s.ticks++
	s.now = s.now.Add(time.Second)
	s.heartbeats()
	for _, o := range s.ctl.Operators() {
		r := s.cluster.Region(o.Region)
		if at, lags := s.catchUp[o.Region]; lags && s.ticks >= at {
			r = copyOf(r) // without what is pending
			delete(s.catchUp, o.Region)
			s.report(r)
		}
		if cmd, _ := s.ctl.Dispatch(s.cluster.View(s.now), r); cmd != nil {
			s.obey(r, cmd)
		}
	}
	started := 0
	for _, scheduler := range s.plan.Running(s.now) {
		for range 64 {
			o := scheduler.Schedule(s.input())
			if o == nil || s.ctl.Add(o) != "" {
				break
			}
			started++
		}
	}
	return started
}

func (s *scale) obey(old *core.RegionInfo, cmd *pdpb.RegionHeartbeatResponse) {
	r := copyOf(old)
	r.Pending = old.Pending
	if to := cmd.GetTransferLeader().GetPeer(); to != nil {
		r.Leader, r.Term = to, r.Term+1
		s.transfers++
		s.report(r)
		return
	}
	p := cmd.GetChangePeer().GetPeer()
	r.Region.RegionEpoch.ConfVer++
	switch cmd.GetChangePeer().GetChangeType() {
	case pdpb.ConfChangeType_AddLearnerNode:
		p = &metapb.Peer{Id: p.GetId(), StoreId: p.GetStoreId(), Role: metapb.PeerRole_Learner}
		r.Region.Peers = append(r.Region.Peers, p)
		r.Pending = []*metapb.Peer{p}
		s.catchUp[r.ID()] = s.ticks + catchUpTicks
		s.moves++
		if s.left[[2]uint64{r.ID(), p.GetStoreId()}] {
			s.swings++
		}
	case pdpb.ConfChangeType_AddNode:
		region.FindPeer(r.Region, p.GetStoreId()).Role = metapb.PeerRole_Voter
	case pdpb.ConfChangeType_RemoveNode:
		region.RemovePeer(r.Region, p.GetStoreId())
		s.left[[2]uint64{r.ID(), p.GetStoreId()}] = true
	}
	s.report(r)
}

// worst is the largest distance of any store from the mean, in percent of it: of weight and of leaders.
func (s *scale) worst() (weights, leaders float64) {
	stores := s.cluster.Stores(s.now)
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
func (s *scale) necessary() float64 {
	var sum, over float64
	stores := s.cluster.Stores(s.now)
	for _, st := range stores {
		sum += float64(st.Counts.Weight)
	}
	mean := sum / float64(len(stores))
	for _, st := range stores {
		over += max(float64(st.Counts.Weight)-mean, 0)
	}
	return over / (sum / float64(3*s.cluster.RegionCount()))
}

// converge runs until nothing has been started for a while. It returns after how many ticks all stores were within five
// percent of the mean, in weight and leaders, for good.
func (s *scale) converge(t testing.TB, ticksMax int) (even int) {
	for quiet := 0; quiet < 20; {
		require.Less(t, s.ticks, ticksMax, "still moving")
		if quiet++; s.tick() > 0 || len(s.ctl.Operators()) > 0 {
			quiet = 0
		}
		if w, l := s.worst(); w > 5 || l > 5 {
			even = s.ticks + 1
		}
	}
	return even
}

func (s *scale) requireWhole(t testing.TB) {
	for i := range s.cluster.RegionCount() {
		require.Len(t, s.cluster.At(i).Region.GetPeers(), 3, "%s", s.cluster.At(i))
	}
}

func TestPlacementAtScale(t *testing.T) {
	t.Parallel()
	s := newScale(1, 20, 4, 2000)
	necessary := s.necessary()
	even := s.converge(t, 2000)
	weights, leaders := s.worst()
	t.Logf("even after %d ticks, at rest after %d; %d moves (%.0f necessary), %d transfers, worst %.1f%% and %.1f%% of leaders",
		even, s.ticks, s.moves, necessary, s.transfers, weights, leaders)
	require.Zero(t, s.swings, "a region came back to a store that it had left")
	require.Less(t, weights, 5.0)
	require.Less(t, leaders, 5.0)
	require.Less(t, float64(s.moves), 1.3*necessary)
	s.requireWhole(t)
}

// BenchmarkPlacement lets ten empty stores join ninety that have 100,000 regions.
func BenchmarkPlacement(b *testing.B) {
	for range b.N {
		s := newScale(1, 100, 10, 100_000)
		necessary := s.necessary()
		even := s.converge(b, 20_000)
		weights, leaders := s.worst()
		require.Zero(b, s.swings)
		b.ReportMetric(float64(even), "ticks-to-5%")
		b.ReportMetric(float64(s.ticks), "ticks-to-rest")
		b.ReportMetric(float64(s.moves), "moves")
		b.ReportMetric(float64(s.moves)/necessary, "moves/necessary")
		b.ReportMetric(weights, "worst-%")
		b.ReportMetric(leaders, "worst-leaders-%")
	}
}
