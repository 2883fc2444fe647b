package workloads

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/cluster"
)

// TestStoresComeAndGo: where stores leave and others join all the time, more come than there are ids below those of the driver,
// there are never many at a time, and the run is well.
func TestStoresComeAndGo(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	t.Parallel()
	cfg := Config{
		Workload: "register", Seed: 3, Duration: 3 * time.Minute, Stores: 5, Replicas: 3, Regions: 4, Clients: 2,
		Nemesis: []string{"decommission"}, Stream: true,
	}
	most := 0
	r := &run{cfg: cfg, verdict: checker.OK, wall: startWall()}
	r.progress = func(Progress) { most = max(most, len(r.cluster.Stores())) }
	require.NoError(t, r.prepare())
	defer r.close()
	r.play()
	s, err := r.finish()
	require.NoError(t, err)
	require.Equal(t, checker.OK, s.Verdict, "%v", s.Reasons)
	require.Greater(t, len(r.cluster.Leaving()), cluster.StoresMax)
	require.LessOrEqual(t, most, 2*cfg.Stores+4)
	t.Logf("%d stores left, there were %d at most, %.1f s", len(r.cluster.Leaving()), most, s.WallS)
}
