package sim

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/cespare/xxhash/v2"

	"ordeal/world"
)

// instantEventsMax bounds how many events may happen without the clock moving. Whoever reaches it waits for something
// that only time can bring, without letting time pass.
const instantEventsMax = 1_000_000

// never is a time that does not come.
const never = world.Time(math.MaxInt64)

// World is a simulated world. Use New.
type World struct {
	cfg    Config
	now    world.Time
	queue  queue
	tracer tracer

	nodes   []*node // in order of their first mention
	nodeOf  map[world.NodeID]*node
	procs   []*proc // by id - 1; nil once ended
	crashed []func(world.NodeID, *world.Crash)
	cut     uint64 // messages dropped by cuts

	effects world.Effects // of the step that runs, reused
	instant int           // events since the clock moved

	running       bool
	closed        bool
	stepping      *node // whose code runs inside Step or Boot
	steppingActor uint16
	current       *proc // that runs
}

var _ world.World = (*World)(nil)

// New returns a world at time 0 with nothing in it. It panics if cfg makes no sense.
func New(cfg Config) *World {
	cfg = cfg.withDefaults()
	cfg.mustBeValid()
	return &World{cfg: cfg, nodeOf: map[world.NodeID]*node{}, tracer: newTracer(cfg.OnEvent)}
}

// Now is the world's own time.
func (w *World) Now() world.Time { return w.now }

// Run lets everything happen that is due up to and including the time until, and leaves the clock there.
func (w *World) Run(until world.Time) {
	w.loop(func() bool { return true }, until)
}

// RunWhile lets things happen until cond, which is asked before each event, is false: then it returns true at the time
// of the last event. If the time limit comes first, it returns false with the clock there.
func (w *World) RunWhile(cond func() bool, limit world.Time) bool {
	return w.loop(cond, limit)
}

func (w *World) loop(cond func() bool, limit world.Time) bool {
	if w.running || w.closed {
		panic("sim: Run inside Run or after Close")
	}
	w.running = true
	defer func() { w.running = false }()
	var ev event
	for cond() {
		if w.queue.len() == 0 || w.queue.next() > limit {
			w.now = max(w.now, limit)
			return false
		}
		at := w.queue.pop(&ev)
		if at > w.now {
			w.now, w.instant = at, 0
		}
		if w.instant++; w.instant > instantEventsMax {
			panic(fmt.Sprintf("sim: %d events at %s and no end: somebody waits without letting time pass\n%s",
				instantEventsMax, w.now, w.Evidence()))
		}
		w.dispatch(&ev)
	}
	return true
}

// After runs f in the event loop once d has passed. Callbacks are part of the trace.
func (w *World) After(d time.Duration, f func()) {
	w.mustNotStep("After")
	w.queue.push(w.later(d), &event{kind: KindCallback, fn: f})
}

// Close ends all procs, which sees their deferred calls run, and closes the disks. The world cannot be used again
// other than to read its trace. Closing twice is fine.
func (w *World) Close() error {
	if w.running {
		panic("sim: Close inside Run")
	}
	if w.closed {
		return nil
	}
	w.closed = true
	for _, p := range w.procs {
		if p != nil && p.stop != nil {
			p.stop()
		}
	}
	w.procs, w.queue = nil, queue{}
	var errs []error
	for _, n := range w.nodes {
		if n.disk != nil {
			if err := n.disk.Close(); err != nil {
				errs = append(errs, fmt.Errorf("closing the disk of node %d: %w", n.id, err))
			}
		}
		n.up, n.actors = false, nil
	}
	return errors.Join(errs...)
}

// later returns the time d from now, which is never in the past and never overflows.
func (w *World) later(d time.Duration) world.Time {
	if d <= 0 {
		return w.now
	}
	if d > never.Sub(w.now) {
		return never
	}
	return w.now.Add(d)
}

// mustNotStep panics if actor code is running: it knows effects only, and the world is not in order until it returned.
func (w *World) mustNotStep(what string) {
	if w.stepping != nil {
		panic(fmt.Sprintf("sim: %s called from inside Step or Boot of node %d", what, w.stepping.id))
	}
}

// seal hashes a payload when it becomes the world's, if anybody is to check that hash later.
func (w *World) seal(payload []byte) uint64 {
	if !w.cfg.CheckPayloads {
		return 0
	}
	return xxhash.Sum64(payload)
}

// dispatch lets one event happen.
func (w *World) dispatch(ev *event) {
	switch ev.kind {
	case KindMessage, KindRequest, KindReply, KindRefused, KindReset:
		w.arrive(ev)
	case KindTimer:
		w.timer(ev)
	case KindTurn:
		if !ev.to.up || ev.life != ev.to.life {
			return
		}
		if ev.to.paused {
			ev.to.actors[ev.actor].held = true
			return
		}
		if !w.stalled(ev) {
			w.turn(ev.to, ev.actor)
		}
	case KindSync:
		if ev.to.up && ev.life == ev.to.life && !ev.to.holdsSync() && !w.refusesSync(ev.to) {
			w.syncDone(ev.to)
		}
	case KindStart, KindWake:
		w.trace(ev.kind, ev, 0)
		w.resume(w.procs[ev.ref-1])
	case KindTimeout:
		w.alarm(ev)
	case KindCallback:
		w.tracer.add(TraceEvent{Time: w.now, Kind: KindCallback})
		ev.fn()
	default:
		panic(fmt.Sprintf("sim: a %s event in the queue", ev.kind))
	}
}
