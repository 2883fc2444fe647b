package workloads_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/internal/failpoint"
	"ordeal/workloads"
	"ordeal/workloads/driver"
)

// TestBalance fills three stores with regions and lets three empty ones join while clients read and write, the placement driver
// crashes again and again, and other faults come now and then. In the end all six must have as many regions and leaders as
// each other, within 10 % of the mean or one; no region may have gone back to where it came from without a cause, and not
// many more peers may have moved than was necessary, which workloads/joining.go computes; besides all that every run is
// judged by. There is one run a seed; they take the workloads in turn, and 60 to 150 regions.
//
//	go test ./workloads -nemesis=all -run=TestBalance -seeds=500
func TestBalance(t *testing.T) {
	opts, err := flags.Options()
	require.NoError(t, err)
	pool, root := newPool(t, &opts, "balance")
	for i := range opts.Seeds {
		cfg := opts.Base
		cfg.Seed = opts.Seed + uint64(i)
		cfg.Workload = opts.Workloads[int(cfg.Seed)%len(opts.Workloads)]
		cfg.Stores, cfg.Join, cfg.Replicas, cfg.Regions = 6, 3, 3, balanceRegionsMin+int(cfg.Seed*balanceRegionsStep%(balanceRegionsMax-balanceRegionsMin+1))
		cfg.Out = filepath.Join(opts.Out, cfg.Name())
		require.NoError(t, driver.CheckFolder(cfg.Out))
		t.Run(fmt.Sprintf("seed=%d", cfg.Seed), func(t *testing.T) {
			t.Parallel()
			s := runOne(t, pool, root, cfg)
			if b := s.Balance; b != nil {
				t.Logf("%d moves of at most %d (%d necessary, %d operators unfinished, %d changes by others), peers %v, leaders %v",
					b.Moves, b.Allowed, b.Necessary, b.Unfinished, b.Others, b.Peers, b.Leaders)
			}
		})
	}
}

// The regions of a run are spread over the range by its seed.
const balanceRegionsMin, balanceRegionsMax, balanceRegionsStep = 60, 150, 37

// newPool starts workers for the runs of a test, whose folders are below one of that name.
func newPool(t *testing.T, opts *workloads.Options, name string) (pool *driver.Pool, root string) {
	root, err := failpoint.ModuleRoot(".")
	require.NoError(t, err)
	if !filepath.IsAbs(opts.Out) {
		opts.Out = filepath.Join(root, opts.Out)
	}
	opts.Out = filepath.Join(opts.Out, name)
	binary, err := driver.Prepare(t.Context(), driver.NewConsole(os.Stderr), root, "")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, binary.Close()) })
	require.NoError(t, binary.Need(opts.Base.Bug))
	pool = driver.NewPool(binary, runtime.NumCPU())
	t.Cleanup(pool.Close)
	return pool, root
}
