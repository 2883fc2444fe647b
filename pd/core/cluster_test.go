package core_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/pd/core"
	"ordeal/pd/internal/pdtest"
)

func TestRegionPrintsAsItParses(t *testing.T) {
	t.Parallel()
	const line = "r1001 [a,m) v2 c3 {s1:1002,s2:1003,s3:1004} leader=1 term=5 pending=2 down=3 size=4096"
	require.Equal(t, line, pdtest.MustRegion(line).String())
}

func TestScan(t *testing.T) {
	t.Parallel()
	c := core.NewCluster(core.Liveness{})
	for _, line := range []string{
		"r1 [,c) v1 c1 {s1:11}", "r2 [c,f) v1 c1 {s1:12}", "r4 [h,p) v1 c1 {s1:14}", "r5 [p,) v1 c1 {s1:15}",
	} {
		_, err := c.ProcessHeartbeat(pdtest.MustRegion(line))
		require.NoError(t, err)
	}
	for _, tc := range []struct {
		start, end string
		limit      int
		want       []uint64
	}{
		{"", "", 0, []uint64{1, 2, 4, 5}},
		{"", "", 2, []uint64{1, 2}},
		{"b", "", 0, []uint64{1, 2, 4, 5}}, // starts inside a region
		{"c", "", 0, []uint64{2, 4, 5}},    // starts where one starts
		{"f", "", 0, []uint64{4, 5}},       // starts in a gap
		{"f", "h", 0, nil},                 // is the gap
		{"a", "h", 0, []uint64{1, 2}},      // ends where one starts
		{"a", "h\x00", 0, []uint64{1, 2, 4}},
		{"z", "", 0, []uint64{5}},
		{"a", "z", 1, []uint64{1}},
	} {
		var got []uint64
		for _, r := range c.Scan([]byte(tc.start), []byte(tc.end), tc.limit) {
			got = append(got, r.ID())
		}
		require.Equalf(t, tc.want, got, "scan [%s,%s) limit %d", tc.start, tc.end, tc.limit)
	}
}

func TestSnapshotDoesNotChange(t *testing.T) {
	t.Parallel()
	c := core.NewCluster(core.Liveness{DisconnectAfter: 1, DownAfter: 2})
	require.NoError(t, c.PutStore(pdtest.Store(1), 0))
	_, err := c.ProcessHeartbeat(pdtest.MustRegion("r1 [,) v1 c1 {s1:11} leader=1 term=1"))
	require.NoError(t, err)

	old := c.Snapshot(0)
	_, err = c.ProcessHeartbeat(pdtest.MustRegion("r2 [m,) v2 c1 {s1:12} leader=1 term=1"))
	require.NoError(t, err)
	require.NoError(t, c.PutStore(pdtest.Store(2), 0))

	require.Equal(t, 1, old.RegionCount())
	require.Equal(t, uint64(1), old.RegionByKey([]byte("z")).ID())
	require.Nil(t, old.Region(2))
	require.Nil(t, old.Store(2))
	require.Equal(t, 1, old.Store(1).Counts.Leaders)
	next := c.Snapshot(5)
	require.Equal(t, uint64(2), next.RegionByKey([]byte("z")).ID())
	require.Nil(t, next.RegionByKey([]byte("a")))
	require.Equal(t, core.StoreDown, next.Store(2).State)
	require.Len(t, next.Stores(), 2)
}

// A model cluster splits, merges, moves and elects; its heartbeats reach PD late, doubled and in any order. Belief must
// keep its invariants, never go back, and equal the truth once everybody has reported.
func TestAnyOrderOfNews(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(rapid.Uint64().Draw(t, "seed"))
		c := core.NewCluster(core.Liveness{})
		for range 4 {
			require.NoError(t, c.PutStore(pdtest.Store(uint64(len(c.Stores(0))+1)), 0))
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			m.step()
			for range m.rng.IntN(4) {
				news := m.history[m.rng.IntN(len(m.history))]
				before := c.Region(news.ID())
				_, err := c.ProcessHeartbeat(news)
				require.NotErrorIs(t, err, core.ErrInvalid)
				require.NoError(t, consistent(c, 0))
				if after := c.Region(news.ID()); before != nil {
					require.NotNil(t, after)
					require.GreaterOrEqual(t, after.Region.GetRegionEpoch().GetVersion(),
						before.Region.GetRegionEpoch().GetVersion())
					require.GreaterOrEqual(t, after.Region.GetRegionEpoch().GetConfVer(),
						before.Region.GetRegionEpoch().GetConfVer())
					require.GreaterOrEqual(t, after.Term, before.Term)
				}
			}
		}
		// Reports of the final state, in any order, each of which must be believed.
		for _, i := range m.rng.Perm(len(m.regions)) {
			_, err := c.ProcessHeartbeat(m.regions[i].info())
			require.NoError(t, err)
		}
		require.NoError(t, consistent(c, 0))
		require.Equal(t, len(m.regions), c.RegionCount())
		for i, r := range c.Scan(nil, nil, 0) {
			require.Equal(t, m.regions[i].info().String(), r.String())
		}
	})
}

// model is a true cluster with regions in the order of keys; history is all they ever reported.
type model struct {
	rng     *rand.Rand
	regions []*modelRegion
	nextID  uint64
	history []*core.RegionInfo
}

type modelRegion struct {
	id, version, confVer, term, peer uint64
	store                            uint64
	start, end                       string
}

func (r *modelRegion) info() *core.RegionInfo {
	return pdtest.MustRegion(fmt.Sprintf("r%d [%s,%s) v%d c%d {s%d:%d} leader=%d term=%d size=10",
		r.id, r.start, r.end, r.version, r.confVer, r.store, r.peer, r.store, r.term))
}

func newModel(seed uint64) *model {
	m := &model{rng: rand.New(rand.NewPCG(seed, 1)), nextID: 100}
	m.regions = []*modelRegion{{id: 1, version: 1, confVer: 1, term: 1, peer: 2, store: 1}}
	m.history = append(m.history, m.regions[0].info())
	return m
}

func (m *model) id() uint64 {
	m.nextID++
	return m.nextID
}

func (m *model) step() {
	i := m.rng.IntN(len(m.regions))
	r := m.regions[i]
	switch m.rng.IntN(4) {
	case 0: // split
		key := fmt.Sprintf("%03d", m.rng.IntN(1000))
		if key <= r.start || (r.end != "" && key >= r.end) {
			return
		}
		r.version++
		right := *r
		right.id, right.peer, right.start, right.term = m.id(), m.id(), key, 1
		r.end = key
		m.regions = append(m.regions[:i+1], append([]*modelRegion{&right}, m.regions[i+1:]...)...)
		m.history = append(m.history, right.info())
	case 1: // merge with the right neighbour
		if i+1 == len(m.regions) {
			return
		}
		next := m.regions[i+1]
		r.version = max(r.version, next.version) + 1
		r.end = next.end
		m.regions = append(m.regions[:i+1], m.regions[i+2:]...)
	case 2: // move
		r.confVer += 2
		r.store, r.peer = r.store%4+1, m.id()
	case 3: // elect
		r.term++
	}
	m.history = append(m.history, r.info())
}
