package placement

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPlacementAtScale(t *testing.T) {
	t.Parallel()
	r, err := Run(t.Context(), Options{Seed: 1, Stores: 20, Empty: 4, Regions: 2000, TicksMax: 2000}, nil)
	require.NoError(t, err)
	t.Logf("even after %d ticks, at rest after %d; %d moves (%.0f necessary), %d transfers, worst %.1f%% and %.1f%% of leaders",
		r.EvenAfter, r.Ticks, r.Moves, r.Necessary, r.Transfers, r.WorstWeight, r.WorstLeaders)
	require.Zero(t, r.Swings, "a region came back to a store that it had left")
	require.True(t, r.Even())
	require.Less(t, r.RedundantPercent(), 30.0)

	again, err := Run(t.Context(), r.Options, nil)
	require.NoError(t, err)
	require.Equal(t, r, again, "one seed is one placement")

	var page bytes.Buffer
	require.NoError(t, r.WritePage(&page))
	require.Contains(t, page.String(), "The stores became even")
	require.Equal(t, 3, bytes.Count(page.Bytes(), []byte("<svg")))
	require.Less(t, page.Len(), 1<<20)
}

func TestEveryRegionKeepsItsPeers(t *testing.T) {
	t.Parallel()
	m, err := newModel(Options{Seed: 2, Stores: 12, Empty: 2, Regions: 300})
	require.NoError(t, err)
	for range 300 {
		_, err := m.tick()
		require.NoError(t, err)
	}
	require.Positive(t, m.moves)
	require.Empty(t, m.ctl.Operators())
	for i := range m.cluster.RegionCount() {
		require.Len(t, m.cluster.At(i).Region.GetPeers(), Replicas, "%s", m.cluster.At(i))
	}
}

// What does not come to rest says so, with what was found until then.
func TestRestless(t *testing.T) {
	t.Parallel()
	r, err := Run(t.Context(), Options{Seed: 1, Stores: 12, Empty: 3, Regions: 500, TicksMax: 5}, nil)
	require.ErrorIs(t, err, ErrRestless)
	require.Equal(t, 5, r.Ticks)
	require.Equal(t, "The stores did not become even", r.Verdict())
	r.Swings = 2
	require.Equal(t, "2 times a region came back to a store that it had left", r.Verdict())

	ctx, cancel := context.WithCancel(t.Context())
	r, err = Run(ctx, Options{Seed: 1, Stores: 12, Empty: 3, Regions: 500}, func(Sample) { cancel() })
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, r.Ticks)
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]Options{
		"-1 empty stores: want 0 or more":                              {Stores: 9, Empty: -1, Regions: 1},
		"10 stores of which 2 are empty: want at least 9 that are not": {Stores: 10, Empty: 2, Regions: 1},
		"0 regions: want at least 1":                                   {Stores: 9},
		"at most -1 ticks: want more than 0":                           {Stores: 9, Regions: 1, TicksMax: -1},
	} {
		_, err := Run(t.Context(), o, nil)
		require.EqualError(t, err, want)
	}
}

func TestThin(t *testing.T) {
	t.Parallel()
	all := make([]Sample, 5*SamplesMax)
	for i := range all {
		all[i].Tick = i
	}
	kept := thin(all)
	require.Len(t, kept, SamplesMax)
	require.Equal(t, all[0], kept[0])
	require.Equal(t, all[len(all)-1], kept[SamplesMax-1])
}

// BenchmarkPlacement lets ten empty stores join ninety that have 100,000 regions.
func BenchmarkPlacement(b *testing.B) {
	for range b.N {
		r, err := Run(b.Context(), Options{Seed: 1, Stores: 100, Empty: 10, Regions: 100_000}, nil)
		require.NoError(b, err)
		require.Zero(b, r.Swings)
		b.ReportMetric(float64(r.EvenAfter), "ticks-to-5%")
		b.ReportMetric(float64(r.Ticks), "ticks-to-rest")
		b.ReportMetric(float64(r.Moves), "moves")
		b.ReportMetric(r.RedundantPercent(), "redundant-%")
		b.ReportMetric(r.WorstWeight, "worst-%")
		b.ReportMetric(r.WorstLeaders, "worst-leaders-%")
	}
}
