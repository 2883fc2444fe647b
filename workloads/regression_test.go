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
