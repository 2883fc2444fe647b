package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/workloads"
)

// binary is the command as people run it.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "ordeal-test-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "ordeal")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", binary, ".").CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// ordeal runs the command in a folder; outside of the source tree it is its own worker.
func ordeal(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Dir = dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// history is a history file of two clients of one key; the second line is a read of read.
func history(t *testing.T, read string) string {
	h := &checker.History{Ops: []checker.Op{
		{ID: 1, Client: 1, Kind: "put", Key: "k", Value: "v1", Invoke: 1, Return: 2, Outcome: "ok"},
		{ID: 2, Client: 2, Kind: "get", Key: "k", Found: read != "", Read: read, Invoke: 3, Return: 4, Outcome: "ok"},
	}}
	var b bytes.Buffer
	require.NoError(t, checker.WriteJSONL(&b, h))
	return b.String()
}

func TestMistakesAreAnsweredInOneLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
	good := history(t, "v1")
	write("cut.jsonl", good[:len(good)-20])
	write("cut/summary.json", `{"workload":"regi`)
	write("empty/nothing", "")
	write("bad/summary.json", `{"workload":"register","seed":1,"verdict":"OK","flags":{"nemesis":["kill"],"duration":"5s","stores":5,"replicas":3,"regions":4,"clients":8}}`)
	write("bad/schedule.txt", "+1.000s for 1.000s kill all\n+2.000s dance\n")
	write("out/register-1/thesis.txt", "years of work")
	for _, c := range []struct {
		args string
		want []string
	}{
		{"fly", []string{`unknown command "fly"`, "allowed are check, gallery, hashes, nightly, placement, replay, run, serve, shrink"}},
		{"-fly", []string{"fly", "allowed are check, gallery, hashes, nightly, placement, replay, run"}},
		{"run fly", []string{`"fly"`, "flags only"}},
		{"run -fly", []string{"unknown flag -fly", "-workload"}},
		{"run -nemesis=fly", []string{`unknown nemesis "fly"`, "partition"}},
		{"run --seeds=many", []string{"-seeds=many", "1 to 1000000"}},
		{"run -workload=register -seeds=1", []string{"out/register-1", "not ours to replace"}},
		{"run -bug=stale-read -out=other -seeds=1", []string{"-bug=stale-read needs failpoints"}},
		{"run -trace=x -seeds=2 -out=traces", []string{"-trace=x", "takes one run"}},
		{"run -out=cut.jsonl/deep -seeds=1", []string{"cut.jsonl/deep", "not a directory"}},
		{"gallery fly", []string{`no bug "fly"`, "stale-read"}},
		{"gallery -bug=stale-read", []string{"without -bug="}},
		{"gallery stale-read -bases=0", []string{"-bases=0", "1 to 101"}},
		{"gallery stale-read -write=gone.md", []string{"-write", "gone.md"}},
		{"gallery stale-read -write=cut.jsonl", []string{"-write=cut.jsonl", "no table of the gallery", "begin"}},
		{"gallery stale-read -out=empty", []string{"-bug=stale-read needs failpoints"}},
		{"nightly -seeds=5", []string{"-seeds=5", "-for or -runs"}},
		{"nightly -for=0s", []string{"-for=0s"}},
		{"nightly -shard=3/3", []string{"-shard=3/3", "i/n"}},
		{"nightly -shard=3", []string{"-shard=3", "i/n"}},
		{"nightly -out=out/register-1", []string{"out/register-1", "nightly.json", "not ours to use"}},
		{"hashes -stores=0", []string{"-stores=0", "1 to"}},
		{"replay", []string{"replay takes one argument"}},
		{"replay a b", []string{"replay takes one argument"}},
		{"replay gone", []string{"run folder gone does not exist", "out/register-1"}},
		{"replay cut", []string{"cut/summary.json is cut off after 17 bytes"}},
		{"replay empty", []string{"empty is no run folder", "summary.json"}},
		{"replay bad", []string{"bad/schedule.txt", "line 2, column 9"}},
		{"serve gone", []string{"folder gone", "out"}},
		{"serve a b", []string{"serve takes one argument"}},
		{"serve -addr=nowhere:1:2 out", []string{"-addr=nowhere:1:2", "127.0.0.1:7474"}},
		{"check", []string{"check takes one argument"}},
		{"check gone.jsonl", []string{"gone.jsonl", "history.jsonl"}},
		{"check bad", []string{"bad/history.jsonl"}},
		{"check cut.jsonl", []string{"cut.jsonl", "line 2", "cut off", "1 operations read"}},
		{"check -timeout=-1s cut.jsonl", []string{"-timeout=-1s"}},
	} {
		code, stdout, stderr := ordeal(t, dir, strings.Fields(c.args)...)
		require.Equal(t, workloads.ExitUsage, code, "%s: %s", c.args, stderr)
		require.Empty(t, stdout, c.args)
		lines := strings.Split(strings.TrimSpace(stderr), "\n")
		last := lines[len(lines)-1]
		for _, want := range c.want {
			require.Contains(t, last, want, c.args)
		}
		if !strings.Contains(last, "needs failpoints") {
			require.Len(t, lines, 1, c.args)
		}
	}
	require.NoDirExists(t, filepath.Join(dir, "other"))
	content, err := os.ReadFile(filepath.Join(dir, "out/register-1/thesis.txt"))
	require.NoError(t, err)
	require.Equal(t, "years of work", string(content))
}

func TestCheckJudgesHistories(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, workloads.HistoryFile)
	require.NoError(t, os.WriteFile(file, []byte(history(t, "v1")), 0o644))
	for _, arg := range []string{file, dir} {
		code, stdout, stderr := ordeal(t, dir, "check", arg)
		require.Equal(t, workloads.ExitOK, code, stderr)
		require.Contains(t, stdout, "verdict: OK (2 operations recorded")
	}
	require.NoError(t, os.WriteFile(file, []byte(history(t, "")), 0o644))
	code, stdout, stderr := ordeal(t, dir, "check", "-timeout=1m", file)
	require.Equal(t, workloads.ExitFail, code, stderr)
	require.Contains(t, stdout, "verdict: FAIL")
	require.Contains(t, stdout, `of key "k"`)
}

func TestHelp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for args, want := range map[string][]string{
		"":            {"ordeal run -nemesis=all -seeds=20", "replay", "check", "hashes"},
		"-h":          {"ordeal run -nemesis=all -seeds=20"},
		"run -h":      {"ordeal run [flags]", "-bug=list", "-nemesis names", "Exit codes"},
		"help run":    {"ordeal run [flags]", "-nemesis names"},
		"replay -h":   {"ordeal replay DIR"},
		"check -help": {"history.jsonl", "-timeout"},
	} {
		code, stdout, stderr := ordeal(t, dir, strings.Fields(args)...)
		require.Equal(t, workloads.ExitOK, code, "%s: %s", args, stderr)
		for _, w := range want {
			require.Contains(t, stdout, w, args)
		}
		require.NotContains(t, stdout, "for a driver", "the worker is no command for people")
	}
	code, stdout, _ := ordeal(t, dir, "run", "-bug=list")
	require.Equal(t, workloads.ExitOK, code)
	for _, b := range workloads.Bugs() {
		require.Contains(t, stdout, b.Name)
	}
}

func TestRunAndReplayAndHashes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	flags := []string{"-workload=register", "-seed=1", "-seeds=1", "-nemesis=none", "-duration=1s"}
	code, stdout, stderr := ordeal(t, dir, append([]string{"run"}, flags...)...)
	require.Equal(t, workloads.ExitOK, code, "%s%s", stdout, stderr)
	require.Contains(t, stdout, "verdict: OK")
	require.Contains(t, stderr, "running without")
	run := filepath.Join("out", "register-1")
	recorded, err := workloads.ReadSummary(filepath.Join(dir, run))
	require.NoError(t, err)

	code, stdout, stderr = ordeal(t, dir, "replay", run)
	require.Equal(t, workloads.ExitOK, code, "%s%s", stdout, stderr)
	require.Contains(t, stdout, "they agree")

	code, stdout, stderr = ordeal(t, dir, append([]string{"run", "-json"}, flags...)...)
	require.Equal(t, workloads.ExitOK, code, stderr)
	var s workloads.Summary
	require.NoError(t, json.Unmarshal([]byte(stdout), &s))
	require.Equal(t, recorded.TraceHash, s.TraceHash)

	code, stdout, stderr = ordeal(t, dir, append([]string{"hashes"}, flags...)...)
	require.Equal(t, workloads.ExitOK, code, stderr)
	require.Equal(t, "register 1 "+recorded.TraceHash+"\n", stdout)

	recorded.TraceHash = "0123"
	require.NoError(t, workloads.WriteSummary(filepath.Join(dir, run), recorded))
	code, stdout, _ = ordeal(t, dir, "replay", run)
	require.Equal(t, workloads.ExitUnknown, code)
	require.Contains(t, stdout, "THEY DIFFER")
}

func TestNightly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	flags := []string{"nightly", "-workload=register", "-seed=1", "-runs=3", "-nemesis=none", "-duration=1s", "-out=night"}
	for runs := 3; runs <= 6; runs += 3 {
		code, stdout, stderr := ordeal(t, dir, flags...)
		require.Equal(t, workloads.ExitOK, code, "%s%s", stdout, stderr)
		require.Contains(t, stdout, fmt.Sprintf("│ all      │    %d │  %d │", runs, runs))
		require.Contains(t, stdout, "verdict: OK")
	}
	page, err := os.ReadFile(filepath.Join(dir, "night", "index.html"))
	require.NoError(t, err)
	require.Contains(t, string(page), "after 6 runs")
	require.Equal(t, uint64(20261128_000000000), firstSeed(time.Date(2026, 11, 28, 23, 0, 0, 0, time.UTC)))
}
