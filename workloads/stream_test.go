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
	whole, streamed := t.TempDir(), t.TempDir()
	a, err := Run(streamConfig(whole, false), nil)
	require.NoError(t, err)
	b, err := Run(streamConfig(streamed, true), nil)
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
