package workloads_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/workloads"
	"ordeal/workloads/driver"
)

// flags are those of `ordeal run`, parsed by `go test ./workloads -nemesis=all -seeds=20`.
var flags = workloads.RegisterFlags(flag.CommandLine)

// What TestNemesis does when no flag asks for more: enough to see that everything works, in seconds.
var short = map[string]string{"seeds": "1", "duration": "5s", "out": filepath.Join(workloads.DefaultOut, "test")}

func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || ours(f.Name) })
	if !asked {
		for name, value := range short {
			if err := flag.Set(name, value); err != nil {
				panic(err)
			}
		}
	}
	opts, err := flags.Options()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(workloads.ExitUsage)
	}
	if opts.ListBugs {
		driver.PrintBugs(os.Stdout)
		os.Exit(workloads.ExitOK)
	}
	os.Exit(m.Run())
}

// ours says whether a flag is one of package workloads, not of package testing.
func ours(name string) bool {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	workloads.RegisterFlags(fs)
	return fs.Lookup(name) != nil
}

// TestNemesis runs workloads under faults in simulated clusters, one subtest a run. It is the other door to what
// `ordeal run` does: the same flags, the same workers with failpoints, the same folders below the module's root.
func TestNemesis(t *testing.T) {
	opts, err := flags.Options()
	require.NoError(t, err)
	pool, root := newPool(t, &opts, "")
	cfgs, err := driver.Runs(opts)
	require.NoError(t, err)
	for _, w := range opts.Workloads {
		t.Run(w, func(t *testing.T) {
			t.Parallel()
			for _, cfg := range cfgs {
				if cfg.Workload == w {
					t.Run(fmt.Sprintf("seed=%d", cfg.Seed), func(t *testing.T) {
						t.Parallel()
						runOne(t, pool, root, cfg)
					})
				}
			}
		})
	}
}

// runOne makes a run. One that could not be judged, or in which nothing was tried, has failed its purpose as much as
// one that was judged wrong.
func runOne(t *testing.T, pool *driver.Pool, root string, cfg workloads.Config) *workloads.Summary {
	s, err := pool.Run(context.WithoutCancel(t.Context()), cfg, func(workloads.Progress) {})
	require.NoError(t, err)
	t.Logf("%s: %d ok, %d failed, %d unknown, %d faults, %.1f virtual s in %.2f s, trace %s",
		s.Verdict, s.Ops.OK, s.Ops.Failed, s.Ops.Unknown, len(s.Faults), s.VirtualS, s.WallS, s.TraceHash)
	if s.Verdict != checker.OK {
		shown := cfg
		if rel, err := filepath.Rel(root, cfg.Out); err == nil && filepath.IsLocal(rel) {
			shown.Out = rel
		}
		t.Errorf("%s: %s\nreport: %s\nreplay: %s", s.Verdict, driver.Reasons(s),
			filepath.Join(shown.Out, workloads.ReportFile), driver.ReplayLine(shown))
	}
	return s
}
