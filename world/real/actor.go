package real

import (
	"container/heap"
	"time"

	"ordeal/world"
)

// actor runs one world.Actor on a goroutine of its own, turn by turn.
type actor struct {
	life  *life
	addr  world.Addr
	code  world.Actor
	box   *mailbox
	turn  []world.Event
	out   world.Effects
	clock *time.Timer
	// timers is touched by the actor's goroutine only.
	timers  timerHeap
	timerNo uint64
	// began is when the last turn began, which is the actor's time in it, and events is how much it had to do.
	began  world.Time
	events int
}

const (
	// busyTurnEvents is how many events make a turn one of a busy actor, and what Config.TurnGap is for.
	busyTurnEvents = 8
	// turnGapsMax is how many times that gap a turn with many more events has behind it.
	turnGapsMax = 4
	// eventsPerGap is how many events are worth one gap. An actor that gets fewer than that in one gap stays with
	// the shortest.
	eventsPerGap = 8
)

func newActor(l *life, addr world.Addr, code world.Actor) *actor {
	return &actor{life: l, addr: addr, code: code, box: newMailbox(l.w.cfg.InboxMax)}
}

// run steps the actor until its life ends. The first step comes without events.
func (a *actor) run() {
	a.clock = time.NewTimer(0)
	defer a.clock.Stop()
	a.began = a.life.w.now()
	a.step(nil)
	for a.gather() {
		a.step(a.turn)
	}
}

// gather fills a.turn with at least one event and reports false when the life has ended. Due timers come first; they
// do not count against the bound of a turn, since there are only as many as the actor set.
func (a *actor) gather() bool {
	for {
		select {
		case <-a.life.stop:
			return false
		default:
		}
		clear(a.turn)
		a.turn = a.turn[:0]
		now := a.life.w.now()
		for len(a.timers) > 0 && a.timers[0].due <= now {
			t := heap.Pop(&a.timers).(timer)
			a.turn = append(a.turn, world.Event{Kind: world.EventTimer, Token: t.token})
		}
		pause := a.pause(now)
		if len(a.turn) > 0 || pause <= 0 {
			a.turn = a.box.take(a.turn, a.life.w.cfg.TurnEventsMax)
		}
		if len(a.turn) > 0 {
			a.began, a.events = now, len(a.turn)
			return true
		}
		if !a.wait(now, pause) {
			return false
		}
	}
}

// pause is how long the next turn of a busy actor should wait for more events. A turn costs the same commit, barrier and
// packets however little there is to do, so under load fewer and larger ones do more, the more so the higher the load; an
// actor with little to do answers at once.
func (a *actor) pause(now world.Time) time.Duration {
	if a.events < busyTurnEvents {
		return 0
	}
	gaps := min(max(a.events/eventsPerGap, 1), turnGapsMax)
	return a.began.Add(time.Duration(gaps) * a.life.w.cfg.TurnGap).Sub(now)
}

// wait returns when there may be something to do, and reports false when the life has ended. What arrives ends no pause,
// since waking an actor for each event is what pauses are to avoid.
func (a *actor) wait(now world.Time, pause time.Duration) bool {
	arrived, until := a.box.notify, pause
	if pause > 0 {
		arrived = nil
	}
	if len(a.timers) > 0 {
		if due := a.timers[0].due.Sub(now); pause <= 0 || due < pause {
			until = due
		}
	}
	var due <-chan time.Time
	if until > 0 {
		a.clock.Reset(until)
		due = a.clock.C
	}
	select {
	case <-a.life.stop:
		return false
	case <-arrived:
	case <-due:
	}
	return true
}

// step takes one turn and does what the actor wants done. Effects of a turn that a crash overtook are dropped.
func (a *actor) step(in []world.Event) {
	now := a.began
	a.code.Step(now, in, &a.out)
	defer a.out.Reset()
	select {
	case <-a.life.stop:
		return
	default:
	}
	for _, s := range a.out.Sends {
		a.life.send(a.addr, s)
	}
	for _, r := range a.out.Replies {
		a.life.reply(a.addr, r)
	}
	for _, t := range a.out.Timers {
		a.timerNo++
		heap.Push(&a.timers, timer{due: now.Add(max(t.Delay, 0)), no: a.timerNo, token: t.Token})
	}
	for _, b := range a.out.Barriers {
		a.life.disk.put(barrier{actor: a, token: b.Token, then: b.Then})
	}
}

// timer is one EventTimer to come. no keeps timers that are due at the same time in the order they were set.
type timer struct {
	due   world.Time
	no    uint64
	token uint64
}

type timerHeap []timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	return h[i].due < h[j].due || (h[i].due == h[j].due && h[i].no < h[j].no)
}
func (h timerHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)   { *h = append(*h, x.(timer)) }
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	*h = old[:len(old)-1]
	return t
}
