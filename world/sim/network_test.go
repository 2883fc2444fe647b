package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

// burst sends n numbered messages from node 1 to node 2, one each gap, and returns what arrived, in order. during is
// called once before the clock starts.
func burst(t *testing.T, net NetConfig, n int, gap time.Duration, during func(w *World)) (*World, []uint64) {
	w := newWorld(t, Config{Seed: 11, Net: net})
	if net == (NetConfig{}) {
		w.SetNet(net)
	}
	add(t, w, 1, nil, func(_ world.Time, in []world.Event, out *world.Effects) {
		if len(in) == 0 {
			for i := range n {
				out.After(time.Duration(i)*gap, uint64(i))
			}
		}
		for _, e := range in {
			out.Send(world.Addr{Node: 2}, number(e.Token))
		}
	})
	var got []uint64
	add(t, w, 2, nil, func(_ world.Time, in []world.Event, _ *world.Effects) {
		for _, e := range in {
			require.Equal(t, world.Addr{Node: 1}, e.From)
			got = append(got, numberOf(e.Payload))
		}
	})
	if during != nil {
		during(w)
	}
	w.Run(at(time.Hour))
	return w, got
}

func TestLinksKeepOrder(t *testing.T) {
	t.Parallel()
	_, got := burst(t, NetConfig{LatencyMax: 5 * time.Millisecond, Tail: 0.1, LatencyTail: time.Second}, 2000, time.Millisecond, nil)
	require.Len(t, got, 2000)
	require.IsIncreasing(t, got)
}

func TestReorder(t *testing.T) {
	t.Parallel()
	_, got := burst(t, NetConfig{LatencyMax: 5 * time.Millisecond, Reorder: 0.1}, 2000, 100*time.Microsecond, nil)
	require.Len(t, got, 2000)
	overtaken := 0
	for i := 1; i < len(got); i++ {
		if got[i] < got[i-1] {
			overtaken++
		}
	}
	require.Greater(t, overtaken, 20)
}

func TestLoss(t *testing.T) {
	t.Parallel()
	_, got := burst(t, NetConfig{Loss: 0.25}, 4000, time.Millisecond, nil)
	require.InDelta(t, 3000, len(got), 150)
	require.IsIncreasing(t, got, "nothing comes twice")
}

func TestDuplicate(t *testing.T) {
	t.Parallel()
	_, got := burst(t, NetConfig{Duplicate: 0.25}, 4000, time.Millisecond, nil)
	require.InDelta(t, 5000, len(got), 150)
	times := map[uint64]int{}
	for _, n := range got {
		times[n]++
		require.LessOrEqual(t, times[n], 2)
	}
	require.Len(t, times, 4000)
}

// A cut is directed, takes what is on its way, counts what it took, and ends when healed.
func TestCut(t *testing.T) {
	t.Parallel()
	slow := NetConfig{LatencyMin: 10 * time.Millisecond, LatencyMax: 10 * time.Millisecond}
	w, got := burst(t, slow, 100, time.Millisecond, func(w *World) {
		w.Cut(2, 1)
		w.Cut(1, 1)
		w.After(30500*time.Microsecond, func() { w.Cut(1, 2); w.Cut(1, 2) })
		w.After(60500*time.Microsecond, w.HealNetwork)
	})
	// Message i leaves about i ms after the start and arrives 10 ms later: the cut takes 21 to 30 on their way, those
	// from 31 to 60 when they are sent.
	var want []uint64
	for i := range uint64(100) {
		if i <= 20 || i > 60 {
			want = append(want, i)
		}
	}
	require.Equal(t, want, got)
	require.Equal(t, uint64(40), w.MessagesCut())
}

// What a node tells itself is neither lost nor cut, but dies with it.
func TestLoopback(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Net: NetConfig{Loss: 1, Duplicate: 1}})
	got := 0
	require.NoError(t, w.AddNode(oneActor(1, nil, func(env world.Env) stepFunc {
		return func(_ world.Time, in []world.Event, out *world.Effects) {
			for _, e := range in {
				require.Equal(t, env.Nonce, numberOf(e.Payload), "a message from another life")
				got++
			}
			out.Send(env.Addr, number(env.Nonce))
		}
	})))
	w.Cut(1, 1)
	turns := 100 * (defaultTurnDelay + loopback)
	w.After(turns-loopback/2, func() { // between a turn and the arrival of what it sent
		require.NoError(t, w.Crash(1))
		require.NoError(t, w.Restart(1))
	})
	w.Run(at(20 * time.Millisecond))
	turn := defaultTurnDelay + loopback
	require.InDelta(t, int(20*time.Millisecond/turn), got, 2)
	require.Zero(t, w.MessagesCut())
}

func TestMessagesToNobodyVanish(t *testing.T) {
	t.Parallel()
	vanished := 0
	w := newWorld(t, Config{Net: calm(), OnEvent: func(e TraceEvent) {
		if e.Kind == KindVanished {
			vanished++
		}
	}})
	add(t, w, 1, nil, func(_ world.Time, in []world.Event, out *world.Effects) {
		require.Empty(t, in)
		out.Send(world.Addr{Node: 77}, nil)
		out.Send(world.Addr{Node: 1, Actor: 5}, nil)
		out.Send(world.Addr{}, nil)
	})
	w.Run(at(time.Second))
	require.Equal(t, 3, vanished)
}

// Changing the network changes what is sent from then on.
func TestSetNet(t *testing.T) {
	t.Parallel()
	_, got := burst(t, calm(), 100, time.Millisecond, func(w *World) {
		w.After(50500*time.Microsecond, func() { w.SetNet(NetConfig{Loss: 1}) })
	})
	require.Len(t, got, 51)
}

func TestPayloadChecks(t *testing.T) {
	t.Parallel()
	buf := number(1)
	w := newWorld(t, Config{Net: calm()})
	add(t, w, 1, nil, func(_ world.Time, in []world.Event, out *world.Effects) {
		out.Send(world.Addr{Node: 2}, buf)
	})
	add(t, w, 2, nil, mute)
	w.After(500*time.Microsecond, func() { buf[0]++ })
	require.Contains(t, panicOf(func() { w.Run(at(time.Second)) }), "from 1/0 to 2/0 was modified after it was sent")

	w = newWorld(t, Config{Net: calm()})
	add(t, w, 1, nil, func(_ world.Time, in []world.Event, out *world.Effects) {
		if len(in) == 0 {
			out.Send(world.Addr{Node: 2}, number(1))
		}
	})
	add(t, w, 2, nil, func(_ world.Time, in []world.Event, _ *world.Effects) {
		for _, e := range in {
			e.Payload[0]++
		}
	})
	require.Contains(t, panicOf(func() { w.Run(at(time.Second)) }), "2/0 modified a payload (8 bytes) from 1/0")
}
