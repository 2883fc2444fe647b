package workloads

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
)

// TestTraceIsWhole: the file that two runs are compared by has a line for every event, to the last.
func TestTraceIsWhole(t *testing.T) {
	t.Parallel()
	trace := filepath.Join(t.TempDir(), "trace")
	s, err := Run(Config{
		Workload: "register", Seed: 3, Duration: time.Second, Stores: 3, Replicas: 3, Regions: 2, Clients: 2, Trace: trace,
	}, nil)
	require.NoError(t, err)
	require.Equal(t, checker.OK, s.Verdict, "%v", s.Reasons)
	b, err := os.ReadFile(trace)
	require.NoError(t, err)
	require.EqualValues(t, s.Events, bytes.Count(b, []byte("\n")))
}
