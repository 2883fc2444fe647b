package workloads

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/world"
)

func streamConfig(out string, stream bool) Config {
	return Config{
		Workload: "scan", Seed: 5, Duration: 5 * time.Second, Stores: 3, Replicas: 3, Regions: 4, Clients: 6,
		Nemesis: []string{"kill", "split"}, Out: out, Stream: stream,
	}
}

// TestStreamChangesNothing: a run that is judged while it goes on is the same run, leaves the same history and comes to the
// same.
func TestStreamChangesNothing(t *testing.T) {
	t.Parallel()
	for _, load := range []string{"scan", "append", "set", "counter"} {
		t.Run(load, func(t *testing.T) {
			t.Parallel()
			streamChangesNothing(t, load)
		})
	}
}

func streamChangesNothing(t *testing.T, load string) {
	whole, streamed := t.TempDir(), t.TempDir()
	cfg := streamConfig(whole, false)
	cfg.Workload = load
	a, err := Run(cfg, nil)
	require.NoError(t, err)
	cfg.Stream, cfg.Out = true, streamed
	b, err := Run(cfg, nil)
	require.NoError(t, err)
	require.Equal(t, checker.OK, a.Verdict, "%v", a.Reasons)
	require.Equal(t, checker.OK, b.Verdict, "%v", b.Reasons)
	require.Equal(t, a.TraceHash, b.TraceHash)
	require.Equal(t, a.Ops, b.Ops)
	require.True(t, b.Flags.Stream)
	was, err := os.ReadFile(filepath.Join(whole, HistoryFile))
	require.NoError(t, err)
	is, err := os.ReadFile(filepath.Join(streamed, HistoryFile))
	require.NoError(t, err)
	require.True(t, bytes.Equal(was, is), "histories differ")
	require.FileExists(t, filepath.Join(streamed, ReportFile))
}

// TestStreamFails: what a client saw that can't be fails the run, with an explanation from the file, and what was known
// is in the file while the run still goes on.
func TestStreamFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := &run{cfg: streamConfig(dir, true), progress: func(p Progress) {}, verdict: checker.OK, wall: startWall()}
	written := int64(0)
	r.progress = func(Progress) {
		if info, err := os.Stat(filepath.Join(dir, HistoryFile)); err == nil && !r.stop {
			written = info.Size()
		}
	}
	defer r.close()
	require.NoError(t, r.prepare())
	r.play()
	require.Positive(t, written, "the history is written as it is made")
	liar := r.recs[0]
	late := world.Time(math.MaxInt64 / 2)
	op := liar.Begin(checker.Op{Kind: checker.Get, Key: "k00/lie"}, late)
	op.Found, op.Read = true, "nobody wrote this"
	liar.End(op, checker.Ok, late+1)
	s, err := r.finish()
	require.NoError(t, err)
	require.Equal(t, checker.FAIL, s.Verdict)
	require.Len(t, r.judged.Violations, 1)
	require.Contains(t, r.judged.Violations[0].Message, "nobody ever wrote")
	require.Len(t, r.judged.Violations[0].Ops, 1)
	require.NotNil(t, r.judged.Violations[0].Picture)
}

// TestStreamStops: the first violation ends the run, with what is known of it, and the run replays to the same end.
func TestStreamStops(t *testing.T) {
	t.Parallel()
	for _, load := range []string{"scan", "register", "append", "set", "counter"} {
		var first *Summary
		for range 2 {
			cfg := streamConfig(t.TempDir(), true)
			cfg.Workload, cfg.Duration = load, time.Minute
			s, until := runWithLiar(t, cfg, 2*time.Second)
			require.Equal(t, checker.FAIL, s.Verdict, "%v", s.Reasons)
			require.Equal(t, "linearizability", s.Kind)
			require.Contains(t, s.Reasons[0], "nobody wrote this")
			require.Contains(t, s.Reasons[len(s.Reasons)-1], "the run was stopped at")
			require.Less(t, until, 10*time.Second, "a minute was asked for")
			if first == nil {
				first = s
			}
			require.Equal(t, first.TraceHash, s.TraceHash)
			require.Equal(t, first.Reasons, s.Reasons)
			config, again, err := ReadConfig(cfg.Out)
			require.NoError(t, err)
			require.True(t, config.Stream, "it is replayed as it was made")
			require.Equal(t, s.Reasons, again.Reasons)
			page, err := os.ReadFile(filepath.Join(cfg.Out, ReportFile))
			require.NoError(t, err)
			require.Contains(t, string(page), "-stream")
		}
	}
}

// runWithLiar makes a run in which a client records at some time what it can't have seen.
func runWithLiar(t *testing.T, cfg Config, when time.Duration) (*Summary, time.Duration) {
	r := &run{cfg: cfg, verdict: checker.OK, wall: startWall()}
	lied := false
	r.progress = func(Progress) {
		if lied || len(r.recs) == 0 || r.w.Now() < world.Time(when) {
			return
		}
		op := r.recs[0].Begin(checker.Op{Kind: checker.Get, Key: "k00/lie"}, r.w.Now())
		if op.Found = true; r.load.Model == "append" || r.load.Model == "set" {
			op.Items = []string{"nobody wrote this"}
		} else {
			op.Read = "nobody wrote this"
		}
		r.recs[0].End(op, checker.Ok, r.w.Now())
		lied = true
	}
	defer r.close()
	require.NoError(t, r.prepare())
	r.play()
	s, err := r.finish()
	require.NoError(t, err)
	return s, time.Duration(r.w.Now())
}
