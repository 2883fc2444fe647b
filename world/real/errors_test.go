package real

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

// eachWay runs a test twice: with caller and callee in one process, whose calls need no socket, and as in two processes,
// whose calls pass the wire. What the caller is told must be the same.
func eachWay(t *testing.T, cfg Config, f func(t *testing.T, server, client *World)) {
	t.Parallel()
	t.Run("one process", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, cfg)
		f(t, w, w)
	})
	t.Run("two processes", func(t *testing.T) {
		t.Parallel()
		remote := cfg
		remote.Listen = map[world.NodeID]string{1: freeAddr(t), 2: freeAddr(t)}
		f(t, newWorld(t, remote), newWorld(t, remote))
	})
}

// freeAddr is an address that nobody listens on just now.
func freeAddr(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, ln.Close())
	return ln.Addr().String()
}

// silent tells what it got and never replies.
func silent(got chan<- world.Event) stepper {
	return func(_ world.Time, in []world.Event, _ *world.Effects) {
		for _, e := range in {
			got <- e
		}
	}
}

func TestRefusedOnlyWhatWasSurelyNotDelivered(t *testing.T) {
	eachWay(t, Config{FrameBytesMax: 1 << 10}, func(t *testing.T, server, client *World) {
		addNode(t, server, 1, nil, always(stepper(echo)))
		addNode(t, server, 2, nil, always(stepper(echo)))
		require.NoError(t, server.Crash(2))
		for name, c := range map[string]struct {
			to   world.Addr
			size int
		}{
			"node unknown":         {to: addr(77)},
			"node down":            {to: addr(2)},
			"no such actor":        {to: world.Addr{Node: 1, Actor: 5}},
			"larger than the wire": {to: addr(1), size: 2 << 10},
		} {
			inProc(t, client, func(p world.Proc) {
				_, err := p.Call(c.to, make([]byte, c.size), deadline)
				if err == nil {
					t.Errorf("%s: answered", name)
					return
				}
				require.ErrorIs(t, err, world.ErrRefused, name)
			})
		}
	})
}

func TestResetOnceTheRequestMayHaveArrived(t *testing.T) {
	eachWay(t, Config{}, func(t *testing.T, server, client *World) {
		got := make(chan world.Event, 1)
		addNode(t, server, 1, nil, always(silent(got)))
		failed := make(chan error, 1)
		client.Go(1001, "c1", func(p world.Proc) {
			_, err := p.Call(addr(1), nil, deadline)
			failed <- err
		})
		await(t, got)
		require.NoError(t, server.Crash(1))
		require.ErrorIs(t, await(t, failed), world.ErrReset)
	})
}

func TestTimeout(t *testing.T) {
	eachWay(t, Config{}, func(t *testing.T, server, client *World) {
		got := make(chan world.Event, 1)
		addNode(t, server, 1, nil, always(silent(got)))
		inProc(t, client, func(p world.Proc) {
			_, err := p.Call(addr(1), []byte("anyone?"), 50*time.Millisecond)
			if err != world.ErrTimeout {
				t.Errorf("got %v", err)
			}
		})
		require.Equal(t, "anyone?", string(await(t, got).Payload))
	})
}

func TestLateReplyIsNotTakenForAnother(t *testing.T) {
	eachWay(t, Config{}, func(t *testing.T, server, client *World) {
		// Keeps the first request and answers it together with the second one.
		var first *world.Event
		addNode(t, server, 1, nil, always(stepper(func(_ world.Time, in []world.Event, out *world.Effects) {
			for _, e := range in {
				if first == nil {
					first = &e
					continue
				}
				out.Reply(first.From, first.Call, []byte("late"))
				out.Reply(first.From, first.Call, []byte("twice"))
				out.Reply(e.From, e.Call, e.Payload)
			}
		})))
		inProc(t, client, func(p world.Proc) {
			_, err := p.Call(addr(1), []byte("one"), time.Millisecond)
			if err != world.ErrTimeout {
				t.Errorf("got %v", err)
			}
			for end := p.Now().Add(deadline); p.Now() < end; {
				// The first frame is skipped if its caller gave up before it was written; then this one is kept.
				reply, err := p.Call(addr(1), []byte("two"), time.Second)
				if err == nil {
					if string(reply) != "two" {
						t.Errorf("got %q", reply)
					}
					return
				}
			}
			t.Error("never answered")
		})
	})
}

func TestFullInboxRefusesRequestsAndDropsMessages(t *testing.T) {
	eachWay(t, Config{InboxMax: 2, TurnEventsMax: 1}, func(t *testing.T, server, client *World) {
		busy, resume := make(chan struct{}), make(chan struct{})
		first := true
		addNode(t, server, 1, nil, always(stepper(func(_ world.Time, in []world.Event, out *world.Effects) {
			if len(in) > 1 {
				t.Errorf("a turn of %d events", len(in))
			}
			if len(in) > 0 && first {
				first = false
				busy <- struct{}{}
				<-resume
			}
			echo(0, in, out)
		})))
		results := make(chan error, 10)
		call := func(p world.Proc) {
			_, err := p.Call(addr(1), nil, deadline)
			results <- err
		}
		client.Go(1001, "first", call)
		await(t, busy)
		for range 5 {
			client.Go(1001, "more", call)
		}
		for range 3 {
			require.ErrorIs(t, await(t, results), world.ErrRefused)
		}
		require.EqualValues(t, 3, server.Stats().Refused)
		addNode(t, server, 2, nil, always(stepper(func(_ world.Time, in []world.Event, out *world.Effects) {
			if len(in) == 0 {
				out.Send(addr(1), nil)
			}
		})))
		require.Eventually(t, func() bool { return server.Stats().Dropped == 1 }, deadline, time.Millisecond)
		close(resume)
		for range 3 {
			require.NoError(t, await(t, results))
		}
	})
}

func TestCutsAreDirected(t *testing.T) {
	eachWay(t, Config{}, func(t *testing.T, server, client *World) {
		served := make(chan string, 10)
		addNode(t, server, 1, nil, always(stepper(func(_ world.Time, in []world.Event, out *world.Effects) {
			for _, e := range in {
				served <- string(e.Payload)
			}
			echo(0, in, out)
		})))
		call := func(p world.Proc, what string, timeout time.Duration) error {
			_, err := p.Call(addr(1), []byte(what), timeout)
			return err
		}
		inProc(t, client, func(p world.Proc) {
			require.NoError(t, call(p, "before", deadline))
			client.Cut(1001, 1)
			require.Equal(t, world.ErrTimeout, call(p, "lost", 10*time.Millisecond))
			client.HealNetwork()
			client.Cut(1, 1001)
			client.Cut(1, 1001)
			require.Equal(t, world.ErrTimeout, call(p, "unanswered", 50*time.Millisecond))
			client.HealNetwork()
			require.NoError(t, call(p, "after", deadline))
		})
		for _, want := range []string{"before", "unanswered", "after"} {
			require.Equal(t, want, await(t, served))
		}
		require.EqualValues(t, 2, client.Stats().Cut)
	})
}

func TestListenerSurvivesStrangers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	addNode(t, w, 1, nil, always(stepper(echo)))
	hello := func(from, to world.NodeID) []byte {
		f := helloFrame(from, to)
		b := binary.BigEndian.AppendUint32(nil, uint32(f.size()-4))
		b = append(b, byte(f.kind))
		b = append(b, make([]byte, 12)...)
		return append(b, f.payload...)
	}
	other := hello(5, 1)
	other[frameHeaderBytes]++
	for name, sent := range map[string][]byte{
		"another protocol":  []byte("GET / HTTP/1.1\r\nHost: somewhere.example\r\n\r\n"),
		"a huge length":     bytes.Repeat([]byte{0xff}, 64),
		"another magic":     other,
		"another node":      hello(5, 2),
		"a wrong kind":      append(hello(5, 1), append([]byte{0, 0, 0, 13, 99}, make([]byte, 12)...)...),
		"a reply to nobody": append(hello(5, 1), append([]byte{0, 0, 0, 13, byte(frameReply)}, make([]byte, 12)...)...),
	} {
		c, err := net.Dial("tcp", w.Addr(1))
		require.NoError(t, err, name)
		require.NoError(t, c.SetDeadline(time.Now().Add(deadline)), name)
		_, err = c.Write(sent)
		require.NoError(t, err, name)
		// It hangs up; a deadline would be another error.
		_, err = io.Copy(io.Discard, c)
		if err != nil {
			require.NotErrorIs(t, err, net.ErrClosed, name)
			var timeout net.Error
			if nerr, ok := err.(net.Error); ok {
				timeout = nerr
				require.False(t, timeout.Timeout(), name)
			}
		}
		require.NoError(t, c.Close(), name)
	}
	inProc(t, w, func(p world.Proc) {
		_, err := p.Call(addr(1), nil, deadline)
		require.NoError(t, err)
	})
}

func TestSendQueueIsBounded(t *testing.T) {
	t.Parallel()
	of := func(n int) outgoing { return outgoing{frame: frame{payload: make([]byte, n)}} }
	q := newSendQueue(3, 200)
	require.True(t, q.put(of(500)), "what is larger than the bound fits alone")
	require.False(t, q.put(of(0)))
	require.Len(t, q.takeAll(nil), 1)
	for range 3 {
		require.True(t, q.put(of(10)))
	}
	require.False(t, q.put(of(10)), "too many frames")
	require.Len(t, q.takeAll(nil), 3)
	require.True(t, q.put(of(100)))
	require.False(t, q.put(of(100)), "too many bytes")
}

func TestMailboxKeepsOrderAndRoomForCompletions(t *testing.T) {
	t.Parallel()
	m := newMailbox(2)
	put := func(k world.EventKind, token uint64) bool { return m.put(world.Event{Kind: k, Token: token}) }
	require.True(t, put(world.EventMessage, 1))
	require.True(t, put(world.EventSynced, 2))
	require.True(t, put(world.EventRequest, 3))
	require.False(t, put(world.EventMessage, 0))
	require.False(t, put(world.EventRequest, 0))
	for i := uint64(4); i < 100; i++ {
		require.True(t, put(world.EventSynced, i))
	}
	next := uint64(1)
	for next < 100 {
		for _, e := range m.take(nil, 7) {
			require.Equal(t, next, e.Token)
			next++
		}
	}
	require.Empty(t, m.take(nil, 7))
	require.True(t, put(world.EventMessage, 1))
	m.close()
	require.Empty(t, m.take(nil, 7))
	require.False(t, put(world.EventSynced, 1))
}
