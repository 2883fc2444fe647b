package nemesis

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"ordeal/world"
)

// Open is the HealedAt of a fault that still lasts.
const Open world.Time = -1

// Record is what became of an entry of a schedule.
type Record struct {
	Entry
	// Index is the entry's place in the schedule.
	Index int
	// AppliedAt is when the fault struck: at its time, or later if the fault before it took long.
	AppliedAt world.Time
	// HealedAt is when it was over, Open before.
	HealedAt world.Time
	Receipt
	// Err is what the cluster refused or did not answer, nil if all went well. In the midst of faults that is
	// nothing to worry about.
	Err error
}

// String prints the record for people.
func (r Record) String() string {
	text := fmt.Sprintf("%v %v", r.AppliedAt, r.Fault)
	if r.Skipped != "" {
		return text + ": skipped, " + r.Skipped
	}
	if r.Text != "" {
		text += ": " + r.Text
	}
	if r.Err != nil {
		text += fmt.Sprintf(" (%v)", r.Err)
	}
	return text
}

// lasting is a fault that waits for its end.
type lasting struct {
	record int
	due    world.Time
	cut    uint64 // Target.MessagesCut when it began
}

// runner carries out one schedule.
type runner struct {
	p       world.Proc
	t       Target
	start   world.Time
	limit   time.Duration
	log     func(Record)
	records []Record
	open    []lasting
}

// Run carries out a schedule, starting now, and returns when its last fault is over: one record an entry, in the order
// in which they struck. It does one thing at a time, so a fault may strike late; one that lasts is then healed late as
// well and lasts as long as it should. An entry whose turn comes only after limit is skipped, so that commands to a
// cluster that hardly answers do not drag a run out. A heal ends every open fault of its kind, whichever was due.
//
// log, if not nil, is told of every record when the fault has struck and, if it lasts, again when it is over.
func Run(p world.Proc, t Target, s Schedule, limit time.Duration, log func(Record)) []Record {
	r := &runner{p: p, t: t, start: p.Now(), limit: limit, log: log}
	if r.log == nil {
		r.log = func(Record) {}
	}
	order := make([]int, len(s))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s[a].At, s[b].At) })
	for len(order) > 0 || len(r.open) > 0 {
		due := r.nextDue()
		if len(order) > 0 && (due < 0 || r.start.Add(s[order[0]].At) < r.open[due].due) {
			r.apply(order[0], s[order[0]])
			order = order[1:]
		} else {
			r.heal(due)
		}
	}
	return r.records
}

// nextDue returns which open fault is to be healed first, -1 if none is open.
func (r *runner) nextDue() int {
	first := -1
	for i, l := range r.open {
		if first < 0 || l.due < r.open[first].due {
			first = i
		}
	}
	return first
}

func (r *runner) sleepUntil(at world.Time) {
	if wait := at.Sub(r.p.Now()); wait > 0 {
		r.p.Sleep(wait)
	}
}

// apply strikes at the entry's time.
func (r *runner) apply(index int, e Entry) {
	r.sleepUntil(r.start.Add(e.At))
	rec := Record{Entry: e, Index: index, AppliedAt: r.p.Now(), HealedAt: Open}
	cut := r.t.MessagesCut()
	if late := r.p.Now().Sub(r.start) - r.limit; late > 0 {
		rec.Receipt = Receipt{Skipped: fmt.Sprintf("its turn came %v after the end", late)}
	} else {
		rec.Receipt, rec.Err = e.Fault.Apply(r.p, r.t)
	}
	// A fault that failed half-way is kept to its end like any other: what it did must be healed.
	if rec.Skipped == "" && e.For > 0 {
		r.open = append(r.open, lasting{record: len(r.records), due: r.p.Now().Add(e.For), cut: cut})
	} else {
		rec.HealedAt = r.p.Now()
	}
	r.records = append(r.records, rec)
	r.log(rec)
}

// heal waits for the end of an open fault and ends it, with all others of its kind.
func (r *runner) heal(due int) {
	ended := r.open[due]
	r.sleepUntil(ended.due)
	fault := r.records[ended.record].Fault
	healed, err := fault.Heal(r.p, r.t)
	cut, now := r.t.MessagesCut(), r.p.Now()
	var kept []lasting
	for _, l := range r.open {
		rec := &r.records[l.record]
		if rec.Fault.Name() != fault.Name() {
			kept = append(kept, l)
			continue
		}
		rec.HealedAt = now
		effect := effectOf(fault)
		if effect == effectNetwork || effect == effectBoth {
			rec.Receipt = rec.Receipt.and(Receipt{Bit: cut > l.cut, Text: plural(cut-l.cut, "message") + " cut"})
		}
		switch {
		case effect == effectNetwork:
		case l == ended:
			rec.Receipt = rec.Receipt.and(healed)
		default:
			rec.Receipt = rec.Receipt.and(endedEarly(rec.Fault, fault, healed))
		}
		if l == ended {
			rec.Err = joinErrors(rec.Err, err)
		}
		r.log(*rec)
	}
	r.open = kept
}

// endedEarly is the receipt of a fault that the heal of another of its family ended.
func endedEarly(f, by Fault, healed Receipt) Receipt {
	early := Receipt{Text: fmt.Sprintf("ended by the heal of %v", by)}
	if c, ok := f.(CrashAt); ok {
		return c.judge(Receipt{Hits: healed.Hits}).and(early)
	}
	return early
}

// Duration is the time from the start of a schedule to the end of its last fault, as planned.
func (s Schedule) Duration() time.Duration {
	var end time.Duration
	for _, e := range s {
		end = max(end, e.At+e.For)
	}
	return end
}
