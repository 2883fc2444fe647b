package nemesis

import (
	"fmt"
	"time"

	"ordeal/world"
)

// waiting is a fault whose condition has not come true.
type waiting struct {
	record int
	// due is when it is given up, began when the wait began.
	due, began world.Time
	forget     func()
}

// await has a fault strike when its condition comes true, in a proc of its own.
func (r *runner) await(at int, f When) {
	if why := f.Cond.Unknown(r.t); why != "" {
		r.skip(at, why)
		return
	}
	id := uint64(0)
	if f.Cond.One {
		g, ok := regionAt(r.t, f.Cond.Region)
		if !ok {
			r.skip(at, "no region is known")
			return
		}
		id = g.ID
	}
	w := waiting{record: at, began: r.p.Now(), due: min(r.p.Now().Add(f.Within), r.start.Add(r.limit))}
	forget, err := r.t.Await(f.Cond, id, func(p world.Proc, seen Seen) { r.cameTrue(p, at, f, seen) })
	if err != nil {
		r.skip(at, err.Error())
		return
	}
	w.forget = forget
	r.waiting = append(r.waiting, w)
}

// stopWaiting takes a fault off the list of those that wait, and returns false if it is not there any more.
func (r *runner) stopWaiting(at int) (w waiting, ok bool) {
	for i, w := range r.waiting {
		if w.record == at {
			r.waiting = append(r.waiting[:i:i], r.waiting[i+1:]...)
			return w, true
		}
	}
	return waiting{}, false
}

// giveUp ends a wait in vain.
func (r *runner) giveUp(w waiting) {
	r.stopWaiting(w.record)
	w.forget()
	f := r.records[w.record].Fault.(When)
	r.skip(w.record, fmt.Sprintf("waited %s for %v, which did not come", seconds(r.p.Now().Sub(w.began)), f.Cond))
}

// cameTrue carries out a fault from beginning to end, in its own proc p.
func (r *runner) cameTrue(p world.Proc, at int, f When, seen Seen) {
	w, ok := r.stopWaiting(at)
	if !ok {
		return // it was given up at this very moment
	}
	r.striking++
	defer func() { r.striking-- }()
	r.records[at].AppliedAt = p.Now()
	took := p.Now().Sub(w.began).Truncate(time.Millisecond)
	known := Receipt{Text: fmt.Sprintf("%v of %v after %s", f.Cond, seen, seconds(took))}
	if r.strike(p, seenTarget{r.t, seen}, at, f.Fault, known) {
		p.Sleep(r.records[at].For)
		r.heal(p, at)
	}
}
