package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

// callOnce runs one call of a client against node 1 and returns its end and the time it took.
func callOnce(w *World, timeout time.Duration) (reply []byte, took time.Duration, err error) {
	w.Go(1001, "client", func(p world.Proc) {
		begin := p.Now()
		reply, err = p.Call(world.Addr{Node: 1}, []byte("hi"), timeout)
		took = p.Now().Sub(begin)
	})
	w.Run(w.Now().Add(time.Minute))
	return reply, took, err
}

func TestCallReply(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Net: calm()})
	add(t, w, 1, nil, echo)
	for range 3 {
		reply, took, err := callOnce(w, time.Second)
		require.NoError(t, err)
		require.Equal(t, "hi", string(reply))
		require.Equal(t, 2*time.Millisecond+defaultTurnDelay, took)
	}
}

func TestCallTimeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Net: calm()})
	add(t, w, 1, nil, mute)
	reply, took, err := callOnce(w, 50*time.Millisecond)
	require.ErrorIs(t, err, world.ErrTimeout)
	require.Nil(t, reply)
	require.Equal(t, 50*time.Millisecond, took)
	_, took, err = callOnce(w, 0)
	require.ErrorIs(t, err, world.ErrTimeout)
	require.Zero(t, took)
}

// Timeouts are exact although a proc has one alarm only, whatever order deadlines come in.
func TestCallTimeoutsOfManyLengths(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Net: calm()})
	add(t, w, 1, nil, echo)
	add(t, w, 2, nil, mute)
	calls := 0
	w.Go(1001, "client", func(p world.Proc) {
		for range 500 {
			timeout := time.Duration(3+p.Rand().IntN(100)) * time.Millisecond
			_, err := p.Call(world.Addr{Node: 1}, nil, timeout)
			require.NoError(t, err)
			begin := p.Now()
			timeout = time.Duration(3+p.Rand().IntN(100)) * time.Millisecond
			_, err = p.Call(world.Addr{Node: 2}, nil, timeout)
			require.ErrorIs(t, err, world.ErrTimeout)
			require.Equal(t, timeout, p.Now().Sub(begin))
			p.Sleep(time.Duration(p.Rand().IntN(20)) * time.Millisecond)
			calls++
		}
	})
	w.Run(at(time.Hour))
	require.Equal(t, 500, calls)
	require.Zero(t, w.queue.len())
}

// Alarms that an earlier one replaced go away when they ring.
func TestAlarmsDoNotPileUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Net: calm()})
	add(t, w, 1, nil, echo)
	add(t, w, 2, nil, mute)
	w.Go(1001, "client", func(p world.Proc) {
		for range 500 {
			_, err := p.Call(world.Addr{Node: 1}, nil, 100*time.Millisecond)
			require.NoError(t, err)
			_, err = p.Call(world.Addr{Node: 2}, nil, 10*time.Millisecond)
			require.ErrorIs(t, err, world.ErrTimeout)
			require.Less(t, w.queue.len(), 15)
		}
	})
	w.Run(at(time.Hour))
	require.Zero(t, w.queue.len())
}

// A request that is on its way when the node crashes was not taken: it is refused, or served by the next life.
func TestCrashBeforeRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Net: calm()})
	add(t, w, 1, nil, echo)
	w.After(500*time.Microsecond, func() { require.NoError(t, w.Crash(1)) })
	_, _, err := callOnce(w, time.Second)
	require.ErrorIs(t, err, world.ErrRefused)
	require.NoError(t, w.Restart(1))
	w.After(500*time.Microsecond, func() {
		require.NoError(t, w.Crash(1))
		require.NoError(t, w.Restart(1))
	})
	_, _, err = callOnce(w, time.Second)
	require.NoError(t, err)
}

func TestCallRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Net: calm()})
	_, took, err := callOnce(w, time.Second)
	require.ErrorIs(t, err, world.ErrRefused, "no such node")
	require.Equal(t, 2*time.Millisecond, took)
	add(t, w, 1, nil, echo)
	require.NoError(t, w.Crash(1))
	_, _, err = callOnce(w, time.Second)
	require.ErrorIs(t, err, world.ErrRefused, "node down")
	require.NoError(t, w.Restart(1))
	_, _, err = callOnce(w, time.Second)
	require.NoError(t, err)
	w.Cut(1, 1001)
	_, _, err = callOnce(w, time.Second)
	require.ErrorIs(t, err, world.ErrTimeout, "the reply is cut off")
	require.NoError(t, w.Crash(1))
	_, _, err = callOnce(w, time.Second)
	require.ErrorIs(t, err, world.ErrTimeout, "a refusal passes the network, too")
}

func TestCallReset(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Net: calm()})
	add(t, w, 1, nil, mute)
	w.After(10*time.Millisecond, func() { require.NoError(t, w.Crash(1)) })
	_, took, err := callOnce(w, time.Second)
	require.ErrorIs(t, err, world.ErrReset)
	require.Equal(t, 11*time.Millisecond, took)
}

// A reply that was sent before the crash still arrives.
func TestReplySurvivesCrash(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Net: calm()})
	add(t, w, 1, nil, echo)
	w.After(1500*time.Microsecond, func() {
		w.SetNet(NetConfig{Reorder: 1}) // nothing that the crash might send would be slower
		require.NoError(t, w.Crash(1))
	})
	reply, _, err := callOnce(w, time.Second)
	require.NoError(t, err)
	require.Equal(t, "hi", string(reply))
}

// Late, second and foreign replies reach nobody.
func TestStrayReplies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Net: calm()})
	var old []world.Event
	requests := 0
	add(t, w, 1, nil, func(_ world.Time, in []world.Event, out *world.Effects) {
		for _, e := range in {
			switch e.Kind {
			case world.EventRequest:
				requests++
				out.After(20*time.Millisecond, 0)
				out.Send(world.Addr{Node: 2}, number(uint64(e.Call)))
				old = append(old, e)
			case world.EventTimer:
				for _, o := range old {
					out.Reply(o.From, o.Call, number(uint64(o.Call)))
					out.Reply(o.From, o.Call, []byte("again"))
				}
			}
		}
	})
	add(t, w, 2, nil, func(_ world.Time, in []world.Event, out *world.Effects) {
		for _, e := range in {
			out.Reply(world.Addr{Node: 1001, Actor: procActor}, world.CallID(numberOf(e.Payload)), []byte("foreign"))
			out.Reply(world.Addr{Node: 1001}, 12345, nil)
		}
	})
	_, _, err := callOnce(w, 10*time.Millisecond)
	require.ErrorIs(t, err, world.ErrTimeout)
	reply, _, err := callOnce(w, time.Second)
	require.NoError(t, err)
	require.Equal(t, uint64(old[1].Call), numberOf(reply), "not the reply to the first call")
	require.Equal(t, 2, requests)
}

// Of two replies the first counts, even if the second is faster.
func TestFirstReplyCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Net: NetConfig{LatencyMax: 10 * time.Millisecond, Reorder: 1}})
	add(t, w, 1, nil, func(_ world.Time, in []world.Event, out *world.Effects) {
		for _, e := range in {
			out.Reply(e.From, e.Call, []byte("first"))
			out.Reply(e.From, e.Call, []byte("again"))
		}
	})
	for range 20 {
		reply, _, err := callOnce(w, time.Second)
		require.NoError(t, err)
		require.Equal(t, "first", string(reply))
	}
}

// A life does not answer what another life was asked.
func TestReplyOfAnotherLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Net: calm()})
	var asked []world.Event // as if the request had been kept on a disk
	add(t, w, 1, nil, func(_ world.Time, in []world.Event, out *world.Effects) {
		for _, e := range asked {
			out.Reply(e.From, e.Call, nil)
		}
		asked = append(asked, in...)
	})
	w.Cut(1, 1001) // the reset is lost, so the caller waits on
	w.After(10*time.Millisecond, func() {
		require.NoError(t, w.Crash(1))
		w.HealNetwork()
		require.NoError(t, w.Restart(1))
	})
	_, _, err := callOnce(w, time.Second)
	require.Len(t, asked, 1)
	require.ErrorIs(t, err, world.ErrTimeout)
}

// Requests are lost, but never come twice.
func TestRequestsAtMostOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Net: NetConfig{LatencyMax: time.Millisecond, Loss: 0.2, Duplicate: 0.5, Reorder: 0.5}})
	times := map[world.CallID]int{}
	add(t, w, 1, nil, func(now world.Time, in []world.Event, out *world.Effects) {
		for _, e := range in {
			times[e.Call]++
			require.Equal(t, 1, times[e.Call])
		}
		echo(now, in, out)
	})
	ok, lost := 0, 0
	w.Go(1001, "client", func(p world.Proc) {
		for range 1000 {
			if _, err := p.Call(world.Addr{Node: 1}, []byte("x"), 10*time.Millisecond); err == nil {
				ok++
			} else {
				lost++
				require.ErrorIs(t, err, world.ErrTimeout)
			}
		}
	})
	w.Run(at(time.Hour))
	require.Equal(t, 1000, ok+lost)
	require.InDelta(t, 640, ok, 80)
	require.Greater(t, len(times), ok)
}

// A call from a node to itself works and is refused or reset as any other.
func TestCallLoopback(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	add(t, w, 1001, nil, echo)
	w.Go(1001, "client", func(p world.Proc) {
		to := world.Addr{Node: 1001}
		_, err := p.Call(to, nil, time.Second)
		require.NoError(t, err)
		require.NoError(t, w.Crash(1001))
		_, err = p.Call(to, nil, time.Second)
		require.ErrorIs(t, err, world.ErrRefused)
		require.NoError(t, w.Restart(1001))
		w.After(loopback+1, func() { require.NoError(t, w.Crash(1001)) })
		_, err = p.Call(to, nil, time.Second)
		require.ErrorIs(t, err, world.ErrReset)
	})
	w.Run(at(time.Minute))
}
