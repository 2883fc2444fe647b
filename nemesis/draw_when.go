package nemesis

import (
	"slices"
	"time"
)

// How long a fault waits for its condition.
const (
	withinMin = 500 * time.Millisecond
	withinMax = 5 * time.Second
)

// Stalls are drawn between stallMin and stallMax: from what a busy machine does all the time to beyond what many
// election timeouts allow.
const (
	stallMin = 5 * time.Millisecond
	stallMax = 500 * time.Millisecond
)

// drawAct draws what a failpoint does. Power loss comes more often than the others: it finds most.
func (d *drawer) drawAct(f *CrashAt) {
	switch d.weighted([]float64{4, 1, 1}) {
	case 1:
		f.Act = Act{Kind: ActDelay, By: d.logUniform(stallMin, stallMax)}
	case 2:
		if n := len(d.opts.ErrorPoints); n > 0 {
			f.Point, f.Act = d.opts.ErrorPoints[d.rng.IntN(n)], Act{Kind: ActError}
		}
	}
}

func drawCrashAt(d *drawer) Fault {
	f := CrashAt{Point: d.opts.CrashPoints[d.rng.IntN(len(d.opts.CrashPoints))], Whom: d.store()}
	d.drawAct(&f)
	switch d.rng.IntN(4) {
	case 0:
		f.Whom = Leader(d.region())
	case 1, 2:
		// Many points are rare: somebody comes by sooner than one that was chosen.
		f.Whom = Whom{Kind: WhomAll}
	}
	return f
}

// drawWhen waits for any region that comes to a state: one that was chosen hardly ever would in time.
func drawWhen(d *drawer) Fault {
	f := When{Fault: d.strike()}
	points := len(d.opts.CrashPoints)
	if points > 0 && d.rng.IntN(4) == 0 && !arms(f.Fault) {
		f.Cond = Condition{State: d.opts.CrashPoints[d.rng.IntN(points)], At: true}
	} else {
		f.Cond = Condition{State: d.opts.States[d.rng.IntN(len(d.opts.States))].State}
	}
	return f
}

// leaveTime gives a fault that waits the time for it, and returns what is left of the phase then. ok is false if that is too
// little.
func (d *drawer) leaveTime(e *Entry) (room time.Duration, ok bool) {
	room = d.end - e.At
	w, waits := e.Fault.(When)
	if !waits {
		return room, true
	}
	if room < 2*time.Millisecond {
		return room, false
	}
	w.Within = d.logUniform(min(withinMin, room/2), min(withinMax, room/2))
	e.Fault = w
	return room - w.Within, true
}

// provoked draws what brings about the state that a fault waits for, right after the wait has begun: few states come in
// time by chance, least of all where few other faults do.
func (d *drawer) provoked(e Entry) []Entry {
	w, ok := e.Fault.(When)
	if !ok || w.Cond.At {
		return nil
	}
	i := slices.IndexFunc(d.opts.States, func(a Awaited) bool { return a.State == w.Cond.State })
	for _, f := range Families() {
		if f.Name != d.opts.States[i].By || f.Unavailable(d.stores, d.opts) != "" {
			continue
		}
		if by, ok := d.entry(f, e.At+time.Millisecond); ok {
			return []Entry{by}
		}
	}
	return nil
}

// strike draws what happens when a condition has come true: mostly to somebody who has to do with it.
func (d *drawer) strike() Fault {
	switch d.weighted([]float64{5, 3, 2, 2, 1, 1, 1}) {
	case 0:
		if d.downMax() == 0 || d.rng.IntN(8) == 0 {
			return Kill{Whom{Kind: WhomAll}}
		}
		return Kill{d.somebody()}
	case 1:
		f := Partition{First: d.somebody(), Second: Whom{Kind: WhomRest}, Clients: SideBoth}
		f.OneWay = d.rng.IntN(4) == 0
		f.PD = []Side{SideOut, SideIn, SideBoth}[d.rng.IntN(3)]
		return f
	case 2:
		if len(d.opts.CrashPoints) == 0 {
			return Kill{d.somebody()}
		}
		f := CrashAt{Point: d.opts.CrashPoints[d.rng.IntN(len(d.opts.CrashPoints))], Whom: d.somebody()}
		d.drawAct(&f)
		return f
	case 3:
		return TransferLeader{Region: 0, To: d.ordinal()}
	case 4:
		return ConfChange{Kind: RemoveReplica, Region: 0, From: d.ordinal()}
	case 5:
		return Split{Region: 0}
	default:
		return Merge{Region: 0, Right: d.rng.IntN(2) == 0}
	}
}

// somebody draws a store that has to do with what was seen.
func (d *drawer) somebody() Whom {
	kinds := []WhomKind{WhomThere, WhomItsLeader, WhomOtherLeader}
	return Whom{Kind: kinds[d.weighted([]float64{3, 3, 1})]}
}
