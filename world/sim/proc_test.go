package sim

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

func TestSleepOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	var got []string
	for _, s := range []struct {
		name  string
		sleep time.Duration
	}{
		{"c", 3 * time.Second}, {"a", time.Second}, {"b", 2 * time.Second}, {"b2", 2 * time.Second},
		{"now", 0}, {"past", -time.Second},
	} {
		w.Go(1001, s.name, func(p world.Proc) {
			begin := p.Now()
			p.Sleep(s.sleep)
			require.Equal(t, begin.Add(max(0, s.sleep)), p.Now())
			got = append(got, s.name)
		})
	}
	w.Run(at(time.Minute))
	require.Equal(t, []string{"now", "past", "a", "b", "b2", "c"}, got)
	for _, p := range w.procs {
		require.Nil(t, p)
	}
}

// Close ends procs wherever they are, and their deferred calls run.
func TestCloseUnwindsProcs(t *testing.T) {
	t.Parallel()
	w := New(Config{})
	add(t, w, 1, nil, mute)
	var ended []string
	w.Go(1001, "sleeper", func(p world.Proc) {
		defer func() { ended = append(ended, "sleeper") }()
		defer p.Sleep(time.Second) // cannot wait any more
		p.Sleep(time.Hour)
		t.Error("woke up")
	})
	w.Go(1001, "caller", func(p world.Proc) {
		defer func() { ended = append(ended, "caller") }()
		_, _ = p.Call(world.Addr{Node: 1}, nil, time.Hour)
		t.Error("got an answer")
	})
	w.Go(1001, "done", func(world.Proc) { ended = append(ended, "done") })
	w.Run(at(time.Second))
	w.Go(1001, "never begun", func(world.Proc) { t.Error("began") })
	require.NoError(t, w.Close())
	require.Equal(t, []string{"done", "sleeper", "caller"}, ended)
}

func TestProcPanic(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	cause := errors.New("boom")
	w.Go(1001, "bad", func(p world.Proc) {
		p.Sleep(time.Second)
		explodeHere(cause)
	})
	var got any
	func() {
		defer func() { got = recover() }()
		w.Run(at(time.Minute))
	}()
	pp, ok := got.(ProcPanic)
	require.True(t, ok, "%v", got)
	require.Equal(t, cause, pp.Value)
	require.Equal(t, "bad on node 1001", pp.Proc)
	require.Contains(t, pp.Error(), "explodeHere")
	require.Contains(t, w.Evidence(), "in proc bad on node 1001")
}

func TestProcBelongsToItsFunction(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	var other world.Proc
	w.Go(1001, "a", func(p world.Proc) { other = p; p.Sleep(time.Hour) })
	w.Go(1001, "b", func(world.Proc) { other.Sleep(time.Second) })
	require.Contains(t, panicOf(func() { w.Run(at(time.Second)) }), "Sleep of proc a on node 1001 called by somebody else")
}

// Procs may do to the world whatever a nemesis does.
func TestProcDrivesTheWorld(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	boots := 0
	require.NoError(t, w.AddNode(oneActor(1, &memDisk{}, func(world.Env) stepFunc { boots++; return mute })))
	w.Go(2001, "nemesis", func(p world.Proc) {
		for range 10 {
			require.NoError(t, w.Crash(1))
			require.False(t, w.Up(1))
			p.Sleep(time.Second)
			require.NoError(t, w.Restart(1))
			w.Go(2001, "child", func(p world.Proc) { p.Sleep(time.Second) })
			p.Sleep(time.Second)
		}
	})
	w.Run(at(time.Minute))
	require.Equal(t, 11, boots)
}
