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
	s.w.endLocalCalls()
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
		w: w, node: node, links: links, rand: newRand(w.cfg.Seed, uint64(node), h.Sum64(), procs),
		local: &call{done: make(chan callResult, 1)},
	}
	s.wg.Go(func() { f(p) })
}

// Wait returns when every proc has returned. It must not be called from a proc.
func (w *World) Wait() { w.procs.wg.Wait() }

// proc is blocking-style code on a goroutine.
type proc struct {
	w     *World
	node  world.NodeID
	links *linkSet
	rand  *rand.Rand
	// local is the proc's call to a node of this process; it has one at a time.
	local *call
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
	if l, here := p.w.localLife(to.Node); here {
		return p.callLocal(l, to, request, timeout)
	}
	t := time.NewTimer(timeout)
	defer t.Stop()
	c := &call{done: make(chan callResult, 1)}
	link := p.links.to(to.Node)
	if !p.w.isCut(p.node, to.Node) && !link.q.put(outgoing{frame: f, call: c}) {
		p.w.refused.Add(1)
		return nil, fmt.Errorf("%w: the queue to node %d is full", world.ErrRefused, to.Node)
	}
	select {
	case r := <-c.done:
		return r.reply, r.err
	case <-t.C:
		link.forget(c)
		return nil, world.ErrTimeout
	case <-p.w.procs.ctx.Done():
		runtime.Goexit()
		panic("unreachable")
	}
}

// endIfShutDown ends the proc's goroutine if the world is shut down.
func (p *proc) endIfShutDown() {
	if p.w.procs.ctx.Err() != nil {
		runtime.Goexit()
	}
}
