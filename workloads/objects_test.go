package workloads_test

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/checker/formats"
	"ordeal/internal/failpoint"
	"ordeal/workloads"
	"ordeal/workloads/driver"
)

// TestObjects: runs of the workloads on lists, sets and counters are fine, and find a planted bug, whether they are judged at the
// end or while they go on. What a run that fails leaves is judged alike by `ordeal check`.
func TestObjects(t *testing.T) {
	root, err := failpoint.ModuleRoot(".")
	require.NoError(t, err)
	binary, err := driver.Prepare(t.Context(), driver.NewConsole(os.Stderr), root, "")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, binary.Close()) })
	pool := driver.NewPool(binary, runtime.NumCPU())
	t.Cleanup(pool.Close)
	opts, err := flags.Options()
	require.NoError(t, err)
	for _, load := range []string{"append", "set", "counter"} {
		cfg := workloads.Config{Workload: load, Stores: 5, Replicas: 3, Regions: 4, Clients: 8, Duration: 5 * time.Second}
		t.Run(load, func(t *testing.T) {
			t.Parallel()
			cfg := cfg
			cfg.Nemesis, cfg.Seed, cfg.Out = opts.Base.Nemesis, opts.Seed, t.TempDir()
			require.NotZero(t, runOne(t, pool, root, cfg).Ops.OK)
		})
		for _, stream := range []bool{false, true} {
			t.Run(load+map[bool]string{false: " with a bug", true: " with a bug, streamed"}[stream], func(t *testing.T) {
				t.Parallel()
				cfg := cfg
				cfg.Bug, cfg.Nemesis, cfg.Stream = "stale-read", []string{"partition", "kill", "transfer-leader"}, stream
				findStaleRead(t, pool, cfg)
			})
		}
	}
}

// staleSeedsMax is how many runs may go by until one finds stale reads, of which about every second does.
const staleSeedsMax = 40

func findStaleRead(t *testing.T, pool *driver.Pool, cfg workloads.Config) {
	for cfg.Seed = 1; cfg.Seed <= staleSeedsMax; cfg.Seed++ {
		cfg.Out = t.TempDir()
		s, err := pool.Run(t.Context(), cfg, func(workloads.Progress) {})
		require.NoError(t, err)
		if s.Verdict != checker.FAIL {
			continue
		}
		t.Logf("seed %d: %s", cfg.Seed, driver.Reasons(s))
		require.Equal(t, "linearizability", s.Kind)
		require.FileExists(t, filepath.Join(cfg.Out, workloads.ReportFile))
		file, err := os.Open(filepath.Join(cfg.Out, workloads.HistoryFile))
		require.NoError(t, err)
		defer file.Close()
		history, err := formats.Read(file, formats.Auto)
		require.NoError(t, err)
		model := formats.ModelFor(history)
		require.Equal(t, cfg.Workload, model.Name)
		r, err := formats.Check(history, model, checker.Options{})
		require.NoError(t, err)
		require.Equal(t, checker.FAIL, r.Verdict)
		require.NotEmpty(t, r.Violations[0].Ops)
		require.True(t, slices.ContainsFunc(r.Violations, func(v checker.Violation) bool { return slices.Contains(s.Reasons, v.Message) }),
			"%q and %q", s.Reasons, r.Reasons)
		return
	}
	t.Fatalf("%d runs have not found it", staleSeedsMax)
}
