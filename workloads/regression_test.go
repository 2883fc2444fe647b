package workloads_test

import (
	"os"
	"testing"
	"time"

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

// TestScan280066 is a shrunk run in which a region stayed frozen for a merge: the target's peer on one store waited for a
// quarantined peer of the source to be removed.
func TestScan280066(t *testing.T) {
	t.Parallel()
	requireOK(t, workloads.Config{
		Workload: "scan", Seed: 280066, Luck: 0, Duration: 5625000000,
		Stores: 5, Replicas: 3, Regions: 4, Clients: 8,
		Nemesis: []string{"partition", "kill", "transfer-leader", "conf-change", "joint", "learner", "replace", "split", "batch-split", "merge", "coup", "lag", "crash-at", "bit-rot", "decommission", "pd-kill", "pd-partition", "pd-leader-transfer", "pd-replay", "pd-storm"},
		Schedule: "" +
			"+0.243s for 0.197s partition isolate(leader(58)) pd=out\n" +
			"+0.571s merge region(6) right\n" +
			"+0.625s for 0.166s partition isolate(leader(8)) pd=out clients=0xdf\n" +
			"+0.869s for 0.482s joint region(41) 62->40 swaps(1) explicit\n" +
			"+0.948s for 0.168s bit-rot store(2) block(13)\n" +
			"+0.987s merge region(62) right racing target\n" +
			"+1.124s for 0.187s partition halves(0x18) pd=out\n" +
			"+1.342s merge region(43) right\n" +
			"+1.548s merge region(6) right\n" +
			"+1.816s for 0.855s partition isolate(store(2)) pd=in\n" +
			"+1.930s for 0.262s lag store(1) crashBeforeSnapshot\n" +
			"+1.933s for 0.882s partition isolate(store(4))\n" +
			"+2.072s merge region(24) left racing source\n" +
			"+2.911s for 1.421s partition isolate(majority(52)) pd=in\n" +
			"+2.923s merge region(42) right racing target\n" +
			"+3.503s for 0.110s bit-rot leader(49) block(58)\n" +
			"+3.600s for 0.626s partition oneway(rest->leader(22))\n" +
			"+3.627s merge region(39) right\n" +
			"+3.671s for 0.215s bit-rot leader(46) block(36)\n" +
			"+3.725s merge region(10) right\n",
	})
}

// TestHealEndsWhileTheDriverIsDown: a block with data of ninety regions is damaged and the driver loses its power, so that nobody can
// be made to notice the damage. The heal of the damage asked them all, one after the other, and the nemesis did not come to an end.
func TestHealEndsWhileTheDriverIsDown(t *testing.T) {
	t.Parallel()
	requireOK(t, workloads.Config{
		Workload: "register", Seed: 7008, Duration: 10 * time.Second,
		Stores: 6, Replicas: 3, Regions: 97, Clients: 8, Join: 3,
		Nemesis: []string{"crash-at", "bit-rot", "pd-kill"},
		Schedule: "" +
			"+0.111s for 0.312s bit-rot leader(31) block(52)\n" +
			"+0.164s for 0.454s kill pd\n" +
			"+0.175s for 0.092s crash-at crashAfterSplit all\n",
	})
}
