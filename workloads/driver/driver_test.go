package driver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/workloads"
)

// workerEnvName makes this test program a worker with fake runs.
const workerEnvName = "ORDEAL_DRIVER_TEST_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(workerEnvName) != "" {
		fmt.Fprintln(os.Stderr, Work(os.Stdin, os.Stdout, fakeRun, func() { os.Exit(0) }))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// What a fake run does is chosen by its seed.
const (
	seedOK = iota + 1
	seedViolation
	seedPanic
	seedExit
	seedError
	seedUsage
	seedHang
	seedNothing
	seedFickle
)

func fakeRun(cfg workloads.Config, progress func(workloads.Progress)) (*workloads.Summary, error) {
	progress(workloads.Progress{VirtualS: 1})
	s := &workloads.Summary{
		Workload: cfg.Workload, Seed: cfg.Seed, Flags: cfg.Flags(), RunDir: cfg.Out, Verdict: checker.OK,
		TraceHash: fmt.Sprintf("%x", cfg.Seed), VirtualS: 20, Ops: workloads.Ops{OK: 10},
	}
	switch cfg.Seed {
	case seedViolation:
		s.Verdict, s.Reasons = checker.FAIL, []string{"a stale read\nof k1"}
	case seedPanic:
		fmt.Fprintln(os.Stderr, "said before")
		panic("the store broke")
	case seedExit:
		os.Exit(7)
	case seedError:
		return nil, errors.New("no space left")
	case seedUsage:
		return nil, workloads.Usagef("no such thing")
	case seedHang:
		select {}
	case seedNothing:
		return nil, nil
	case seedFickle:
		s.Verdict, s.TraceHash = checker.FAIL, fmt.Sprint("process ", os.Getpid())
	}
	if cfg.Out == "" {
		return s, nil
	}
	return s, workloads.WriteSummary(cfg.Out, s)
}

func testPool(t *testing.T, workers int) *Pool {
	self, err := os.Executable()
	require.NoError(t, err)
	p := NewPool(&Binary{Path: self, Env: []string{workerEnvName + "=1"}}, workers)
	t.Cleanup(p.Close)
	return p
}

// configs returns one configuration for each seed, with folders below dir if that is not "".
func configs(t *testing.T, dir string, seeds ...uint64) []workloads.Config {
	opts, err := workloads.RegisterFlags(newFlagSet()).Options()
	require.NoError(t, err)
	var cfgs []workloads.Config
	for _, seed := range seeds {
		cfg := opts.Configs()[0]
		cfg.Seed = seed
		if dir != "" {
			cfg.Out = filepath.Join(dir, cfg.Name())
		}
		cfgs = append(cfgs, cfg)
	}
	return cfgs
}

func quietConsole(t *testing.T) *Console {
	f, err := os.OpenFile(filepath.Join(t.TempDir(), "console"), os.O_CREATE|os.O_RDWR, 0o644)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return NewConsole(f)
}

func runAll(t *testing.T, p *Pool, cfgs []workloads.Config) ([]Result, error) {
	m := Watch(quietConsole(t), cfgs, nil)
	defer m.Stop()
	return p.RunAll(t.Context(), cfgs, m, false)
}

func TestWorkersThatDieTakeOnlyTheirRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	results, err := runAll(t, testPool(t, 2), configs(t, dir,
		seedOK, seedPanic, seedViolation, seedExit, seedError, seedNothing, seedOK+100))
	require.NoError(t, err)
	for i, want := range []struct {
		verdict checker.Verdict
		reason  string
	}{
		{checker.OK, ""},
		{checker.FAIL, "the worker process died in the run: panic: the store broke"},
		{checker.FAIL, "a stale read of k1"},
		{checker.FAIL, "the worker process died in the run: exit status 7"},
		{checker.UNKNOWN, "the run could not be made: no space left"},
		{checker.UNKNOWN, "the run could not be made: the run ended without a summary"},
		{checker.OK, ""},
	} {
		r := results[i]
		require.Equal(t, want.verdict, r.Summary.Verdict)
		require.Equal(t, want.reason, Reasons(r.Summary))
		// Whatever happened, the folder has a summary that repeats it.
		cfg, recorded, err := workloads.ReadConfig(r.Config.Out)
		require.NoError(t, err)
		require.Equal(t, want.verdict, recorded.Verdict)
		cfg.Out = r.Config.Out
		require.Equal(t, r.Config, cfg)
	}
	require.Equal(t, checker.FAIL, Verdict(results))
	crash, err := os.ReadFile(filepath.Join(results[1].Config.Out, workloads.CrashFile))
	require.NoError(t, err)
	require.Contains(t, string(crash), "said before")
	require.Contains(t, string(crash), "fakeRun")
	require.NoFileExists(t, filepath.Join(results[2].Config.Out, workloads.CrashFile))
}

func TestRunThatIsStuckIsUnknownAndShowsWhere(t *testing.T) {
	t.Parallel()
	p := testPool(t, 1)
	p.silence = 500 * time.Millisecond
	results, err := runAll(t, p, configs(t, t.TempDir(), seedHang, seedOK))
	require.NoError(t, err)
	require.Equal(t, checker.UNKNOWN, results[0].Summary.Verdict)
	require.Contains(t, Reasons(results[0].Summary), "no sign of life for 500ms")
	crash, err := os.ReadFile(filepath.Join(results[0].Config.Out, workloads.CrashFile))
	require.NoError(t, err)
	require.Contains(t, string(crash), "fakeRun")
	require.Equal(t, checker.OK, results[1].Summary.Verdict)
}

func TestMistakeOfThePersonEndsAllRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	results, err := runAll(t, testPool(t, 1), configs(t, dir, seedUsage, seedOK))
	require.EqualError(t, err, "no such thing")
	require.True(t, workloads.IsUsage(err))
	require.Nil(t, results[0].Summary)
	require.NoDirExists(t, results[0].Config.Out)
	require.NoDirExists(t, results[1].Config.Out)
}

func TestStoppingKeepsWhatIsDone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfgs := configs(t, dir, seedOK, seedHang, seedHang+100)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	told := make(chan checker.Verdict, len(cfgs))
	m := Watch(quietConsole(t), cfgs, func(s *workloads.Summary) { told <- s.Verdict })
	defer m.Stop()
	go func() {
		// What is finished is told while others go on. The run that hangs has begun once it has reported progress.
		if v := <-told; v != checker.OK {
			t.Errorf("the run that was finished is told as %s", v)
		}
		for m.state(1).VirtualS == 0 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	results, err := testPool(t, 1).RunAll(ctx, cfgs, m, false)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, checker.OK, results[0].Summary.Verdict)
	require.Nil(t, results[1].Summary)
	require.Nil(t, results[2].Summary)
	require.Empty(t, told)
	require.NoDirExists(t, cfgs[1].Out)
	require.Equal(t, checker.INCONCLUSIVE, Verdict(results))
	var out bytes.Buffer
	PrintResults(&out, results)
	require.Contains(t, out.String(), "2 of 3 runs were not made")
}

func TestFirstFailureEndsTheRest(t *testing.T) {
	t.Parallel()
	cfgs := configs(t, t.TempDir(), seedOK, seedViolation, seedOK+100)
	m := Watch(quietConsole(t), cfgs, nil)
	defer m.Stop()
	results, err := testPool(t, 1).RunAll(t.Context(), cfgs, m, true)
	require.ErrorIs(t, err, errFailed)
	require.Equal(t, checker.OK, results[0].Summary.Verdict)
	require.Equal(t, checker.FAIL, results[1].Summary.Verdict)
	require.Nil(t, results[2].Summary)
	require.Equal(t, checker.FAIL, Verdict(results))
}

func TestOnlyFoldersOfRunsAreReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg := configs(t, dir, seedOK)[0]
	p := testPool(t, 1)
	run := func() error {
		_, err := p.Run(t.Context(), cfg, func(workloads.Progress) {})
		return err
	}
	require.NoError(t, run())
	old := filepath.Join(cfg.Out, "old")
	require.NoError(t, os.WriteFile(old, nil, 0o644))
	require.NoError(t, run(), "the folder of an earlier run")
	require.NoFileExists(t, old)

	require.NoError(t, os.Remove(filepath.Join(cfg.Out, workloads.SummaryFile)))
	require.NoError(t, run(), "an empty folder")

	require.NoError(t, os.Remove(filepath.Join(cfg.Out, workloads.SummaryFile)))
	mine := filepath.Join(cfg.Out, "thesis.txt")
	require.NoError(t, os.WriteFile(mine, []byte("years of work"), 0o644))
	err := run()
	require.ErrorContains(t, err, "not ours to replace")
	require.True(t, workloads.IsUsage(err))
	require.FileExists(t, mine)
	_, err = Runs(workloads.Options{Workloads: []string{cfg.Workload}, Seed: cfg.Seed, Seeds: 1, Out: dir})
	require.ErrorContains(t, err, "not ours to replace")

	cfg.Out = mine
	require.True(t, workloads.IsUsage(run()), "a file")
}

func TestWorkerWithoutFailpoints(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	console := &Console{w: &out}
	_, err := Prepare(t.Context(), console, t.TempDir(), "")
	require.ErrorIs(t, err, errNoSource)
	b, err := Prepare(t.Context(), console, t.TempDir(), "/bin/self")
	require.NoError(t, err)
	require.Equal(t, &Binary{Path: "/bin/self", Args: []string{WorkerCommand}}, b)
	require.Contains(t, out.String(), "running without")
	require.NoError(t, b.Need(""))
	require.True(t, workloads.IsUsage(b.Need("stale-read")))
	require.NoError(t, b.Close())
}

func TestWorkEndsOnWhatIsNoJob(t *testing.T) {
	t.Parallel()
	err := Work(strings.NewReader("run!\n"), &bytes.Buffer{}, fakeRun, func() {})
	require.ErrorContains(t, err, "read a job")
}
