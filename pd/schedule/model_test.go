package schedule

import (
	"fmt"
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

// model is a modelled cluster under the real checkers, schedulers and controller: stores live and die, groups elect and
// carry out commands that arrive late, twice or never. A tick is a second.
type model struct {
	rng     *rand.Rand
	now     world.Time
	cluster *core.Cluster
	ctl     *Controller
	lastID  uint64
	alive   map[uint64]bool
	offline map[uint64]bool
	regions []*core.RegionInfo
	// late are commands on their way.
	late []*pdpb.RegionHeartbeatResponse
	// lossy loses, doubles and delays commands.
	lossy   bool
	adds    int
	removes int
	swaps   int
	ends    map[Outcome]int
	// peersMax is how many peers a region may have before another one is added, scatters whether they are scattered.
	peersMax int
	scatters bool
	plan     *Plan
}

func newModel(seed uint64, stores, regions int) *model {
	m := &model{
		rng: rand.New(rand.NewPCG(seed, 3)), lastID: 1000, alive: map[uint64]bool{}, offline: map[uint64]bool{},
		cluster: core.NewCluster(core.Liveness{DisconnectAfter: 3 * time.Second, DownAfter: 10 * time.Second}),
		ctl:     NewController(Limits{OperatorsMax: 32, OperatorsPerStoreMax: 8, HandoversMax: 16, HandoversPerStoreMax: 4}),
		ends:    map[Outcome]int{}, peersMax: 3,
	}
	var err error
	if m.plan, err = NewPlan(string(KindJointState), string(KindReplica), string(KindBalanceRegion), string(KindBalanceLeader)); err != nil {
		panic(err)
	}
	for id := range uint64(stores) {
		m.alive[id+1] = true
	}
	for i := range regions {
		start, end := fmt.Sprintf("%04d", i), fmt.Sprintf("%04d", i+1)
		m.regions = append(m.regions, pdtest.MustRegion(fmt.Sprintf(
			"r%d [%s,%s) v1 c3 {s1:%d,s2:%d,s3:%d} leader=1 term=1", i+1, start, end, m.id(), m.id(), m.id())))
	}
	return m
}

func (m *model) id() uint64 {
	m.lastID++
	return m.lastID
}

func (m *model) input() Input {
	snap := m.cluster.Snapshot(m.now)
	return Input{
		Snapshot: snap, Running: m.ctl.Running(snap), Rand: m.rng, NextID: m.id, Replicas: 3, Timeout: 15 * time.Second,
	}
}

// tick lets everybody report, the driver decide and the groups act. It returns how many operators were started.
func (m *model) tick(t testing.TB) (started int) {
	m.now = m.now.Add(time.Second)
	for id := uint64(1); id <= uint64(len(m.alive)); id++ {
		meta := pdtest.Store(id)
		if m.offline[id] {
			meta.State = metapb.StoreState_Offline
		}
		require.NoError(t, m.cluster.PutStore(meta, m.now))
		if m.alive[id] {
			require.NoError(t, m.cluster.HeartbeatStore(&pdpb.StoreStats{StoreId: id}, m.now))
		}
	}
	for i := range m.regions {
		if m.elect(i); m.alive[m.regions[i].LeaderStore()] {
			_, err := m.cluster.ProcessHeartbeat(m.regions[i])
			require.NoError(t, err)
		}
	}
	for _, end := range m.ctl.Sweep(m.cluster.Snapshot(m.now)) {
		m.ends[end.Outcome]++
	}
	for i := range m.regions {
		if m.alive[m.regions[i].LeaderStore()] {
			m.dispatch(m.regions[i])
		}
	}
	m.deliver(t)
	for i := range m.cluster.RegionCount() {
		started += m.start(m.plan.Check(m.input(), m.cluster.At(i)))
	}
	if m.scatters {
		started += m.start(Scatter(m.input(), m.cluster.At(m.rng.IntN(m.cluster.RegionCount()))))
	}
	for _, s := range m.plan.Running(m.now) {
		for range 4 {
			started += m.start(s.Schedule(m.input()))
		}
	}
	return started
}

func (m *model) start(o *Operator) int {
	if o == nil || m.ctl.Add(o) != "" {
		return 0
	}
	return 1
}

func (m *model) dispatch(r *core.RegionInfo) {
	cmd, end := m.ctl.Dispatch(m.cluster.Snapshot(m.now), m.cluster.Region(r.ID()))
	if end.Operator != nil {
		m.ends[end.Outcome]++
	}
	if cmd == nil {
		return
	}
	for n := m.rng.IntN(3); m.lossy && n > 0; n-- { // none, or up to two late doubles
		m.late = append(m.late, cmd)
	}
	if !m.lossy || m.rng.IntN(3) > 0 {
		m.late = append(m.late, cmd)
	}
}

func (m *model) deliver(t testing.TB) {
	waiting := m.late
	m.late = nil
	m.rng.Shuffle(len(waiting), func(i, j int) { waiting[i], waiting[j] = waiting[j], waiting[i] })
	for _, cmd := range waiting {
		if m.lossy && m.rng.IntN(2) == 0 {
			m.late = append(m.late, cmd)
			continue
		}
		m.apply(t, cmd)
	}
}

// copyOf makes the next state of a region: reported ones are shared with the driver's belief.
func copyOf(r *core.RegionInfo) *core.RegionInfo {
	next := *r
	next.Region = region.Clone(r.Region)
	next.Pending, next.Down = nil, nil
	return &next
}

func (m *model) hasQuorum(r *core.RegionInfo) bool {
	up := 0
	for _, p := range r.Region.GetPeers() {
		if !region.Votes(p) {
			continue
		}
		up += int(one(m.alive[p.GetStoreId()] && !r.IsPending(p.GetId())))
	}
	return up >= quorum(region.Voters(r.Region))
}

// elect lets pending peers on live stores catch up, and a live peer take over from a dead leader if there is a quorum.
func (m *model) elect(i int) {
	r := copyOf(m.regions[i])
	m.leaveJoint(r)
	for _, p := range r.Region.GetPeers() {
		if !m.alive[p.GetStoreId()] {
			r.Down = append(r.Down, &pdpb.PeerStats{Peer: p})
		}
		if m.regions[i].IsPending(p.GetId()) && (!m.alive[p.GetStoreId()] || m.rng.IntN(2) == 0) {
			r.Pending = append(r.Pending, p)
		}
	}
	for _, p := range r.Region.GetPeers() {
		if !m.alive[r.LeaderStore()] && m.alive[p.GetStoreId()] && region.Votes(p) && !r.IsPending(p.GetId()) && m.hasQuorum(r) {
			r.Leader = p
			r.Term++
		}
	}
	m.regions[i] = r
}

// apply is a leader that gets a command: it does what it is asked only at the epoch it was made for, and only with a
// quorum. What must never be asked for fails the test.
func (m *model) apply(t testing.TB, cmd *pdpb.RegionHeartbeatResponse) {
	i := int(cmd.GetRegionId() - 1)
	r := copyOf(m.regions[i])
	r.Pending, r.Down = m.regions[i].Pending, m.regions[i].Down
	same := region.SameEpoch(cmd.GetRegionEpoch(), r.Region.GetRegionEpoch())
	if !same || !m.alive[r.LeaderStore()] || r.Leader.GetId() != cmd.GetTargetPeer().GetId() || !m.hasQuorum(r) {
		return
	}
	if to := cmd.GetTransferLeader(); to != nil {
		if m.alive[to.GetPeer().GetStoreId()] {
			r.Leader = to.GetPeer()
			r.Term++
		}
		m.regions[i] = r
		return
	}
	if v2 := cmd.GetChangePeerV2(); v2 != nil {
		m.swap(t, r, v2.GetChanges())
		m.regions[i] = r
		return
	}
	p := cmd.GetChangePeer().GetPeer()
	r.Region.RegionEpoch.ConfVer++
	switch cmd.GetChangePeer().GetChangeType() {
	case pdpb.ConfChangeType_AddNode:
		on := region.FindPeer(r.Region, p.GetStoreId())
		require.Equal(t, p.GetId(), on.GetId(), "%s has no learner there", r)
		require.Equal(t, metapb.PeerRole_Learner, on.GetRole(), "%s has a voter there", r)
		require.False(t, r.IsPending(p.GetId()), "%s: the learner has not caught up", r)
		on.Role = metapb.PeerRole_Voter
	case pdpb.ConfChangeType_AddLearnerNode:
		require.Nil(t, region.FindPeer(r.Region, p.GetStoreId()), "%s has a peer there", r)
		require.LessOrEqual(t, len(r.Region.GetPeers()), m.peersMax, "%s is thick enough", r)
		p = &metapb.Peer{Id: p.GetId(), StoreId: p.GetStoreId(), Role: metapb.PeerRole_Learner}
		r.Region.Peers = append(r.Region.Peers, p)
		r.Pending = append(r.Pending, p)
		m.adds++
	case pdpb.ConfChangeType_RemoveNode:
		require.NotEqual(t, p.GetStoreId(), r.LeaderStore(), "%s leads", region.FormatPeer(p))
		require.NotNil(t, region.RemovePeer(r.Region, p.GetStoreId()))
		m.removes++
	}
	m.regions[i] = r
}

// swap changes votes at once. In one case of two the group is still joint when it reports next, as elect lets it be.
func (m *model) swap(t testing.TB, r *core.RegionInfo, changes []*pdpb.ChangePeer) {
	for _, c := range changes {
		p := region.FindPeerByID(r.Region, c.GetPeer().GetId())
		require.NotNil(t, p, "%s", r)
		if c.GetChangeType() == pdpb.ConfChangeType_AddNode {
			require.Equal(t, metapb.PeerRole_Learner, p.GetRole(), "%s", r)
			require.False(t, r.IsPending(p.GetId()), "%s: the learner has not caught up", r)
			p.Role = metapb.PeerRole_IncomingVoter
		} else {
			require.NotEqual(t, r.Leader.GetId(), p.GetId(), "%s: the leader loses its vote", r)
			p.Role = metapb.PeerRole_DemotingVoter
		}
	}
	r.Region.RegionEpoch.ConfVer += uint64(len(changes))
	m.swaps++
}

// leaveJoint makes roles final, some time after they were changed at once.
func (m *model) leaveJoint(r *core.RegionInfo) {
	if !region.Joint(r.Region) || m.rng.IntN(2) == 0 || !m.alive[r.LeaderStore()] || !m.hasQuorum(r) {
		return
	}
	for _, p := range r.Region.GetPeers() {
		switch p.GetRole() {
		case metapb.PeerRole_IncomingVoter:
			p.Role = metapb.PeerRole_Voter
			r.Region.RegionEpoch.ConfVer++
		case metapb.PeerRole_DemotingVoter:
			p.Role = metapb.PeerRole_Learner
			r.Region.RegionEpoch.ConfVer++
		}
	}
}

// settle runs until nothing has been started for a while; it must not take more than ticks.
func (m *model) settle(t testing.TB, ticks int) {
	for quiet := 0; quiet < 20; ticks-- {
		require.Positive(t, ticks, "still moving: %v", m.ctl.Operators())
		quiet++
		if m.tick(t) > 0 || len(m.ctl.Operators()) > 0 {
			quiet = 0
		}
	}
}

// requireEven checks that every region has three peers on stores that stay, that stores differ by one region at most,
// and that no single transfer would make leaders more even. (They may differ by two where no region has peers on both.)
func (m *model) requireEven(t testing.TB) {
	regions, leaders := map[uint64]int{}, map[uint64]int{}
	for _, r := range m.regions {
		require.Len(t, r.Region.GetPeers(), 3, "%s", r)
		leaders[r.LeaderStore()]++
		for _, p := range r.Region.GetPeers() {
			regions[p.GetStoreId()]++
			require.True(t, m.alive[p.GetStoreId()] && !m.offline[p.GetStoreId()], "%s", r)
		}
	}
	lo, hi := len(m.regions), 0
	for id := uint64(1); id <= uint64(len(m.alive)); id++ {
		if m.alive[id] && !m.offline[id] {
			lo, hi = min(lo, regions[id]), max(hi, regions[id])
		}
	}
	require.LessOrEqual(t, hi-lo, 1, "%v", regions)
	for _, r := range m.regions {
		for _, p := range r.Region.GetPeers() {
			require.Less(t, leaders[r.LeaderStore()]-leaders[p.GetStoreId()], 2, "%s among %v", r, leaders)
		}
	}
}

func TestEmptyStoresJoin(t *testing.T) {
	t.Parallel()
	m := newModel(1, 6, 60)
	m.settle(t, 400)
	m.requireEven(t)
	require.Equal(t, 90, m.adds, "180 peers, of which stores 4, 5 and 6 should have 30 each: not one move too many")
	require.Equal(t, m.adds, m.removes)
	require.Zero(t, m.ends[OutcomeExpired]+m.ends[OutcomeCancelled])
}

func TestStoreIsEmptied(t *testing.T) {
	t.Parallel()
	m := newModel(2, 5, 20)
	m.settle(t, 400)
	m.offline[2] = true
	m.settle(t, 400)
	m.requireEven(t)
	require.Zero(t, m.cluster.Stores(m.now)[1].Counts)
}

// Whatever happens to stores and commands, no command is dangerous (apply checks), and once it is over every region is
// whole and the stores are even.
func TestAnyTrouble(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			m := newModel(seed, 4+int(seed%4), 8)
			m.lossy = true
			down := uint64(0)
			for range 1 + m.rng.IntN(5) {
				m.alive[max(down, 1)] = true
				down = m.rng.Uint64N(uint64(len(m.alive)) + 1)
				if down > 0 {
					m.alive[down] = false
				}
				for range 1 + m.rng.IntN(25) {
					m.tick(t)
				}
			}
			m.lossy = false
			if m.rng.IntN(2) == 0 {
				m.alive[max(down, 1)] = true
			}
			m.settle(t, 1000)
			m.requireEven(t)
		})
	}
}

// Regions are scattered while stores live and die, which changes several peers at once; then all is even again.
func TestScatteredInTrouble(t *testing.T) {
	t.Parallel()
	swaps := 0
	for seed := range uint64(20) {
		m := newModel(100+seed, 7, 12)
		m.lossy, m.scatters, m.peersMax = true, true, 4
		for range 4 {
			down := 1 + m.rng.Uint64N(7)
			m.alive[down] = false
			for range 1 + m.rng.IntN(20) {
				m.tick(t)
			}
			m.alive[down] = true
			for range 1 + m.rng.IntN(20) {
				m.tick(t)
			}
		}
		m.lossy, m.scatters = false, false
		m.settle(t, 1000)
		m.requireEven(t)
		swaps += m.swaps
	}
	require.Positive(t, swaps)
}
