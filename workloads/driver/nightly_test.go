package driver

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/workloads"
)

// someNight makes runs of the seeds from 1 on with fake workers.
func someNight(t *testing.T, runs uint64) Night {
	opts, err := workloads.RegisterFlags(newFlagSet()).Options()
	require.NoError(t, err)
	return Night{
		Workloads: []string{"register", "scan"}, Base: opts.Base, Seed: 100, Shards: 1, For: time.Hour, Runs: runs,
		Out: filepath.Join(t.TempDir(), "night"),
	}
}

func fakeBinary(t *testing.T) *Binary {
	self, err := os.Executable()
	require.NoError(t, err)
	return &Binary{Path: self, Env: []string{workerEnvName + "=1"}}
}

// spend makes the runs of a night, or of what is left of it.
func spend(t *testing.T, ctx context.Context, n Night) NightSummary {
	state, err := n.openState(time.Now())
	require.NoError(t, err)
	sum, err := n.run(ctx, quietConsole(t), fakeBinary(t), state)
	require.NoError(t, err)
	return sum
}

func TestSeedsOfShards(t *testing.T) {
	t.Parallel()
	n := someNight(t, 0)
	seen := map[string]bool{}
	for shard := range 3 {
		n.Shard, n.Shards = shard, 3
		for index := range uint64(20) {
			c := n.config(1000, index)
			require.False(t, seen[c.Name()], "%s twice", c.Name())
			seen[c.Name()] = true
		}
	}
	for seed := uint64(1000); seed < 1030; seed++ {
		for _, w := range n.Workloads {
			require.True(t, seen[fmt.Sprintf("%s-%d", w, seed)], "%s %d is nobody's", w, seed)
		}
	}
}

func TestNightKeepsOneRunOfEachWayOfFailing(t *testing.T) {
	t.Parallel()
	n := someNight(t, 8)
	n.Seed = seedViolation // then a panic, an exit, an error; what hangs or is a mistake is left out
	sum := spend(t, t.Context(), n)
	require.Equal(t, checker.FAIL, sum.Verdict)
	require.Equal(t, 8, sum.Total.All())
	require.Equal(t, 6, sum.Total.Fail)
	require.Equal(t, 2, sum.Total.Unknown)
	require.Len(t, sum.Failures, 4)
	for _, f := range sum.Failures {
		require.Equal(t, 2, f.Count, "both workloads fail in the same way: %s", f.Kind)
		require.DirExists(t, filepath.Join(n.Out, f.Dir))
		_, recorded, err := workloads.ReadConfig(filepath.Join(n.Out, f.Dir))
		require.NoError(t, err)
		require.Equal(t, f.Verdict, recorded.Verdict)
		runs, err := os.ReadDir(filepath.Dir(filepath.Join(n.Out, f.Dir)))
		require.NoError(t, err)
		require.Len(t, runs, 1, "only the fastest is kept")
		require.Empty(t, f.Differs)
	}
	require.Equal(t, checker.FAIL, sum.Failures[0].Verdict)
	require.Equal(t, checker.UNKNOWN, sum.Failures[3].Verdict)
	page, err := os.ReadFile(filepath.Join(n.Out, NightIndexFile))
	require.NoError(t, err)
	for _, want := range []string{"the store broke", "a stale read of k1", sum.Failures[0].Dir + "/report.html", "ordeal replay", "FAIL"} {
		require.Contains(t, string(page), want)
	}
	var b bytes.Buffer
	sum.Print(&b)
	require.Contains(t, b.String(), "verdict: FAIL")
	require.Contains(t, b.String(), "FAIL 2 times: a stale read of #")
}

func TestRunThatIsAnotherOneWhenMadeAgain(t *testing.T) {
	t.Parallel()
	n := someNight(t, 1)
	n.Seed = seedFickle
	sum := spend(t, t.Context(), n)
	require.Contains(t, sum.Failures[0].Differs, "has become")
	page, err := sum.page()
	require.NoError(t, err)
	require.Contains(t, string(page), "another run")
}

func TestNightGoesOn(t *testing.T) {
	t.Parallel()
	n := someNight(t, 10)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	sum := spend(t, stopped, n)
	require.Zero(t, sum.Total.All())
	require.Equal(t, checker.INCONCLUSIVE, sum.Verdict, "nothing was tried")

	// As if it had been interrupted when runs 0, 1 and 3 were made.
	state, err := n.openState(time.Now())
	require.NoError(t, err)
	u := &night{Night: n, state: state, from: time.Now(), busy: map[uint64]bool{}}
	for _, index := range []uint64{3, 0, 1} {
		u.done(index, &workloads.Summary{Workload: "register", Verdict: checker.OK})
	}
	require.NoError(t, u.save())
	require.Equal(t, []uint64{3}, state.Ahead)
	sum = spend(t, t.Context(), n)
	require.Equal(t, 10, sum.Total.All(), "no run is made twice, none is left out")
	require.Equal(t, checker.OK, sum.Verdict)
	require.Equal(t, uint64(105), sum.To)
	require.Zero(t, sum.Nights)

	sum = spend(t, t.Context(), n)
	require.Equal(t, 20, sum.Total.All(), "the next night takes the seeds that follow")
	require.Equal(t, 1, sum.Nights)
	require.Equal(t, uint64(110), sum.To)

	other := n
	other.Shards = 2
	_, err = other.openState(time.Now())
	require.True(t, workloads.IsUsage(err))
	require.ErrorContains(t, err, "other flags")
	require.NoError(t, os.WriteFile(filepath.Join(n.Out, NightStateFile), []byte(`{"workloads":`), 0o644))
	_, err = n.openState(time.Now())
	require.True(t, workloads.IsUsage(err))
	require.ErrorContains(t, err, "is damaged")
	foreign := n
	foreign.Out = t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(foreign.Out, "thesis.txt"), nil, 0o644))
	_, err = foreign.openState(time.Now())
	require.True(t, workloads.IsUsage(err))
	require.ErrorContains(t, err, "not ours")
}

// What is known of a night does not grow with the runs, however many ways of failing there are.
func TestNightIsBounded(t *testing.T) {
	t.Parallel()
	n := someNight(t, 0)
	state, err := n.newState(time.Now())
	require.NoError(t, err)
	for i := range groupsMax + 10 {
		g := state.group(&workloads.Summary{Verdict: checker.FAIL, Kind: fmt.Sprint("kind ", i)}, time.Now())
		require.Equal(t, i >= groupsMax, g == nil)
	}
	require.Len(t, state.Groups, groupsMax)
	require.Equal(t, 10, state.Others)
	g := state.group(&workloads.Summary{Verdict: checker.FAIL, Kind: "kind 3"}, time.Now())
	require.Equal(t, 2, g.Count)
	state.ungroup(g)
	state.ungroup(g)
	require.Len(t, state.Groups, groupsMax-1)
	for index := range uint64(1000) {
		state.finish(index ^ 7)
	}
	require.Empty(t, state.Ahead)
	require.Equal(t, uint64(1000), state.Next)
	require.NotEqual(t, (&nightGroup{Verdict: "FAIL", Kind: "a/b"}).folder(), (&nightGroup{Verdict: "FAIL", Kind: "a b"}).folder())
}

func TestWorkersAreReplaced(t *testing.T) {
	t.Parallel()
	p := testPool(t, 1)
	p.recycle = 2
	pids := map[string]bool{}
	for range 6 {
		s, err := p.Run(t.Context(), configs(t, "", seedFickle)[0], func(workloads.Progress) {})
		require.NoError(t, err)
		pids[s.TraceHash] = true
	}
	require.Len(t, pids, 3)
}
