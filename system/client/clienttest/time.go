package clienttest

import (
	"container/heap"
	"iter"
	"math/rand/v2"
	"time"

	"ordeal/world"
)

// event is something that happens at a time; seq orders those of the same time.
type event struct {
	at  world.Time
	seq uint64
	do  func()
}

type queue []event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || (q[i].at == q[j].at && q[i].seq < q[j].seq)
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *queue) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	return e
}

// At does something d from now.
func (c *Cluster) At(d time.Duration, do func()) {
	c.seq++
	heap.Push(&c.events, event{at: c.now.Add(d), seq: c.seq, do: do})
}

// Now is the time on the cluster's clock.
func (c *Cluster) Now() world.Time { return c.now }

// Run lets time pass until nothing is left to happen: all procs have returned and nothing more is due. It reports false
// if that is not so after eventsMax events.
func (c *Cluster) Run(eventsMax int) bool {
	for range eventsMax {
		if len(c.events) == 0 {
			return true
		}
		e := heap.Pop(&c.events).(event)
		c.now = e.at
		e.do()
	}
	return false
}

// Go starts a proc. Run lets it run.
func (c *Cluster) Go(f func(world.Proc)) {
	p := &proc{c: c, rand: rand.New(rand.NewPCG(c.rand.Uint64(), 1))}
	p.resume, _ = iter.Pull(func(yield func(struct{}) bool) {
		p.park = func() { yield(struct{}{}) }
		f(p)
	})
	c.At(0, func() { p.resume() })
}

// proc is a coroutine: it runs until it has to wait, and is resumed by an event.
type proc struct {
	c      *Cluster
	rand   *rand.Rand
	resume func() (struct{}, bool)
	park   func()
}

func (p *proc) Now() world.Time  { return p.c.now }
func (p *proc) Rand() *rand.Rand { return p.rand }

func (p *proc) Sleep(d time.Duration) {
	p.c.At(d, func() { p.resume() })
	p.park()
}

// Call delivers the request after some time, which may be after the caller has stopped waiting for its reply.
func (p *proc) Call(to world.Addr, request []byte, timeout time.Duration) ([]byte, error) {
	c := p.c
	var (
		reply []byte
		err   = world.ErrTimeout
		over  bool
	)
	finish := func(r []byte, e error) {
		if !over {
			over, reply, err = true, r, e
			p.resume()
		}
	}
	c.At(timeout, func() { finish(nil, world.ErrTimeout) })
	if c.down(to) {
		c.At(c.latency(), func() { finish(nil, world.ErrRefused) })
	} else if !c.chance(c.Faults.LoseRequest) {
		c.At(c.latency(), func() {
			if c.down(to) {
				c.At(c.latency(), func() { finish(nil, world.ErrReset) })
				return
			}
			r := c.serve(to, request)
			if r != nil && !c.chance(c.Faults.LoseReply) {
				c.At(c.latency(), func() { finish(r, nil) })
			}
		})
	}
	p.park()
	return reply, err
}

// latency is short as a rule, and sometimes so long that a caller may have lost patience.
func (c *Cluster) latency() time.Duration {
	if c.chance(c.Faults.Slow) {
		return time.Duration(c.rand.Int64N(int64(3 * time.Second)))
	}
	return 100*time.Microsecond + time.Duration(c.rand.Int64N(int64(time.Millisecond)))
}

func (c *Cluster) chance(p float64) bool { return p > 0 && c.rand.Float64() < p }
