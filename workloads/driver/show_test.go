package driver

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/workloads"
)

func newFlagSet() *flag.FlagSet { return flag.NewFlagSet("test", flag.ContinueOnError) }

// state is the latest progress of a run that is under way.
func (m *Monitor) state(run int) workloads.Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.running[run]
}

func result(t *testing.T, seed uint64, v checker.Verdict, faults ...workloads.Fault) Result {
	cfg := configs(t, "out", seed)[0]
	cfg.Stores, cfg.Replicas = 5, 3
	return Result{cfg, &workloads.Summary{
		Workload: cfg.Workload, Seed: seed, Verdict: v, Faults: faults, TraceHash: "c0ffee", VirtualS: 20.25,
		Ops: workloads.Ops{OK: 7, Failed: 2, Unknown: 1},
	}}
}

func TestPrintResults(t *testing.T) {
	t.Parallel()
	bad := result(t, 7, checker.FAIL,
		workloads.Fault{Kind: "split", Skipped: "too little data"},
		workloads.Fault{Kind: "kill", Bit: true, Receipt: "3 commits lost"},
		workloads.Fault{Kind: "kill"})
	bad.Summary.Reasons = []string{"one", "two", "three", "four", "five"}
	var out bytes.Buffer
	PrintResults(&out, []Result{result(t, 6, checker.OK), bad})
	require.Equal(t, `┌──────────┬──────┬─────────┬────┬────────┬─────────┬────────┬───────────┬────────┬────────────┐
│ workload │ seed │ verdict │ ok │ failed │ unknown │ faults │ virtual s │ wall s │ trace hash │
├──────────┼──────┼─────────┼────┼────────┼─────────┼────────┼───────────┼────────┼────────────┤
│ register │    6 │ OK      │  7 │      2 │       1 │      0 │      20.2 │   0.00 │ c0ffee     │
│ register │    7 │ FAIL    │  7 │      2 │       1 │      3 │      20.2 │   0.00 │ c0ffee     │
├──────────┼──────┼─────────┼────┼────────┼─────────┼────────┼───────────┼────────┼────────────┤
│ all      │    2 │         │ 14 │      4 │       2 │      3 │      40.5 │   0.00 │            │
└──────────┴──────┴─────────┴────┴────────┴─────────┴────────┴───────────┴────────┴────────────┘
┌───────┬─────┬─────────┬─────────┬────────────────┐
│ fault │ bit │ applied │ skipped │ a receipt      │
├───────┼─────┼─────────┼─────────┼────────────────┤
│ kill  │   1 │       2 │       0 │ 3 commits lost │
│ split │   0 │       0 │       1 │                │
└───────┴─────┴─────────┴─────────┴────────────────┘
verdict: FAIL
reports: out/*/report.html

FAIL register seed 7: one; two; three; and 2 more
  replay: go run ./cmd/ordeal replay out/register-7   # or: go test ./workloads -run 'TestNemesis' -workload=register -seed=7 -seeds=1 -nemesis=all -duration=10s -stores=5 -replicas=3 -regions=4 -clients=8
`, out.String())
}

func TestManyRunsAreShortenedToTheWorst(t *testing.T) {
	t.Parallel()
	var results []Result
	for seed := range uint64(1000) {
		v := checker.OK
		if seed%100 == 99 {
			v = checker.FAIL
		}
		results = append(results, result(t, seed, v))
	}
	shown := shorten(results)
	require.Len(t, shown, rowsMax)
	fails := 0
	for i, r := range shown {
		if r.Summary.Verdict == checker.FAIL {
			fails++
		}
		require.True(t, i == 0 || shown[i-1].Config.Seed < r.Config.Seed)
	}
	require.Equal(t, 10, fails)
	var out bytes.Buffer
	PrintResults(&out, results)
	require.Contains(t, out.String(), "and 900 more runs")
}

func TestShellQuote(t *testing.T) {
	t.Parallel()
	require.Equal(t, "out/register-7", shellQuote("out/register-7"))
	require.Equal(t, `'my out/it'\''s'`, shellQuote("my out/it's"))
	require.Equal(t, "''", shellQuote(""))
}

func TestMonitorLine(t *testing.T) {
	t.Parallel()
	m := Watch(&Console{w: &bytes.Buffer{}, last: time.Now()}, configs(t, "", 1, 2, 3, 4), nil)
	m.Stop()
	m.finish(0, result(t, 1, checker.OK).Summary)
	m.finish(1, result(t, 2, checker.FAIL).Summary)
	m.progress(2, workloads.Progress{VirtualS: 10, Ops: 80})
	require.Equal(t, "[#########-------] 2/4 runs  0.2/s  OK 1  FAIL 1  5x real time  6s left  100 ops", m.line(10*time.Second))
}

func TestConsoleOverwritesOnlyOnTerminals(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := &Console{w: &out, terminal: true}
	c.Status("long status")
	c.Status("short")
	c.Line("said %d", 1)
	c.Done()
	require.Equal(t, "long status\r           \rshort\r     \rsaid 1\n", out.String())
	out.Reset()
	c = &Console{w: &out, last: time.Now()}
	c.Status("not yet")
	c.last = time.Now().Add(-statusEvery)
	c.Status("now")
	c.Status("not again")
	require.Equal(t, "now\n", out.String())
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	require.NoError(t, err)
	require.False(t, NewConsole(f).terminal)
	require.NoError(t, f.Close())
}

func TestCaptureKeepsBothEnds(t *testing.T) {
	t.Parallel()
	c := &capture{}
	line := strings.Repeat("x", 999) + "\n"
	for range 10_000 {
		n, err := c.Write([]byte(line))
		require.NoError(t, err)
		require.Equal(t, len(line), n)
	}
	_, err := c.Write([]byte("the end"))
	require.NoError(t, err)
	s := c.String()
	require.Less(t, len(s), captureHeadMax+captureTailMax+100)
	require.True(t, strings.HasPrefix(s, "xxx"))
	require.True(t, strings.HasSuffix(s, "the end"))
	require.Contains(t, s, "bytes left out")
	c.reset()
	require.Empty(t, c.String())
}

func TestLastWords(t *testing.T) {
	t.Parallel()
	require.Equal(t, "panic: no [recovered]", lastWords("log\npanic: no [recovered]\n\tpanic: again\n"))
	require.Equal(t, "fatal error: all goroutines are asleep", lastWords("fatal error: all goroutines are asleep\n"))
	require.Empty(t, lastWords("nothing special\n"))
}
