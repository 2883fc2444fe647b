package workloads

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestShapeIsDrawn(t *testing.T) {
	t.Parallel()
	stores, replicas := map[int]int{}, map[int]int{}
	for seed := range uint64(500) {
		c := Config{Seed: seed}
		c.drawShape()
		require.GreaterOrEqual(t, c.Stores, c.Replicas)
		stores[c.Stores]++
		replicas[c.Replicas]++
		again := Config{Seed: seed}
		again.drawShape()
		require.Equal(t, c, again)
		given := Config{Seed: seed, Stores: 4}
		given.drawShape()
		require.Equal(t, 4, given.Stores)
		require.Equal(t, 3, given.Replicas, "five have no room")
		given = Config{Seed: seed, Replicas: 7}
		given.drawShape()
		require.Equal(t, 7, given.Replicas)
		require.GreaterOrEqual(t, given.Stores, 7)
		many := Config{Seed: seed, Regions: 1000}
		many.drawShape()
		require.Equal(t, [2]int{usualStores, usualReplicas}, [2]int{many.Stores, many.Replicas})
	}
	for n := drawnStoresMin; n <= drawnStoresMax; n++ {
		require.Greater(t, stores[n], 25, n)
	}
	require.Len(t, stores, drawnStoresMax-drawnStoresMin+1)
	require.Greater(t, replicas[5], 50)
	require.Greater(t, replicas[3], 250)
	require.Len(t, replicas, 2)
}

// TestBuffersAreOftenTiny: every bound is tiny in some runs and usual in others.
func TestBuffersAreOftenTiny(t *testing.T) {
	t.Parallel()
	plain := plainBuffers()
	tiny := [8]int{}
	const seeds = 400
	for seed := range uint64(seeds) {
		b := drawBuffers(seed, 4)
		for i, small := range [8]bool{
			b.barriers < plain.barriers, b.ops < plain.ops, b.opsBytes < plain.opsBytes, b.messageBytes < plain.messageBytes,
			b.applyBytes < plain.applyBytes, b.inflight < plain.inflight, b.ids < plain.ids, b.regionsPerTick < plain.regionsPerTick,
		} {
			if small {
				tiny[i]++
			}
		}
	}
	for i, n := range tiny {
		require.Greater(t, n, seeds/16, i)
		require.Less(t, n, seeds/2, i)
	}
	k := drawKnobs(Config{Workload: "register", Seed: 3, Clients: 1, Plain: []string{"buffers"}})
	require.Equal(t, plain, k.buffers)
}

// TestCrowds: some runs have all clients meet on a few keys, and most do not; none with many clients or many regions does.
func TestCrowds(t *testing.T) {
	t.Parallel()
	few, many := Config{Clients: 8, Regions: 4}, Config{Clients: 8, Regions: 4}
	crowds := 0
	const seeds = 200
	for seed := range uint64(seeds) {
		few.Seed, many.Seed = seed, seed
		n := drawCrowd(few)
		require.LessOrEqual(t, n, crowdKeysMax)
		if n > 0 {
			crowds++
			require.Equal(t, n, drawKnobs(few).traffic.HotKeys)
		}
		many.Clients, many.Regions = crowdClientsMax+1, 4
		require.Zero(t, drawCrowd(many))
		many.Clients, many.Regions = 8, manyRegions+1
		require.Zero(t, drawCrowd(many))
	}
	require.InDelta(t, seeds/crowdEvery, crowds, seeds/10)
}

func TestExplain(t *testing.T) {
	t.Parallel()
	explain := func(cfg Config) string {
		var out bytes.Buffer
		require.NoError(t, Explain(cfg, &out))
		return out.String()
	}
	cfg := Config{Workload: "churn", Seed: 7, Nemesis: []string{"kill", "split", "lag"}, Duration: 10 * time.Second,
		Stores: 5, Replicas: 3, Regions: 4, Clients: 8}
	text := explain(cfg)
	require.Equal(t, text, explain(cfg))
	require.True(t, strings.HasPrefix(text, "churn seed 7: 5 stores, 3 replicas, 4 regions, 8 clients, 10s under faults\n"), text)
	require.Regexp(t, `\nfaults, one in [0-9.]+m?s on average:\n  (kill|split) +[0-9]+ %  one in [0-9.]+m?s\n`, text)
	require.Contains(t, text, "lag needs crash points of snapshots")
	require.Regexp(t, `\n  buffers.inflight +[0-9]+\n`, text)
	require.Regexp(t, `\n  tick +[0-9.]+ms\n`, text)
	require.Regexp(t, `\nschedule, [0-9]+ faults:\n  \+[0-9.]+s `, text)
	require.NotEqual(t, text, explain(Config{Workload: "churn", Seed: 8, Nemesis: cfg.Nemesis, Duration: cfg.Duration,
		Stores: 5, Replicas: 3, Regions: 4, Clients: 8}))
	cfg.Nemesis = nil
	require.Contains(t, explain(cfg), "no faults are drawn")
	require.Error(t, Explain(Config{Workload: "nothing"}, &bytes.Buffer{}))
}

// TestSchedulesOfPeopleNameStates: what nobody declares can't be waited for.
func TestSchedulesOfPeopleNameStates(t *testing.T) {
	t.Parallel()
	cfg := Config{Workload: "register", Seed: 1, Nemesis: []string{"when"}, Duration: time.Second, Stores: 3, Replicas: 3, Regions: 1, Clients: 1,
		Schedule: "+0.1s when frozen within 1s: split region(0)\n"}
	_, err := Run(cfg, nil)
	require.True(t, IsUsage(err))
	require.ErrorContains(t, err, "there is no state frozen, only merging, ")
}
