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
}

func newActor(l *life, addr world.Addr, code world.Actor) *actor {
	return &actor{life: l, addr: addr, code: code, box: newMailbox(l.w.cfg.InboxMax)}
}

// run steps the actor until its life ends. The first step comes without events.
func (a *actor) run() {
	a.clock = time.NewTimer(0)
	defer a.clock.Stop()
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
		a.turn = a.box.take(a.turn, a.life.w.cfg.TurnEventsMax)
		if len(a.turn) > 0 {
			return true
		}
		var due <-chan time.Time
		if len(a.timers) > 0 {
			a.clock.Reset(a.timers[0].due.Sub(now))
			due = a.clock.C
		}
		select {
		case <-a.life.stop:
			return false
		case <-a.box.notify:
		case <-due:
		}
	}
}

// step takes one turn and does what the actor wants done. Effects of a turn that a crash overtook are dropped.
func (a *actor) step(in []world.Event) {
	now := a.life.w.now()
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
