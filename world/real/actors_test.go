package real

import (
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"ordeal/world"
)

// deadline is how long a test waits for what must happen; only a failing test waits that long.
const deadline = 20 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stepper is an actor made of a function.
type stepper func(now world.Time, in []world.Event, out *world.Effects)

func (f stepper) Step(now world.Time, in []world.Event, out *world.Effects) { f(now, in, out) }

// echo answers requests with their payload.
func echo(_ world.Time, in []world.Event, out *world.Effects) {
	for _, e := range in {
		if e.Kind == world.EventRequest {
			out.Reply(e.From, e.Call, e.Payload)
		}
	}
}

// fakeDisk is a durable number. Sync can be held up to see what happens meanwhile.
type fakeDisk struct {
	mu        sync.Mutex
	committed uint64
	durable   uint64
	syncs     int
	closes    int
	// started gets a token when a sync begins and resume gives it leave to end, if they are not nil.
	started, resume chan struct{}
}

func (d *fakeDisk) commit() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.committed++
}

func (d *fakeDisk) state() (committed, durable uint64, syncs int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.committed, d.durable, d.syncs
}

func (d *fakeDisk) Position() uint64 {
	c, _, _ := d.state()
	return c
}

func (d *fakeDisk) Sync() error {
	upTo := d.Position()
	if d.started != nil {
		d.started <- struct{}{}
		<-d.resume
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.durable = upTo
	d.syncs++
	return nil
}

func (d *fakeDisk) Crash(uint64, bool) uint64 { panic("only the simulated world crashes disks") }

func (d *fakeDisk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.durable = d.committed
	d.closes++
	return nil
}

// counter counts requests on its disk and answers with the count once it is durable.
type counter struct {
	disk    *fakeDisk
	waiting []world.Event
	done    int
}

func (c *counter) Step(_ world.Time, in []world.Event, out *world.Effects) {
	for _, e := range in {
		switch e.Kind {
		case world.EventRequest:
			c.disk.commit()
			e.Token = c.disk.Position()
			c.waiting = append(c.waiting, e)
			out.Sync(uint64(len(c.waiting)), nil)
		case world.EventSynced:
			if int(e.Token) != c.done+1 {
				panic("barriers must complete in the order they were set")
			}
			w := c.waiting[c.done]
			c.done++
			out.Reply(w.From, w.Call, binary.BigEndian.AppendUint64(nil, w.Token))
		}
	}
}

func newWorld(t *testing.T, cfg Config) *World {
	w := New(cfg)
	t.Cleanup(func() { require.NoError(t, w.Shutdown()) })
	return w
}

// addNode boots a node of which every life has the given actors.
func addNode(t *testing.T, w *World, id world.NodeID, disk world.Disk, boot ...func(world.Env) world.Actor) {
	t.Helper()
	require.NoError(t, w.AddNode(world.Node{
		ID: id, Name: "test", Disk: disk, Actors: len(boot),
		Boot: func(envs []world.Env) ([]world.Actor, error) {
			var actors []world.Actor
			for i, b := range boot {
				actors = append(actors, b(envs[i]))
			}
			return actors, nil
		},
	}))
}

func always(a world.Actor) func(world.Env) world.Actor {
	return func(world.Env) world.Actor { return a }
}

// inProc runs f as a proc on node 1001 and waits for it.
func inProc(t *testing.T, w *World, f func(world.Proc)) {
	t.Helper()
	done := make(chan struct{})
	w.Go(1001, "c1", func(p world.Proc) {
		defer close(done)
		f(p)
	})
	await(t, done)
}

func await[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(deadline):
		require.FailNow(t, "what had to happen did not")
		panic("unreachable")
	}
}

func addr(n world.NodeID) world.Addr { return world.Addr{Node: n} }
