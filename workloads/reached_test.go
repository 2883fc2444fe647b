package workloads

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/cluster"
)

// TestRunsCountStates: a run says of every state that is declared how often it came to it. This one splits and merges
// regions, moves replicas, and damages nothing.
func TestRunsCountStates(t *testing.T) {
	t.Parallel()
	cfg := Config{Workload: "churn", Seed: 1, Nemesis: []string{"split"}, Duration: 4 * time.Second,
		Stores: 4, Replicas: 3, Regions: 2, Clients: 4, Schedule: "+1s split region(0)\n+1.5s conf-change add region(0) on(0)\n" +
			"+1s for 0.5s when split within 3s: kill its-leader\n+2.5s merge region(0) right\n"}
	s, err := Run(cfg, nil)
	require.NoError(t, err)
	require.Len(t, s.Reached, len(cluster.States()))
	for _, state := range []string{"split", "peer-by-message", "snapshot-sending", "snapshot-arriving", "leader-deposed"} {
		require.Positive(t, s.Reached[state], state)
	}
	require.Zero(t, s.Reached["quarantined"])
	require.True(t, s.Faults[1].Bit || s.Faults[0].Bit, "%v", s.Faults)
	// Counts are a run's own, not the process's.
	again, err := Run(cfg, nil)
	require.NoError(t, err)
	require.Equal(t, s.Reached, again.Reached)
	require.Equal(t, s.TraceHash, again.TraceHash)
}
