// Package real is the world that is: actors run on goroutines, messages pass through sockets, disks are folders and
// time is the machine's.
//
// It runs the very actors that world/sim simulates, some or all nodes of a cluster in one process. Every actor has one
// goroutine and one inbox; every node has one goroutine that syncs its disk; every pair of nodes that talk has one
// connection for each direction; only a call from a proc to a node of its own process needs none. What the simulation
// draws from its seed (loss, delay, order) is left to the machine, so a run in this world is never repeatable; it is
// here to be fast, and to show that nothing above the seam depends on being simulated.
//
// # Nobody waits for anybody
//
// An actor never waits for a socket, a socket reader never waits for an actor, and the disk never waits for either.
// Queues between them are bounded (see Config) and what does not fit is dropped and counted, for one-way messages, or
// refused, for requests. The exception are completions that an actor ordered itself: their number is bounded by the
// actor, and dropping one would stop it for ever.
package real

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"ordeal/world"
)

// Bounds that hold where Config leaves a field zero.
const (
	InboxMaxDefault      = 4096
	TurnEventsMaxDefault = 4096
	TurnGapDefault       = 100 * time.Microsecond
	LinkFramesMaxDefault = 4096
	LinkBytesMaxDefault  = 64 << 20
	FrameBytesMaxDefault = 64 << 20
	ConnsMaxDefault      = 1024
)

// Config says where nodes are and what bounds hold. The zero value is a cluster in this process alone.
type Config struct {
	// Listen is the TCP address of each node: one that is added to this world listens there, one that is not is
	// dialled there. A node that is missing here listens on a free loopback port, a new one in every life, which
	// only this process knows.
	Listen map[world.NodeID]string
	// Seed feeds the random sources of actors and procs; 0 draws one.
	Seed uint64
	// InboxMax is how many messages and requests wait for one actor; more are dropped or refused.
	InboxMax int
	// TurnEventsMax is how many of them one Step gets at most.
	TurnEventsMax int
	// TurnGap is the least time from one turn of a busy actor to the next, unless a timer is due; up to four times as much
	// where the load is high. 0 stands for TurnGapDefault; below 0 there is none.
	TurnGap time.Duration
	// LinkFramesMax and LinkBytesMax bound what waits to be written to one connection.
	LinkFramesMax, LinkBytesMax int
	// FrameBytesMax bounds one message, request or reply with its header. An actor that sends more panics.
	FrameBytesMax int
	// ConnsMax is how many connections a node accepts; more are closed at once.
	ConnsMax int
}

func (c Config) withDefaults() Config {
	for _, f := range []struct {
		field *int
		value int
	}{
		{&c.InboxMax, InboxMaxDefault},
		{&c.TurnEventsMax, TurnEventsMaxDefault},
		{&c.LinkFramesMax, LinkFramesMaxDefault},
		{&c.LinkBytesMax, LinkBytesMaxDefault},
		{&c.FrameBytesMax, FrameBytesMaxDefault},
		{&c.ConnsMax, ConnsMaxDefault},
	} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	if c.TurnGap == 0 {
		c.TurnGap = TurnGapDefault
	}
	if c.Seed == 0 {
		c.Seed = rand.Uint64()
	}
	return c
}

// Stats counts what the world could not or would not deliver since it began.
type Stats struct {
	// Dropped are one-way messages and replies lost to a full queue or inbox or to a node that is away.
	Dropped uint64
	// Refused are requests that were answered with ErrRefused.
	Refused uint64
	// Cut are frames dropped by Cut.
	Cut uint64
}

// World runs nodes and procs in this process. Its methods may be called from any goroutine, but not from an actor.
type World struct {
	cfg   Config
	start time.Time
	procs procSet

	dropped, refused, cutFrames atomic.Uint64

	mu       sync.Mutex
	closed   bool
	machines map[world.NodeID]*machine

	netMu sync.RWMutex
	addrs map[world.NodeID]string
	cuts  map[direction]struct{}
	// lives holds the nodes of this process; one that is down has a nil life.
	lives map[world.NodeID]*life
}

var _ world.World = (*World)(nil)

// direction is a way that frames travel.
type direction struct{ from, to world.NodeID }

// machine is a node through all its lives.
type machine struct {
	// mu makes a crash and a restart of one node wait for each other.
	mu    sync.Mutex
	node  world.Node
	lives uint64
	// life is nil while the node is down.
	life *life
}

// errShutdown is what a world answers once it has been shut down.
var errShutdown = errors.New("the world has been shut down")

// New returns an empty world, whose time begins now.
func New(cfg Config) *World {
	w := &World{
		cfg:      cfg.withDefaults(),
		start:    time.Now(),
		machines: make(map[world.NodeID]*machine),
		addrs:    make(map[world.NodeID]string),
		cuts:     make(map[direction]struct{}),
		lives:    make(map[world.NodeID]*life),
	}
	w.procs.init(w)
	return w
}

// now is the world's one clock: monotonic nanoseconds since New.
func (w *World) now() world.Time { return world.Time(time.Since(w.start)) }

// AddNode boots n. It fails if the node is known already, if its address cannot be listened on or if Boot fails; the
// node is then unknown as before.
func (w *World) AddNode(n world.Node) error {
	m := &machine{node: n}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := w.addMachine(m); err != nil {
		return fmt.Errorf("add node %d: %w", n.ID, err)
	}
	if err := w.boot(m); err != nil {
		w.mu.Lock()
		delete(w.machines, n.ID)
		w.mu.Unlock()
		return fmt.Errorf("add node %d: %w", n.ID, err)
	}
	return nil
}

func (w *World) addMachine(m *machine) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return errShutdown
	}
	if _, ok := w.machines[m.node.ID]; ok {
		return errors.New("there is one already")
	}
	w.machines[m.node.ID] = m
	return nil
}

// boot begins a life of m, whose lock is held.
func (w *World) boot(m *machine) error {
	l, err := startLife(w, m.node, m.lives)
	if err != nil {
		return err
	}
	m.life = l
	m.lives++
	w.setLife(m.node.ID, l)
	return nil
}

func (w *World) machine(id world.NodeID) (*machine, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m, ok := w.machines[id]
	if !ok {
		return nil, errors.New("no such node in this process")
	}
	return m, nil
}

// Crash ends a life of a node without telling its actors: they stop between two steps, what they had ordered and not
// got is lost, and connections break. The disk is then closed, so that the node can boot again in this process; that
// makes durable what a power failure could lose. To lose that as well, run the node as a process and kill it.
func (w *World) Crash(id world.NodeID) error {
	m, err := w.machine(id)
	if err != nil {
		return fmt.Errorf("crash node %d: %w", id, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.life == nil {
		return fmt.Errorf("crash node %d: it is down already", id)
	}
	w.setLife(id, nil)
	err = m.life.end()
	m.life = nil
	if err != nil {
		return fmt.Errorf("crash node %d: %w", id, err)
	}
	return nil
}

// Restart boots a node that Crash took down.
func (w *World) Restart(id world.NodeID) error {
	m, err := w.machine(id)
	if err != nil {
		return fmt.Errorf("restart node %d: %w", id, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.life != nil {
		return fmt.Errorf("restart node %d: it is up", id)
	}
	w.mu.Lock()
	closed := w.closed
	w.mu.Unlock()
	if closed {
		return fmt.Errorf("restart node %d: %w", id, errShutdown)
	}
	if err := w.boot(m); err != nil {
		return fmt.Errorf("restart node %d: %w", id, err)
	}
	return nil
}

// Up reports whether a node of this process has power. It waits for a crash or a restart that is under way.
func (w *World) Up(id world.NodeID) bool {
	m, err := w.machine(id)
	if err != nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.life != nil
}

// Shutdown stops every proc and node, closes the disks and waits until no goroutine of the world is left. Procs end at
// their next Sleep or Call. Calling it again does nothing; it must not be called from a proc.
func (w *World) Shutdown() error {
	w.mu.Lock()
	w.closed = true
	machines := make([]*machine, 0, len(w.machines))
	for _, m := range w.machines {
		machines = append(machines, m)
	}
	w.mu.Unlock()
	w.procs.end()
	var errs []error
	for _, m := range machines {
		m.mu.Lock()
		if m.life != nil {
			errs = append(errs, m.life.end())
			m.life = nil
		}
		m.mu.Unlock()
	}
	return errors.Join(errs...)
}

// Addr is the address a node of this process listens on, or was told to; "" if it has none.
func (w *World) Addr(id world.NodeID) string {
	w.netMu.RLock()
	defer w.netMu.RUnlock()
	if a, ok := w.addrs[id]; ok {
		return a
	}
	return w.cfg.Listen[id]
}

// listen opens the address of a node and makes it known.
func (w *World) listen(id world.NodeID) (net.Listener, error) {
	addr, ok := w.cfg.Listen[id]
	if !ok {
		addr = "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for node %d: %w", id, err)
	}
	w.netMu.Lock()
	defer w.netMu.Unlock()
	w.addrs[id] = ln.Addr().String()
	return ln, nil
}

// Cut drops everything that goes from one node to another, silently, until HealNetwork. It works on frames that leave
// or enter this process; doing it twice is doing it once.
func (w *World) Cut(from, to world.NodeID) {
	w.netMu.Lock()
	defer w.netMu.Unlock()
	w.cuts[direction{from, to}] = struct{}{}
}

// Uncut ends a cut of one direction between two nodes.
func (w *World) Uncut(from, to world.NodeID) {
	w.netMu.Lock()
	defer w.netMu.Unlock()
	delete(w.cuts, direction{from, to})
}

// HealNetwork removes all cuts.
func (w *World) HealNetwork() {
	w.netMu.Lock()
	defer w.netMu.Unlock()
	clear(w.cuts)
}

// isCut reports, and counts, that a frame from one node to another must be dropped.
func (w *World) isCut(from, to world.NodeID) bool {
	w.netMu.RLock()
	_, cut := w.cuts[direction{from, to}]
	w.netMu.RUnlock()
	if cut {
		w.cutFrames.Add(1)
	}
	return cut
}

// Stats returns the counters as they are now.
func (w *World) Stats() Stats {
	return Stats{Dropped: w.dropped.Load(), Refused: w.refused.Load(), Cut: w.cutFrames.Load()}
}
