package sim

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"ordeal/world"
)

// proc is blocking-style code: a coroutine that the event loop resumes and that parks itself to wait.
type proc struct {
	w    *World
	id   uint64 // from 1, the place in World.procs
	home *node
	name string
	rng  *rand.Rand
	body func(world.Proc)

	next  func() (struct{}, bool) // runs it until it parks; nil before it starts
	stop  func()                  // ends it where it parks
	yield func(struct{}) bool     // parks it

	call   call
	calls  uint64
	alarm  world.Time // when the earliest alarm rings that counts; never if there is none
	result []byte     // of the call that ended
	err    error
}

var _ world.Proc = (*proc)(nil)

// stopped unwinds a proc when the world closes.
type stopped struct{}

// ProcPanic is what Run panics with when a proc panics: coroutines have stacks of their own, which would not show.
type ProcPanic struct {
	Proc  string // name and node
	Value any    // what it panicked with
	Stack string // of the proc, down to the panic
}

// Error makes the runtime print all of it.
func (p ProcPanic) Error() string {
	return fmt.Sprintf("proc %s: %v\n\n%s", p.Proc, p.Value, p.Stack)
}

// Go starts a proc; it first runs when the event loop comes to it, at the time it is now. Procs of the same node and
// name draw from different sources. A proc goes on when its node crashes: it stands for somebody outside.
func (w *World) Go(id world.NodeID, name string, f func(world.Proc)) {
	w.mustNotStep("Go")
	home := w.node(id)
	ordinal := home.procsOf[name]
	home.procsOf[name]++
	p := &proc{
		w: w, id: uint64(len(w.procs)) + 1, home: home, name: name, body: f, alarm: never,
		rng: stream(w.cfg.Seed, "proc "+name, uint64(id), ordinal),
	}
	w.procs = append(w.procs, p)
	w.queue.push(w.now, &event{kind: KindStart, to: home, actor: procActor, ref: p.id})
}

// resume runs a proc until it parks or ends.
func (w *World) resume(p *proc) {
	if p.next == nil {
		p.next, p.stop = iter.Pull(p.run)
	}
	w.current = p
	_, parked := p.next()
	w.current = nil
	if !parked {
		w.procs[p.id-1] = nil
	}
}

// run is the coroutine.
func (p *proc) run(yield func(struct{}) bool) {
	p.yield = yield
	defer func() {
		switch r := recover(); r.(type) {
		case nil, stopped:
		default:
			panic(ProcPanic{Proc: p.String(), Value: r, Stack: string(debug.Stack())})
		}
	}()
	p.body(p)
}

// park waits for the next resume.
func (p *proc) park() {
	if !p.yield(struct{}{}) {
		panic(stopped{})
	}
}

// mustRun ends a proc that lives on in a closed world, by way of a deferred call, and panics if p is used by anybody
// but the function it was given to.
func (p *proc) mustRun(what string) {
	if p.w.closed {
		panic(stopped{})
	}
	if p.w.current != p {
		panic(fmt.Sprintf("sim: %s of proc %s called by somebody else", what, p))
	}
}

func (p *proc) addr() world.Addr { return world.Addr{Node: p.home.id, Actor: procActor} }

// String names the proc.
func (p *proc) String() string { return fmt.Sprintf("%s on node %d", p.name, p.home.id) }

// Now implements world.Proc.
func (p *proc) Now() world.Time { return p.w.now }

// Rand implements world.Proc.
func (p *proc) Rand() *rand.Rand { return p.rng }

// Sleep implements world.Proc.
func (p *proc) Sleep(d time.Duration) {
	p.mustRun("Sleep")
	p.w.queue.push(p.w.later(d), &event{kind: KindWake, to: p.home, actor: procActor, ref: p.id})
	p.park()
}

// Call implements world.Proc.
func (p *proc) Call(to world.Addr, request []byte, timeout time.Duration) ([]byte, error) {
	p.mustRun("Call")
	w := p.w
	p.calls++
	target := w.node(to.Node)
	p.call = call{id: world.CallID(p.id<<callBits | p.calls), to: target, deadline: w.later(timeout)}
	w.arm(p)
	w.transmit(&event{
		kind: KindRequest, src: p.home, to: target, actor: to.Actor, from: p.addr(),
		ref: uint64(p.call.id), payload: request, sum: w.seal(request),
	})
	p.park()
	reply, err := p.result, p.err
	p.result, p.err = nil, nil
	return reply, err
}
