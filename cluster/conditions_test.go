package cluster_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/cluster"
	"ordeal/nemesis"
	"ordeal/world"
	"ordeal/world/sim"
)

// TestStatesAreToldApart: names are unique, look alike, and each says what it is.
func TestStatesAreToldApart(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range cluster.States() {
		require.Regexp(t, regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`), s.Name)
		require.False(t, seen[s.Name], s.Name)
		require.NotEmpty(t, s.About, s.Name)
		seen[s.Name] = true
	}
	require.GreaterOrEqual(t, len(seen), 30)
}

// hurt carries out a schedule on a cluster of three stores that has just started.
func hurt(t *testing.T, schedule string) (*cluster.Sim, []nemesis.Record) {
	t.Helper()
	w := sim.New(sim.Config{Seed: 1})
	t.Cleanup(func() { _ = w.Close() })
	cfg := cluster.DefaultConfig()
	cfg.Stores = 3
	cfg.SplitKeys = [][]byte{[]byte("m")}
	c, err := cluster.NewSim(w, cfg)
	require.NoError(t, err)
	require.NoError(t, c.Start())
	s, err := nemesis.ParseSchedule(schedule)
	require.NoError(t, err)
	var records []nemesis.Record
	done := false
	w.Go(cluster.NemesisNode, "nemesis", func(p world.Proc) {
		records = nemesis.Run(p, c, s, time.Minute, nil)
		done = true
	})
	require.True(t, w.RunWhile(func() bool { return !done }, w.Now().Add(2*time.Minute)))
	return c, records
}

// TestFaultsStrikeBetweenTwoSteps: the target's leader goes down when the source is frozen, so the merge is not over when it
// strikes, and the nemesis is still in the midst of the merge itself.
func TestFaultsStrikeBetweenTwoSteps(t *testing.T) {
	t.Parallel()
	_, records := hurt(t, "+0.5s for 2s when merging within 5s: kill other-leader\n+1s merge region(0) right\n")
	require.Len(t, records, 2)
	killed, merged := records[0], records[1]
	require.True(t, killed.Bit, killed.String())
	require.Contains(t, killed.Text, "merging of region")
	require.Equal(t, killed.AppliedAt.Add(2*time.Second), killed.HealedAt)
	require.Greater(t, killed.AppliedAt, merged.AppliedAt)
	require.Less(t, killed.AppliedAt, merged.HealedAt)
}

func TestFaultsWaitInVain(t *testing.T) {
	t.Parallel()
	_, records := hurt(t, "+0.5s for 2s when quarantined within 3s: kill there\n")
	require.Equal(t, "waited 3.000s for quarantined, which did not come", records[0].Skipped)
}

// TestHealsOfAKindMeet: a fault that waited is ended by the heal of one of its kind that did not, and does not end it again.
func TestHealsOfAKindMeet(t *testing.T) {
	t.Parallel()
	_, records := hurt(t, "+0.5s for 5s when leader-deposed within 5s: kill there\n+1s transfer-leader region(0) to(0)\n+2s for 1s kill any(1)\n")
	waited, other := records[0], records[2]
	require.True(t, waited.Bit, waited.String())
	require.Contains(t, waited.Text, "ended by the heal of kill any(1)")
	require.Equal(t, other.HealedAt, waited.HealedAt)
	require.Empty(t, other.Skipped)
}
