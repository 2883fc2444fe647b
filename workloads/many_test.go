package workloads

import (
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
)

// memoryMax bounds what a process with 10,000 regions on three stores may ever have resident, in bytes.
const memoryMax = 4 << 30

// TestThousandRegions: regions beyond the hundreds start, sleep, wake, and go through a run with all faults.
func TestThousandRegions(t *testing.T) {
	t.Parallel()
	for _, load := range UsualWorkloads() {
		t.Run(load, func(t *testing.T) { runMany(t, load, 1000, 2*time.Second) })
	}
}

// TestTenThousandRegions does the same with ten times as many, in about a minute.
func TestTenThousandRegions(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes about a minute")
	}
	t.Parallel()
	for _, load := range []string{"register", "churn"} {
		t.Run(load, func(t *testing.T) { runMany(t, load, 10_000, 2*time.Second) })
	}
	if peak, known := peakMemory(t); known {
		t.Logf("%d MiB were resident at most", peak>>20)
		require.Less(t, peak, uint64(memoryMax))
	}
}

// runMany makes a run under all faults and looks at whether its regions slept when nobody used them, and woke up.
func runMany(t *testing.T, load string, regions int, d time.Duration) {
	cfg := Config{
		Workload: load, Seed: 1, Nemesis: nemesisNames(), Duration: d, Stores: 3, Replicas: 3, Regions: regions, Clients: 8,
	}
	r := &run{cfg: cfg, progress: func(Progress) {}, verdict: checker.OK, wall: startWall()}
	require.NoError(t, r.prepare())
	defer r.close()
	r.play()
	s, err := r.finish()
	require.NoError(t, err)
	t.Logf("%d ok, %d failed, %d unknown, %d faults, %.1f virtual s in %.2f s, asleep: %+v", s.Ops.OK, s.Ops.Failed, s.Ops.Unknown,
		len(s.Faults), s.VirtualS, s.WallS, s.Rests)
	require.Equal(t, checker.OK, s.Verdict, "%v", s.Reasons)
	require.Positive(t, s.Ops.OK)
	require.Len(t, s.Rests, 3)
	for _, rest := range s.Rests {
		require.InDelta(t, regions*cfg.Replicas, rest.Peers, float64(regions), "%s: faults add and remove some", rest.When)
		if rest.When != RestChaos {
			require.Greater(t, rest.Asleep*100, rest.Peers*restPct, rest.When)
		}
	}
	// The probe wrote to every region, so each leader must have woken up, and those that sleep at the end fell asleep again.
	require.Greater(t, r.watch.slumbers, s.Rests[0].Asleep+regions)
}

// peakMemory is how much of this process was resident at most, where the system tells.
func peakMemory(t *testing.T) (bytes uint64, known bool) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, false
	}
	m := regexp.MustCompile(`VmHWM:\s*(\d+) kB`).FindSubmatch(status)
	if m == nil {
		return 0, false
	}
	kib, err := strconv.ParseUint(string(m[1]), 10, 64)
	require.NoError(t, err)
	return kib << 10, true
}
