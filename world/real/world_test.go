package real

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

func TestCallIsAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	addNode(t, w, 1, nil, always(stepper(echo)), always(stepper(echo)))
	var procs atomic.Int32
	for i := range 8 {
		w.Go(1001, fmt.Sprint("c", i), func(p world.Proc) {
			for j := range 50 {
				want := fmt.Sprint(i, "-", j)
				got, err := p.Call(world.Addr{Node: 1, Actor: uint16(j % 2)}, []byte(want), deadline)
				if err != nil || string(got) != want {
					t.Errorf("call %s: got %q, %v", want, got, err)
				}
			}
			procs.Add(1)
		})
	}
	w.Wait()
	require.EqualValues(t, 8, procs.Load())
	require.Equal(t, Stats{}, w.Stats())
}

func TestMessagesPassBetweenNodesAndWithinOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	got := make(chan string, 2)
	sink := stepper(func(_ world.Time, in []world.Event, _ *world.Effects) {
		for _, e := range in {
			got <- fmt.Sprintf("%s from %s", e.Payload, e.From)
		}
	})
	addNode(t, w, 2, nil, always(sink))
	addNode(t, w, 1, nil, always(sink), always(stepper(func(_ world.Time, in []world.Event, out *world.Effects) {
		if len(in) == 0 {
			out.Send(addr(2), []byte("over"))
			out.Send(addr(1), []byte("here"))
		}
	})))
	require.ElementsMatch(t, []string{"over from 1/1", "here from 1/1"}, []string{await(t, got), await(t, got)})
}

func TestTimersComeInOrderOfDueTimeThenOfSetting(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	tokens := make(chan uint64, 10)
	addNode(t, w, 1, nil, always(stepper(func(now world.Time, in []world.Event, out *world.Effects) {
		if len(in) == 0 {
			for _, tm := range []world.Timer{{Delay: 30, Token: 3}, {Delay: 10, Token: 1}, {Delay: 30, Token: 4}, {Delay: 20, Token: 2}} {
				out.After(tm.Delay*time.Millisecond, tm.Token)
			}
		}
		for _, e := range in {
			tokens <- e.Token
		}
	})))
	for want := uint64(1); want <= 4; want++ {
		require.Equal(t, want, await(t, tokens))
	}
}

func TestBarrierReleasesOnlyWhatIsDurableAndSharesSyncs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	disk := &fakeDisk{started: make(chan struct{}), resume: make(chan struct{})}
	received, stepped := make(chan uint64, 10), make(chan world.EventKind, 20)
	addNode(t, w, 2, nil, always(stepper(func(_ world.Time, in []world.Event, _ *world.Effects) {
		for _, e := range in {
			_, durable, _ := disk.state()
			if n := binary.BigEndian.Uint64(e.Payload); n > durable {
				t.Errorf("message %d was released when only %d were durable", n, durable)
			} else {
				received <- n
			}
		}
	})))
	addNode(t, w, 1, disk, always(stepper(func(_ world.Time, in []world.Event, out *world.Effects) {
		for _, e := range in {
			if e.Kind == world.EventRequest {
				disk.commit()
				n := disk.Position()
				out.Sync(n, []world.Send{{To: addr(2), Payload: binary.BigEndian.AppendUint64(nil, n)}})
				out.Reply(e.From, e.Call, nil)
			}
			stepped <- e.Kind
		}
	})))
	inProc(t, w, func(p world.Proc) {
		for range 5 {
			_, err := p.Call(addr(1), nil, deadline)
			if err != nil {
				t.Error(err)
			}
		}
	})
	// The first sync has begun with the first barrier and waits; the others share the next one, but for the last,
	// which may be set a moment after its request was answered.
	await(t, disk.started)
	require.Empty(t, received)
	disk.resume <- struct{}{}
	for want := uint64(1); want <= 5; {
		select {
		case <-disk.started:
			disk.resume <- struct{}{}
		case n := <-received:
			require.Equal(t, want, n)
			want++
		case <-time.After(deadline):
			require.FailNow(t, "a barrier was not released")
		}
	}
	for synced := 0; synced < 5; {
		if await(t, stepped) == world.EventSynced {
			synced++
		}
	}
	_, _, syncs := disk.state()
	require.LessOrEqual(t, syncs, 3)
}

func TestCrashKeepsTheDiskAndRestartBootsAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	disk := &fakeDisk{}
	var nonces []uint64
	addNode(t, w, 1, disk, func(e world.Env) world.Actor {
		nonces = append(nonces, e.Nonce)
		return &counter{disk: disk}
	})
	count := func(p world.Proc) (uint64, error) {
		reply, err := p.Call(addr(1), nil, deadline)
		if err != nil {
			return 0, err
		}
		return binary.BigEndian.Uint64(reply), nil
	}
	inProc(t, w, func(p world.Proc) {
		for want := uint64(1); want <= 3; want++ {
			got, err := count(p)
			if err != nil || got != want {
				t.Errorf("count %d: got %d, %v", want, got, err)
			}
		}
	})
	require.NoError(t, w.Crash(1))
	require.ErrorContains(t, w.Crash(1), "down already")
	require.Equal(t, 1, disk.closes)
	inProc(t, w, func(p world.Proc) {
		if _, err := count(p); err == nil {
			t.Error("a node that is down answered")
		}
		if _, err := count(p); err == nil {
			t.Error("a node that is down answered")
		}
	})
	require.NoError(t, w.Restart(1))
	require.ErrorContains(t, w.Restart(1), "is up")
	inProc(t, w, func(p world.Proc) {
		// The link may still be in its pause after the failed dial.
		for end := p.Now().Add(deadline); ; p.Sleep(time.Millisecond) {
			got, err := count(p)
			if err == nil && got == 4 {
				return
			}
			if p.Now() > end {
				t.Errorf("after the restart: %d, %v", got, err)
				return
			}
		}
	})
	require.Len(t, nonces, 2)
	require.NotEqual(t, nonces[0], nonces[1])
}

func TestBusyActorsPauseBetweenTurns(t *testing.T) {
	t.Parallel()
	const gap, callers, calls = 5 * time.Millisecond, 4 * busyTurnEvents, 5
	w := newWorld(t, Config{TurnGap: gap})
	type turn struct {
		began  world.Time
		events int
	}
	var turns []turn
	addNode(t, w, 1, nil, always(stepper(func(now world.Time, in []world.Event, out *world.Effects) {
		turns = append(turns, turn{now, len(in)})
		echo(now, in, out)
	})))
	done := make(chan error, callers)
	for range callers {
		w.Go(1001, "caller", func(p world.Proc) {
			var err error
			for range calls {
				_, failed := p.Call(addr(1), nil, deadline)
				err = errors.Join(err, failed)
			}
			done <- err
		})
	}
	for range callers {
		require.NoError(t, await(t, done))
	}
	require.NoError(t, w.Crash(1))
	for i := range turns[1:] {
		if turns[i].events >= busyTurnEvents {
			require.GreaterOrEqual(t, turns[i+1].began.Sub(turns[i].began), gap)
		}
	}
}

func TestTwoWorldsTalkAsTwoProcessesWould(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	listen := map[world.NodeID]string{1: ln.Addr().String()}
	require.NoError(t, ln.Close())
	server, client := newWorld(t, Config{Listen: listen}), newWorld(t, Config{Listen: listen})
	addNode(t, server, 1, nil, always(stepper(echo)))
	inProc(t, client, func(p world.Proc) {
		got, err := p.Call(addr(1), []byte("hello"), deadline)
		if err != nil || string(got) != "hello" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestSeedFixesTheRandomSources(t *testing.T) {
	t.Parallel()
	draw := func(seed uint64) (actor, proc uint64) {
		w := newWorld(t, Config{Seed: seed})
		addNode(t, w, 1, nil, func(e world.Env) world.Actor {
			actor = e.Rand.Uint64()
			return stepper(echo)
		})
		inProc(t, w, func(p world.Proc) { proc = p.Rand().Uint64() })
		return actor, proc
	}
	a1, p1 := draw(7)
	a2, p2 := draw(7)
	a3, p3 := draw(8)
	require.Equal(t, []uint64{a1, p1}, []uint64{a2, p2})
	require.NotEqual(t, a1, p1)
	require.NotEqual(t, a1, a3)
	require.NotEqual(t, p1, p3)
}

func TestAddNodeReportsWhatIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Listen: map[world.NodeID]string{9: "no address"}})
	addNode(t, w, 1, nil, always(stepper(echo)))
	boot := func(n int, err error) func([]world.Env) ([]world.Actor, error) {
		return func([]world.Env) ([]world.Actor, error) { return make([]world.Actor, n), err }
	}
	require.ErrorContains(t, w.AddNode(world.Node{ID: 1, Boot: boot(0, nil)}), "there is one already")
	require.ErrorContains(t, w.AddNode(world.Node{ID: 2, Actors: 2, Boot: boot(1, nil)}), "booted 1 actors instead of 2")
	require.ErrorContains(t, w.AddNode(world.Node{ID: 2, Boot: boot(0, net.ErrClosed)}), net.ErrClosed.Error())
	require.ErrorContains(t, w.AddNode(world.Node{ID: 9, Boot: boot(0, nil)}), "listen for node 9")
	require.ErrorContains(t, w.Crash(2), "no such node")
	require.ErrorContains(t, w.Restart(2), "no such node")
	// A node that failed to boot can be added once it is well.
	addNode(t, w, 2, nil, always(stepper(echo)))
}

func TestFailedBootClosesTheDisk(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	disk, broken := &fakeDisk{}, false
	require.NoError(t, w.AddNode(world.Node{ID: 1, Disk: disk, Boot: func([]world.Env) ([]world.Actor, error) {
		if broken {
			return nil, errors.New("something in the disk's data is wrong")
		}
		return nil, nil
	}}))
	require.True(t, w.Up(1))
	require.False(t, w.Up(2))
	require.NoError(t, w.Crash(1))
	require.Equal(t, 1, disk.closes)
	broken = true
	require.ErrorContains(t, w.Restart(1), "something in the disk's data is wrong")
	require.False(t, w.Up(1))
	require.Equal(t, 2, disk.closes)
	broken = false
	require.NoError(t, w.Restart(1))
	require.True(t, w.Up(1))
}

func TestShutdownEndsProcsWhereverTheyAre(t *testing.T) {
	t.Parallel()
	w := New(Config{})
	addNode(t, w, 1, nil, always(stepper(func(world.Time, []world.Event, *world.Effects) {})))
	ended := make(chan string, 2)
	var begun atomic.Int32
	ready := make(chan struct{}, 2)
	w.Go(1001, "sleeps", func(p world.Proc) {
		defer func() { ended <- "slept" }()
		begun.Add(1)
		ready <- struct{}{}
		p.Sleep(time.Hour)
		t.Error("an hour has passed")
	})
	w.Go(1002, "calls", func(p world.Proc) {
		defer func() { ended <- "called" }()
		ready <- struct{}{}
		_, err := p.Call(addr(1), nil, time.Hour)
		t.Errorf("an actor that never replies did: %v", err)
	})
	await(t, ready)
	await(t, ready)
	require.NoError(t, w.Shutdown())
	require.ElementsMatch(t, []string{"slept", "called"}, []string{await(t, ended), await(t, ended)})
	w.Go(1001, "late", func(world.Proc) { t.Error("a proc started after the shutdown") })
	require.ErrorIs(t, w.AddNode(world.Node{ID: 3}), errShutdown)
	require.NoError(t, w.Shutdown())
}
