package workloads_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/internal/failpoint"
	"ordeal/workloads"
	"ordeal/workloads/driver"
)

// requireOK makes a run in a worker with failpoints. Tests that `ordeal shrink` writes call it.
func requireOK(t *testing.T, cfg workloads.Config) {
	t.Helper()
	root, err := failpoint.ModuleRoot(".")
	require.NoError(t, err)
	binary, err := driver.Prepare(t.Context(), driver.NewConsole(os.Stderr), root, "")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, binary.Close()) })
	pool := driver.NewPool(binary, 1)
	t.Cleanup(pool.Close)
	s, err := pool.Run(t.Context(), cfg, func(workloads.Progress) {})
	require.NoError(t, err)
	require.Equal(t, checker.OK, s.Verdict, driver.Reasons(s))
}

// TestRegister1AckBeforeSync is such a test: the run that `ordeal shrink` made of one with the planted bug ack-before-sync.
// Without the bug it is fine.
func TestRegister1AckBeforeSync(t *testing.T) {
	t.Parallel()
	requireOK(t, workloads.Config{
		Workload: "register", Seed: 1, Luck: 6, Duration: 1250000000,
		Stores: 3, Replicas: 3, Regions: 4, Clients: 1,
		Nemesis: []string{"kill", "crash-at"},
		Plain:   []string{"net", "disk", "clocks", "shards", "sleep", "reads", "sizes", "driver"},
		Schedule: "" +
			"+0.215s for 0.476s kill store(3)\n" +
			"+1.134s for 0.023s kill leader(1)\n",
	})
}
