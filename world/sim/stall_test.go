package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

// staller answers requests at once, and stalls its node for as long as a request says in milliseconds.
type staller struct{ w *World }

func (e staller) Step(_ world.Time, in []world.Event, out *world.Effects) {
	for _, ev := range in {
		if ev.Payload[0] > 0 {
			e.w.Stall(1, time.Duration(ev.Payload[0])*time.Millisecond)
			e.w.Stall(1, 0)
		}
		out.Reply(ev.From, ev.Call, ev.Payload)
	}
}

func stallWorld(t *testing.T) *World {
	t.Helper()
	w := New(Config{Seed: 1, Net: NetConfig{LatencyMin: time.Microsecond, LatencyMax: time.Microsecond}})
	require.NoError(t, w.AddNode(world.Node{ID: 1, Actors: 2, Boot: func([]world.Env) ([]world.Actor, error) {
		return []world.Actor{staller{w}, staller{w}}, nil
	}}))
	return w
}

func TestStallDelaysATurnAndAllBehindIt(t *testing.T) {
	t.Parallel()
	w := stallWorld(t)
	var ends [2]world.Time
	w.Go(2, "slow", func(p world.Proc) {
		_, err := p.Call(world.Addr{Node: 1}, []byte{50}, time.Second)
		require.NoError(t, err)
		ends[0] = p.Now()
	})
	w.Go(3, "behind", func(p world.Proc) {
		p.Sleep(10 * time.Millisecond)
		_, err := p.Call(world.Addr{Node: 1, Actor: 1}, []byte{0}, time.Second)
		require.NoError(t, err)
		ends[1] = p.Now()
	})
	w.Run(world.Time(time.Second))
	require.NoError(t, w.Close())
	for _, end := range ends {
		require.InDelta(t, 50, float64(end)/1e6, 2)
	}
	require.GreaterOrEqual(t, ends[1], ends[0], "another actor of the node had its turn during the stall")
}

func TestStallEndsWithACrash(t *testing.T) {
	t.Parallel()
	w := stallWorld(t)
	w.Go(2, "slow", func(p world.Proc) {
		_, err := p.Call(world.Addr{Node: 1}, []byte{50}, time.Second)
		require.ErrorIs(t, err, world.ErrReset)
		_, err = p.Call(world.Addr{Node: 1}, []byte{0}, time.Second)
		require.NoError(t, err)
		require.Less(t, p.Now(), world.Time(40*time.Millisecond), "the next life is not stalled")
	})
	w.After(20*time.Millisecond, func() {
		require.NoError(t, w.Crash(1))
		require.NoError(t, w.Restart(1))
	})
	w.Run(world.Time(time.Second))
	require.NoError(t, w.Close())
}

func TestStallIsForTurnsOnly(t *testing.T) {
	t.Parallel()
	w := stallWorld(t)
	require.PanicsWithValue(t, "sim: a stall of node 1 by 1ms from outside of its turn", func() { w.Stall(1, time.Millisecond) })
}

// TestInterruptComesBeforeWhatTheStepDid interrupts a step and looks whether its reply has arrived.
func TestInterruptComesBeforeWhatTheStepDid(t *testing.T) {
	t.Parallel()
	w := New(Config{Seed: 1, Net: NetConfig{}})
	var order []string
	require.NoError(t, w.AddNode(world.Node{ID: 1, Actors: 1, Boot: func([]world.Env) ([]world.Actor, error) {
		return []world.Actor{interrupter{w, &order}}, nil
	}}))
	w.Go(2, "caller", func(p world.Proc) {
		_, err := p.Call(world.Addr{Node: 1}, []byte{1}, time.Second)
		require.NoError(t, err)
		order = append(order, "reply")
	})
	w.Run(world.Time(time.Second))
	require.NoError(t, w.Close())
	require.Equal(t, []string{"interrupt", "reply"}, order)
}

type interrupter struct {
	w     *World
	order *[]string
}

func (i interrupter) Step(_ world.Time, in []world.Event, out *world.Effects) {
	for _, ev := range in {
		i.w.Interrupt(func() { *i.order = append(*i.order, "interrupt") })
		out.Reply(ev.From, ev.Call, nil)
	}
}

// TestStallThatEndsInAPause: what a stalled turn did shows when the pause is over, in which nothing happens, unless a crash comes
// first.
func TestStallThatEndsInAPause(t *testing.T) {
	t.Parallel()
	for _, crash := range []bool{false, true} {
		w := stallWorld(t)
		w.Go(2, "slow", func(p world.Proc) {
			_, err := p.Call(world.Addr{Node: 1}, []byte{50}, time.Second)
			if crash {
				require.ErrorIs(t, err, world.ErrReset)
				return
			}
			require.NoError(t, err)
			require.InDelta(t, 100, float64(p.Now())/1e6, 1)
		})
		w.Run(world.Time(20 * time.Millisecond))
		require.NoError(t, w.Pause(1))
		w.Run(world.Time(60 * time.Millisecond))
		events := w.Events()
		w.Run(world.Time(100 * time.Millisecond))
		require.Equal(t, events, w.Events())
		if crash {
			require.NoError(t, w.Crash(1))
			require.NoError(t, w.Restart(1))
		} else {
			w.Resume(1)
		}
		w.Run(world.Time(time.Second))
		require.NoError(t, w.Close())
	}
}
