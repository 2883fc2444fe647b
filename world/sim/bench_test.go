package sim

import (
	"testing"
	"time"

	"ordeal/world"
)

// BenchmarkEvent is the cost of one event of the trace when 64 messages of 100 bytes go round: half of the events are
// messages, half are turns.
func BenchmarkEvent(b *testing.B) {
	net := DefaultNet()
	net.Loss, net.Duplicate = 1e-12, 1e-12 // drawn for every message, but the number of messages stays the same
	w := New(Config{Seed: 1, Net: net})
	defer w.Close()
	const nodes = 8
	payload := make([]byte, 100)
	for id := world.NodeID(1); id <= nodes; id++ {
		_ = w.AddNode(oneActor(id, nil, func(env world.Env) stepFunc {
			return func(_ world.Time, in []world.Event, out *world.Effects) {
				n := len(in)
				if n == 0 {
					n = 8
				}
				for range n {
					out.Send(world.Addr{Node: 1 + world.NodeID(env.Rand.IntN(nodes))}, payload)
				}
			}
		}))
	}
	w.Run(at(time.Second))
	b.ReportAllocs()
	b.ResetTimer()
	end := w.Events() + uint64(b.N)
	w.RunWhile(func() bool { return w.Events() < end }, never)
}

// BenchmarkTimer is the cost of a timer and its turn, with a queue of 1,000 of them.
func BenchmarkTimer(b *testing.B) {
	w := New(Config{Seed: 1})
	defer w.Close()
	for id := world.NodeID(1); id <= 1000; id++ {
		_ = w.AddNode(oneActor(id, nil, func(env world.Env) stepFunc {
			return func(_ world.Time, _ []world.Event, out *world.Effects) {
				out.After(time.Duration(env.Rand.IntN(int(time.Second))), 1)
			}
		}))
	}
	w.Run(at(10 * time.Second))
	b.ReportAllocs()
	b.ResetTimer()
	end := w.Events() + uint64(b.N)
	w.RunWhile(func() bool { return w.Events() < end }, never)
}

// BenchmarkSync is the cost of a commit with its barrier: two turns, an fsync and a message released by it.
func BenchmarkSync(b *testing.B) {
	w := New(Config{Seed: 1})
	defer w.Close()
	position := &counter{}
	_ = w.AddNode(oneActor(1, position, func(world.Env) stepFunc {
		then := []world.Send{{To: world.Addr{Node: 2}}}
		return func(_ world.Time, _ []world.Event, out *world.Effects) {
			position.n++
			out.Sync(1, then)
		}
	}))
	b.ReportAllocs()
	b.ResetTimer()
	w.RunWhile(func() bool { return position.n < uint64(b.N) }, never)
}

// BenchmarkSleep is the cost of a proc's sleep: one event and a switch to the coroutine and back.
func BenchmarkSleep(b *testing.B) {
	w := New(Config{Seed: 1})
	defer w.Close()
	for range 10 {
		w.Go(1001, "sleeper", func(p world.Proc) {
			for {
				p.Sleep(time.Millisecond)
			}
		})
	}
	b.ReportAllocs()
	b.ResetTimer()
	end := w.Events() + uint64(b.N)
	w.RunWhile(func() bool { return w.Events() < end }, never)
}

// BenchmarkCall is the cost of a whole call: request, turn, reply, switch.
func BenchmarkCall(b *testing.B) {
	w := New(Config{Seed: 1})
	defer w.Close()
	add(b, w, 1, nil, echo)
	done := 0
	for i := range 10 {
		w.Go(world.NodeID(1001+i), "client", func(p world.Proc) {
			for {
				_, _ = p.Call(world.Addr{Node: 1}, nil, time.Second)
				done++
			}
		})
	}
	b.ReportAllocs()
	b.ResetTimer()
	w.RunWhile(func() bool { return done < b.N }, never)
}

// counter is a disk that only counts.
type counter struct {
	memDisk
	n uint64
}

func (c *counter) Position() uint64 { return c.n }

// BenchmarkQueue is the cost of taking the earliest of 1,000 events out and putting a later one in.
func BenchmarkQueue(b *testing.B) {
	var q queue
	var ev event
	rng := stream(1, "bench")
	for range 1000 {
		q.push(at(between(rng, 0, time.Second)), &ev)
	}
	b.ReportAllocs()
	for b.Loop() {
		now := q.pop(&ev)
		q.push(now.Add(between(rng, 0, time.Second)), &ev)
	}
}
