package sim

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

func TestTraceEventText(t *testing.T) {
	t.Parallel()
	e := TraceEvent{N: 7, Time: 1500, Kind: KindMessage, Node: 3, Actor: 1, From: world.Addr{Node: 2}, Ref: 9, Len: 4, Hash: 0xab}
	require.Equal(t, "7 1500 message 3/1 from=2/0 ref=9 len=4 hash=ab", e.String())
	for k := KindMessage; k <= KindNet; k++ {
		require.NotEmpty(t, k.String())
		require.NotContains(t, k.String(), "kind")
	}
	require.Equal(t, "kind99", Kind(99).String())
}

// Every field of an event changes the hash.
func TestTraceHashSeesEverything(t *testing.T) {
	t.Parallel()
	base := TraceEvent{Time: 1, Kind: KindMessage, Node: 1, Ref: 1, Len: 1, Hash: 1}
	events := []TraceEvent{base}
	for _, change := range []func(e *TraceEvent){
		func(e *TraceEvent) { e.Time++ }, func(e *TraceEvent) { e.Kind++ }, func(e *TraceEvent) { e.Node++ },
		func(e *TraceEvent) { e.Actor++ }, func(e *TraceEvent) { e.From.Node++ }, func(e *TraceEvent) { e.From.Actor++ },
		func(e *TraceEvent) { e.Ref++ }, func(e *TraceEvent) { e.Len++ }, func(e *TraceEvent) { e.Hash++ },
	} {
		e := base
		change(&e)
		events = append(events, e)
	}
	seen := map[uint64]bool{}
	for _, e := range events {
		tr := newTracer(nil)
		tr.add(e)
		require.False(t, seen[tr.digest.Sum64()], "%v", e)
		seen[tr.digest.Sum64()] = true
	}
}

func TestFirstDifference(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b   string
		line   int
		la, lb string
	}{
		{"", "", 0, "", ""},
		{"x\ny\n", "x\ny\n", 0, "", ""},
		{"x\ny\n", "x\ny", 0, "", ""},
		{"x\ny\n", "x\nz\n", 2, "y", "z"},
		{"x\n", "x\nz\n", 2, "", "z"},
		{"x\ny", "", 1, "x", ""},
	} {
		line, la, lb, err := FirstDifference(strings.NewReader(c.a), strings.NewReader(c.b))
		require.NoError(t, err)
		require.Equal(t, c, struct {
			a, b   string
			line   int
			la, lb string
		}{c.a, c.b, line, la, lb})
	}
	_, _, _, err := FirstDifference(iotest.ErrReader(errors.New("gone")), strings.NewReader(""))
	require.ErrorContains(t, err, "line 1: gone")
}

// The recorder finds where two seeds part.
func TestRecorder(t *testing.T) {
	t.Parallel()
	record := func(extra bool) string {
		var b strings.Builder
		rec := NewRecorder(&b)
		w := newWorld(t, Config{OnEvent: rec.Record})
		add(t, w, 1, nil, mute)
		w.After(time.Second, func() {})
		if extra {
			w.After(2*time.Second, func() {})
		}
		w.Run(at(time.Minute))
		require.NoError(t, rec.Flush())
		return b.String()
	}
	line, a, b, err := FirstDifference(strings.NewReader(record(false)), strings.NewReader(record(true)))
	require.NoError(t, err)
	require.Equal(t, 4, line)
	require.Empty(t, a)
	require.Equal(t, "4 2000000000 callback 0/0 from=0/0 ref=0 len=0 hash=0", b)

	_, w := io.Pipe()
	require.NoError(t, w.Close())
	rec := NewRecorder(w)
	for range 1000 {
		rec.Record(TraceEvent{})
	}
	require.ErrorContains(t, rec.Flush(), "writing the trace")
}
