package real

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"ordeal/world"
)

// procSet is all procs of a world and the links of the nodes they are on. Procs of one node share its links.
type procSet struct {
	w      *World
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu    sync.Mutex
	links map[world.NodeID]*linkSet
}

func (s *procSet) init(w *World) {
	s.w = w
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.links = make(map[world.NodeID]*linkSet)
}

// end stops the procs, waits for them and closes their links.
func (s *procSet) end() {
	// Under the lock, so that no proc starts between the cancellation and the wait.
	s.mu.Lock()
	s.cancel()
	s.mu.Unlock()
	s.wg.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.links {
		l.end()
	}
}

// Go runs f on a goroutine of its own. Once the world is shut down, f's next Sleep or Call does not return: the
// goroutine ends there, running its deferred calls; a world that was shut down before starts nothing.
func (w *World) Go(node world.NodeID, name string, f func(world.Proc)) {
	s := &w.procs
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return
	}
	links, ok := s.links[node]
	if !ok {
		links = newLinkSet(w, node)
		s.links[node] = links
	}
	h := fnv.New64a()
	h.Write([]byte(name))
	// The constant keeps procs apart from actors of a node with the same id.
	const procs = 1 << 32
	p := &proc{
		w: w, node: node, links: links, rand: newRand(w.cfg.Seed, uint64(node), h.Sum64(), procs), clock: time.NewTimer(0),
	}
	s.wg.Go(func() {
		defer p.clock.Stop()
		f(p)
	})
}

// Wait returns when every proc has returned. It must not be called from a proc.
func (w *World) Wait() { w.procs.wg.Wait() }

// proc is blocking-style code on a goroutine.
type proc struct {
	w     *World
	node  world.NodeID
	links *linkSet
	rand  *rand.Rand
	// clock times out calls, and spare is a call that is over; a proc has one call at a time.
	clock *time.Timer
	spare *call
}

var _ world.Proc = (*proc)(nil)

func (p *proc) Now() world.Time  { return p.w.now() }
func (p *proc) Rand() *rand.Rand { return p.rand }

func (p *proc) Sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.w.procs.ctx.Done():
		runtime.Goexit()
	}
}

func (p *proc) Call(to world.Addr, request []byte, timeout time.Duration) ([]byte, error) {
	f := frame{kind: frameRequest, toActor: to.Actor, payload: request}
	if f.size() > p.w.cfg.FrameBytesMax {
		return nil, fmt.Errorf("%w: a request of %d bytes exceeds FrameBytesMax, %d",
			world.ErrRefused, f.size(), p.w.cfg.FrameBytesMax)
	}
	c := p.spare
	p.spare = nil
	if c == nil {
		c = &call{done: make(chan callResult, 1)}
	}
	forget, err := p.send(to, f, c)
	if err != nil {
		p.spare = c
		return nil, err
	}
	p.clock.Reset(timeout)
	select {
	case r := <-c.done:
		p.clock.Stop()
		// Who completed it has let go of it.
		c.id, p.spare = 0, c
		return r.reply, r.err
	case <-p.clock.C:
		forget()
		return nil, world.ErrTimeout
	case <-p.w.procs.ctx.Done():
		runtime.Goexit()
		panic("unreachable")
	}
}

// send starts a call; forget gives it up. On an error it was certainly not delivered.
func (p *proc) send(to world.Addr, f frame, c *call) (forget func(), err error) {
	cut := p.w.isCut(p.node, to.Node)
	if l, here := p.w.localLife(to.Node); here {
		switch {
		case cut:
			return func() {}, nil
		case l == nil:
			p.w.refused.Add(1)
			return nil, fmt.Errorf("%w: node %d is down", world.ErrRefused, to.Node)
		case !l.callLocal(p.node, to, f.payload, c):
			p.w.refused.Add(1)
			return nil, fmt.Errorf("%w: the inbox of actor %s is full or it is down", world.ErrRefused, to)
		}
		return func() { l.local.take(c.id) }, nil
	}
	link := p.links.to(to.Node)
	if !cut && !link.q.put(outgoing{frame: f, call: c}) {
		p.w.refused.Add(1)
		return nil, fmt.Errorf("%w: the queue to node %d is full", world.ErrRefused, to.Node)
	}
	return func() { link.forget(c) }, nil
}
