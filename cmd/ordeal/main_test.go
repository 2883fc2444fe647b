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
	write("first.jsonl", good[:20])
	write("thesis.txt", "years of work\n")
	write("txn.edn", "{:process 0 :type :invoke :f :txn :value [[:r 1 nil] [:append 1 2]]}\n")
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
		{"check first.jsonl", []string{"first.jsonl", "no history of format jsonl", "line 1", "cut off"}},
		{"check thesis.txt", []string{"thesis.txt", "format can't be told", "years of", "-format="}},
		{"check -format=fly cut.jsonl", []string{"-format=fly", "auto, jsonl, edn, log"}},
		{"check -format=edn cut.jsonl", []string{"cut.jsonl", "no history of format edn", "line 1"}},
		{"check -model=fly cut.jsonl", []string{"-model=fly", "register, kv"}},
		{"check txn.edn", []string{"txn.edn", ":txn of line 1", "those of several are not judged", "-model= takes register, kv, append, set, counter"}},
		{"check -model=register txn.edn", []string{"txn.edn", ":txn of line 1", "no operation of a register", ":read"}},
		{"check -out=x.txt cut.jsonl", []string{"-out=x.txt", ".edn or .jsonl"}},
		{"check -out=cut.jsonl cut.jsonl", []string{"-out=cut.jsonl", "exists", "new file"}},
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
	require.Contains(t, stdout, `  c1 put k = "v1" → ok at`)

	code, stdout, stderr = ordeal(t, dir, "check", "-json", "-out=history.edn", file)
	require.Equal(t, workloads.ExitFail, code, stderr)
	var line checkJSON
	require.NoError(t, json.Unmarshal([]byte(stdout), &line))
	require.Equal(t, checker.FAIL, line.Verdict)
	require.Len(t, line.Violations, 1)
	require.Len(t, line.Violations[0].Ops, 2)
	code, stdout, stderr = ordeal(t, dir, "check", "-model=register", "history.edn")
	require.Equal(t, workloads.ExitFail, code, stderr)
	require.Contains(t, stdout, "verdict: FAIL (2 operations recorded, 2 judged, on 1 keys; edn, judged as register)")
}

// TestCheckJudgesObjects: a history of a set goes in as a log of Jepsen and out as ours and as edn, and has one verdict.
func TestCheckJudgesObjects(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log := "INFO - 0\t:invoke\t:add\t7\nINFO - 0\t:ok\t:add\t7\nINFO - 0\t:invoke\t:read\tnil\nINFO - 0\t:ok\t:read\t#{}\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "jepsen.log"), []byte(log), 0o644))
	from := "jepsen.log"
	for _, to := range []string{"ours.jsonl", "theirs.edn", "again.jsonl"} {
		code, stdout, stderr := ordeal(t, dir, "check", "-out="+to, from)
		require.Equal(t, workloads.ExitFail, code, stderr)
		require.Contains(t, stdout, "verdict: FAIL (2 operations recorded, 2 judged, on 1 keys; ")
		require.Contains(t, stdout, "judged as set)")
		require.Contains(t, stdout, `lacks "7", although c0's add of "7" had been acknowledged`)
		from = to
	}
	code, _, stderr := ordeal(t, dir, "check", "-model=counter", "ours.jsonl")
	require.Equal(t, workloads.ExitUsage, code)
	require.Contains(t, stderr, "want one of increment, get for model counter")
}

// TestCheckJudgesWhatThereIs: a file that ends in half a line, as after a crash, has a verdict; one that is malformed has not.
func TestCheckJudgesWhatThereIs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := history(t, "v1")
	third := `{"id":3,"client":1,"kind":"get","key":"j","invoke_ns":9,"return_ns":10,"outcome":"ok"}` + "\n"
	for text, want := range map[string]struct {
		code  int
		lines []string
	}{
		good + third + third[:20]: {workloads.ExitOK, []string{"verdict: OK (3 operations recorded, 2 judged",
			"line 4: the line is cut off in the middle; the 3 operations before it were judged, those that were not over by then as open"}},
		good + third + "{}\n":                              {workloads.ExitUnknown, []string{"verdict: UNKNOWN", "line 4: ", "only the 3 operations before it were judged"}},
		history(t, "") + third + third[:20]:                {workloads.ExitFail, []string{"verdict: FAIL", "line 4: "}},
		history(t, "") + third + third[:20] + "\n" + third: {workloads.ExitFail, []string{"verdict: FAIL", "line 4: ", "only the 3"}},
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "history.jsonl"), []byte(text), 0o644))
		code, stdout, stderr := ordeal(t, dir, "check", "history.jsonl")
		require.Equal(t, want.code, code, "%s%s", stdout, stderr)
		for _, line := range want.lines {
			require.Contains(t, stdout, line, text)
		}
	}
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

	code, stdout, stderr = ordeal(t, dir, "replay", "-json", run)
	require.Equal(t, workloads.ExitOK, code, "%s%s", stdout, stderr)
	var both replayJSON
	require.NoError(t, json.Unmarshal([]byte(stdout), &both))
	require.True(t, both.Agree)
	require.Equal(t, recorded.TraceHash, both.Replayed.TraceHash)

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
	code, stdout, _ = ordeal(t, dir, "replay", "-json", run)
	require.Equal(t, workloads.ExitUnknown, code)
	require.NoError(t, json.Unmarshal([]byte(stdout), &both))
	require.False(t, both.Agree)
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
