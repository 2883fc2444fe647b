package workloads_test

import (
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/nemesis"
	"ordeal/workloads"
)

func parse(args ...string) (workloads.Options, []string, error) {
	return workloads.ParseFlags(flag.NewFlagSet("test", flag.ContinueOnError), args)
}

func TestFlagsDefault(t *testing.T) {
	t.Parallel()
	opts, rest, err := parse()
	require.NoError(t, err)
	require.Empty(t, rest)
	require.Equal(t, []string{"register", "scan", "churn", "batch"}, opts.Workloads)
	require.Equal(t, "out", opts.Out)
	require.Len(t, opts.Base.Nemesis, len(nemesis.Families()))
	require.Len(t, opts.Configs(), opts.Seeds*len(opts.Workloads))
}

func TestFlagsTakeOneDashOrTwoAnywhere(t *testing.T) {
	t.Parallel()
	want, _, err := parse("-seed=7", "-seeds=2", "-workload=scan,register", "-nemesis=split,kill", "-duration=1m")
	require.NoError(t, err)
	got, rest, err := parse("a", "--seed", "7", "--seeds=2", "b", "-workload", "register, scan", "--nemesis=kill,split,kill", "-duration=60s")
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, []string{"a", "b"}, rest)
	require.Equal(t, []string{"kill", "split"}, got.Base.Nemesis)
	cfgs := got.Configs()
	var names []string
	for _, c := range cfgs {
		names = append(names, c.Name())
		require.Equal(t, time.Minute, c.Duration)
	}
	require.Equal(t, []string{"register-7", "register-8", "scan-7", "scan-8"}, names)
}

func TestFlagsThatAreWrong(t *testing.T) {
	t.Parallel()
	bug := workloads.Bugs()[0].Name
	for _, c := range []struct {
		args, want string
	}{
		{"-workload=foo", `-workload=foo: unknown workload "foo": want all, or a list of register,`},
		{"-workload=", `unknown workload ""`},
		{"-workload=register,all", `unknown workload "all"`},
		{"-nemesis=partition,foo", `unknown nemesis "foo": want all, none, or a list of partition,kill,`},
		{"-nemesis=none,kill", "-nemesis=none,kill: "},
		{"-seed=-1", "-seed=-1: want a whole number from 0 to 18446744073709551615"},
		{"-seed=x", "-seed=x: want a whole number"},
		{"-seeds=0", "-seeds=0: want a whole number from 1 to 1000000"},
		{"-seeds=1e3", "-seeds=1e3: want a whole number"},
		{"-seed=18446744073709551615 -seeds=2", "the last seed would be larger"},
		{"-duration=60", "-duration=60: want a virtual time from 100ms to 24h0m0s, such as 30s or 2m"},
		{"-duration=-5s", "-duration=-5s: want"},
		{"-duration=1ms", "-duration=1ms: want"},
		{"-duration=25h", "-duration=25h: want"},
		{"-stores=0", "-stores=0: want a whole number from 1 to 25"},
		{"-stores=99999999999999999999", "want a whole number from 1 to 25"},
		{"-replicas=8 -stores=9", "-replicas=8: want a whole number from 1 to 7"},
		{"-replicas=5 -stores=3", "-replicas=5: there are only 3 stores"},
		{"-regions=0", "-regions=0: want"},
		{"-clients=0", "-clients=0: want"},
		{"-join=3", "-join=3: want a whole number from 0 to 2"},
		{"-bug=foo", "-bug=foo: unknown bug: want one of " + bug},
		{"-checker=knossos", `-checker=knossos: unknown checker "knossos": want one of auto, porcupine, frontier, fast`},
		{"-out=", "-out= is empty"},
		{"-stream=perhaps", `invalid boolean value "perhaps" for -stream`},
		{"-foo", "unknown flag -foo: allowed are -bug -checker -clients"},
		{"-seed", "flag needs an argument"},
	} {
		_, _, err := parse(strings.Fields(c.args)...)
		require.ErrorContains(t, err, c.want, c.args)
		require.True(t, workloads.IsUsage(err), c.args)
		require.NotContains(t, err.Error(), "\n", c.args)
	}
	_, _, err := parse("-h")
	require.ErrorIs(t, err, flag.ErrHelp)
	opts, _, err := parse("-bug=list")
	require.NoError(t, err)
	require.True(t, opts.ListBugs)
}

func TestArgsRepeatTheConfiguration(t *testing.T) {
	t.Parallel()
	bug := workloads.Bugs()[0].Name
	for _, args := range []string{"", "-nemesis=none -seed=9", "-stores=6 -join=3", "-checker=frontier", "-stream", "-nemesis=kill,split -duration=90s -bug=" + bug} {
		opts, _, err := parse(strings.Fields(args)...)
		require.NoError(t, err)
		cfg := opts.Configs()[0]
		again, _, err := parse(cfg.Args()...)
		require.NoError(t, err)
		require.Equal(t, []workloads.Config{cfg}, again.Configs())
	}
}

func TestSummaryGivesTheConfigurationBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	opts, _, err := parse("-workload=scan", "-seed=18446744073709551615", "-seeds=1", "-nemesis=kill", "-join=1")
	require.NoError(t, err)
	want := opts.Configs()[0]
	require.Equal(t, uint64(math.MaxUint64), want.Seed)
	s := &workloads.Summary{Workload: want.Workload, Seed: want.Seed, Flags: want.Flags(), Verdict: checker.FAIL, TraceHash: "ab"}
	require.NoError(t, workloads.WriteSummary(dir, s))
	got, recorded, err := workloads.ReadConfig(dir)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, s, recorded)

	const schedule = "+1.000s for 0.500s kill all\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, workloads.ScheduleFile), []byte(schedule), 0o644))
	got, _, err = workloads.ReadConfig(dir)
	require.NoError(t, err)
	require.Equal(t, schedule, got.Schedule)
}

func TestRunFoldersThatAreDamaged(t *testing.T) {
	t.Parallel()
	good := `{"workload":"scan","seed":7,"flags":{"nemesis":[],"duration":"20s","stores":5,"replicas":3,"regions":4,"clients":8},"verdict":"OK"}`
	for _, c := range []struct{ name, summary, schedule, want string }{
		{"cut", good[:40], "", "is cut off after 40 bytes"},
		{"empty", "", "", "is cut off after 0 bytes"},
		{"no JSON", "hello", "", "is damaged"},
		{"workload", strings.Replace(good, "scan", "scam", 1), "", `unknown workload "scam"`},
		{"all", strings.Replace(good, "scan", "all", 1), "", "the name of one workload"},
		{"verdict", strings.Replace(good, "OK", "FINE", 1), "", `verdict "FINE" is none of OK`},
		{"duration", strings.Replace(good, "20s", "20", 1), "", "-duration=20: want"},
		{"stores", strings.Replace(good, `"stores":5`, `"stores":500`, 1), "", "-stores=500: want"},
		{"schedule", good, "+1.000s for 1.000s kill all\n+2s dance\n", "schedule, line 2, column 5"},
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, workloads.SummaryFile), []byte(c.summary), 0o644))
		if c.schedule != "" {
			require.NoError(t, os.WriteFile(filepath.Join(dir, workloads.ScheduleFile), []byte(c.schedule), 0o644))
		}
		_, _, err := workloads.ReadConfig(dir)
		require.ErrorContains(t, err, c.want, c.name)
		require.True(t, workloads.IsUsage(err), c.name)
		require.NotContains(t, err.Error(), "\n", c.name)
	}
	dir := t.TempDir()
	_, _, err := workloads.ReadConfig(dir)
	require.ErrorContains(t, err, "has no summary.json")
	_, _, err = workloads.ReadConfig(filepath.Join(dir, "gone"))
	require.ErrorContains(t, err, "does not exist")
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	_, _, err = workloads.ReadConfig(file)
	require.ErrorContains(t, err, "is a file")
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for v, want := range map[checker.Verdict]int{checker.OK: 0, checker.FAIL: 1, checker.UNKNOWN: 3, checker.INCONCLUSIVE: 3} {
		require.Equal(t, want, workloads.ExitCode(v), v)
	}
}
