package sim

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

// pingPong builds a world in which nodes pass numbers on, commit and sync them, are cut, crash and come back.
func pingPong(t testing.TB, cfg Config) *World {
	w := newWorld(t, cfg)
	const nodes = 4
	for id := world.NodeID(1); id <= nodes; id++ {
		disk := &memDisk{}
		require.NoError(t, w.AddNode(oneActor(id, disk, func(env world.Env) stepFunc {
			return func(now world.Time, in []world.Event, out *world.Effects) {
				if len(in) == 0 {
					out.After(time.Duration(env.Rand.IntN(1000))*time.Microsecond, env.Nonce)
				}
				for _, e := range in {
					next := world.Addr{Node: 1 + world.NodeID(env.Rand.IntN(nodes))}
					disk.commit(uint64(now))
					switch e.Kind {
					case world.EventTimer:
						out.After(10*time.Millisecond, e.Token)
						out.Sync(e.Token, []world.Send{{To: next, Payload: number(e.Token)}})
					case world.EventMessage:
						if env.Rand.IntN(8) > 0 {
							out.Send(next, number(numberOf(e.Payload)+1))
						}
					case world.EventRequest:
						out.Reply(e.From, e.Call, number(uint64(now)))
					}
				}
			}
		})))
	}
	for c := range 3 {
		w.Go(world.NodeID(1001+c), "client", func(p world.Proc) {
			for {
				to := world.Addr{Node: 1 + world.NodeID(p.Rand().IntN(nodes))}
				if _, err := p.Call(to, []byte("x"), 5*time.Millisecond); err != nil {
					p.Sleep(time.Millisecond)
				}
			}
		})
	}
	w.Go(2001, "nemesis", func(p world.Proc) {
		for {
			p.Sleep(time.Duration(p.Rand().IntN(30)) * time.Millisecond)
			a, b := 1+world.NodeID(p.Rand().IntN(nodes)), 1+world.NodeID(p.Rand().IntN(nodes))
			w.Cut(a, b)
			_, _ = w.CrashNode(a)
			p.Sleep(10 * time.Millisecond)
			w.HealNetwork()
			_ = w.Restart(a)
		}
	})
	return w
}

func TestSameSeedSameTrace(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) (uint64, string) {
		var buf bytes.Buffer
		rec := NewRecorder(&buf)
		w := pingPong(t, Config{Seed: seed, OnEvent: rec.Record})
		w.Run(at(500 * time.Millisecond))
		require.Greater(t, w.Events(), uint64(1000))
		require.NoError(t, rec.Flush())
		return w.TraceHash(), buf.String()
	}
	seen := map[uint64]uint64{}
	for seed := range uint64(10) {
		h1, t1 := run(seed)
		h2, t2 := run(seed)
		require.Equal(t, h1, h2, "seed %d", seed)
		require.Equal(t, t1, t2, "seed %d", seed)
		require.NotContains(t, seen, h1, "seeds %d and %d", seed, seen[h1])
		seen[h1] = seed
	}
}

// A run cut into pieces is the same run.
func TestRunInPieces(t *testing.T) {
	t.Parallel()
	whole, pieces := pingPong(t, Config{Seed: 7}), pingPong(t, Config{Seed: 7})
	whole.Run(at(200 * time.Millisecond))
	for i := range 200 {
		pieces.Run(at(time.Duration(i+1) * time.Millisecond))
	}
	require.Equal(t, whole.TraceHash(), pieces.TraceHash())
	require.Equal(t, whole.Now(), pieces.Now())
}

func TestRunWhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	done := false
	w.After(time.Second, func() { done = true })
	w.After(2*time.Second, func() { t.Error("too far") })
	require.True(t, w.RunWhile(func() bool { return !done }, at(time.Minute)))
	require.Equal(t, at(time.Second), w.Now(), "it stops at the event that made cond false")
	require.False(t, w.RunWhile(func() bool { return true }, at(1500*time.Millisecond)))
	require.Equal(t, at(1500*time.Millisecond), w.Now())
	w.Run(at(time.Second))
	require.Equal(t, at(1500*time.Millisecond), w.Now(), "time does not go back")
}

// Idle time costs nothing and what was pushed first happens first.
func TestOrderAtEqualTimes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	var got []int
	for i := range 100 {
		w.After(1000*time.Hour, func() { got = append(got, i) })
	}
	w.Run(at(2000 * time.Hour))
	require.Len(t, got, 100)
	require.IsIncreasing(t, got)
	require.Equal(t, uint64(100), w.Events())
}

// What comes while an actor is being woken is handled in the same turn, and each actor sees its own clock.
func TestTurnsBatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Seed: 3, Net: calm(), TurnDelay: 100 * time.Microsecond})
	var turns []int
	var first world.Time
	add(t, w, 1, nil, func(now world.Time, in []world.Event, out *world.Effects) {
		if len(turns) == 0 {
			first = now
			for i := range 5 {
				out.After(time.Millisecond+time.Duration(i)*10*time.Microsecond, uint64(i))
			}
		}
		for i, e := range in {
			require.Equal(t, uint64(i), e.Token, "events come in order")
		}
		turns = append(turns, len(in))
	})
	w.Run(at(time.Second))
	require.Equal(t, []int{0, 5}, turns)
	require.Greater(t, first, at(time.Millisecond), "the clock of this node is off")
	require.Less(t, first, at(clockOffsetMax+time.Second))
}

// A time that stands still is reported with the events that led there.
func TestLivelockPanics(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	var spin func()
	spin = func() { w.After(0, spin) }
	spin()
	require.Contains(t, panicOf(func() { w.Run(at(time.Second)) }), "somebody waits without letting time pass")
	require.Contains(t, w.Evidence(), "callback")
}

// A panic of an actor comes out of Run as it was, with the actor on the stack, and Evidence says where it was.
func TestActorPanicKeepsItsStack(t *testing.T) {
	t.Parallel()
	for _, value := range []any{"boom", world.Crash{Node: 2, Point: "another node's"}} {
		w := newWorld(t, Config{})
		add(t, w, 1, nil, explodingStep(value))
		var got any
		var stack string
		func() {
			defer func() { got, stack = recover(), string(debug.Stack()) }()
			w.Run(at(time.Second))
		}()
		require.Equal(t, value, got)
		require.Contains(t, stack, "explodeHere")
		require.Contains(t, w.Evidence(), "in a step or the boot of 1/0")
		require.Contains(t, w.Evidence(), "boot 1/0")
	}
}

func explodingStep(value any) stepFunc {
	return func(world.Time, []world.Event, *world.Effects) { explodeHere(value) }
}

func explodeHere(value any) { panic(value) }

func TestMisuse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	add(t, w, 1, nil, mute)
	boot := func([]world.Env) ([]world.Actor, error) { return nil, nil }
	require.ErrorContains(t, w.AddNode(world.Node{ID: 1, Actors: 1, Boot: boot}), "one already")
	require.ErrorContains(t, w.AddNode(world.Node{Actors: 1, Boot: boot}), "id is 0")
	require.ErrorContains(t, w.AddNode(world.Node{ID: 2, Boot: boot}), "0 actors")
	require.ErrorContains(t, w.AddNode(world.Node{ID: 2, Actors: 1}), "no Boot")
	require.ErrorContains(t, w.AddNode(world.Node{ID: 3, Actors: 1, Boot: boot}), "returned 0 actors")
	require.False(t, w.Up(3))
	require.ErrorContains(t, w.Restart(1), "it is up")
	require.ErrorContains(t, w.Restart(99), "no such node")
	require.ErrorContains(t, w.Crash(99), "no such node")
	require.NoError(t, w.Crash(1))
	require.ErrorContains(t, w.Crash(1), "down already")

	add(t, w, 4, nil, func(world.Time, []world.Event, *world.Effects) { _ = w.Crash(1) })
	require.Contains(t, panicOf(func() { w.Run(at(time.Second)) }), "called from inside Step")
	require.Panics(t, func() { New(Config{Net: NetConfig{Loss: 2}}) })
	require.Panics(t, func() { New(Config{Net: NetConfig{LatencyMin: 2, LatencyMax: 1}}) })
}

func TestCloseClosesDisks(t *testing.T) {
	t.Parallel()
	w := New(Config{})
	disk := &memDisk{}
	add(t, w, 1, disk, mute)
	w.Run(at(time.Second))
	require.NoError(t, w.Close())
	require.NoError(t, w.Close())
	require.True(t, disk.closed)
	require.False(t, w.Up(1))
	require.Panics(t, func() { w.Run(at(2 * time.Second)) })
}

// A node that can't boot leaves its disk closed, so that the next attempt finds what this one found.
func TestFailedBootClosesDisk(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Net: calm()})
	disk := &memDisk{}
	bad := errors.New("what is on the disk can't be read")
	err := w.AddNode(world.Node{ID: 1, Name: "n", Disk: disk, Actors: 1, Boot: func([]world.Env) ([]world.Actor, error) {
		disk.closed = false
		return nil, bad
	}})
	require.ErrorIs(t, err, bad)
	require.True(t, disk.closed)
	require.False(t, w.Up(1))
	require.ErrorIs(t, w.Restart(1), bad)
	require.True(t, disk.closed)
}

// Streams do not depend on who else exists.
func TestStreamsAreIndependent(t *testing.T) {
	t.Parallel()
	draw := func(others int) string {
		w := newWorld(t, Config{Seed: 5})
		for i := range others {
			add(t, w, world.NodeID(50+i), nil, mute)
			w.Go(world.NodeID(50+i), "p", func(world.Proc) {})
		}
		var got string
		require.NoError(t, w.AddNode(oneActor(9, nil, func(env world.Env) stepFunc {
			got = fmt.Sprint(env.Nonce, env.Rand.Uint64(), w.nodeOf[9].clock)
			return mute
		})))
		w.Go(9, "p", func(p world.Proc) { got += fmt.Sprint(p.Rand().Uint64()) })
		w.Go(9, "p", func(p world.Proc) { got += fmt.Sprint(" ", p.Rand().Uint64()) })
		w.Run(at(time.Second))
		return got
	}
	require.Equal(t, draw(0), draw(3))
}
