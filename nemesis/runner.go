package nemesis

import (
	"cmp"
	"fmt"
	"math"
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
	// AppliedAt is when the fault struck: at its time, or later if the fault before it took long, or when its condition came
	// true.
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
	// own says that a proc of its own ends it.
	own bool
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
	// waiting are the faults whose condition has not come true, striking counts those of them that are being carried out.
	waiting  []waiting
	striking int
}

// Run carries out a schedule, starting now, and returns when its last fault is over: one record an entry, in the order
// in which their turns came. It does one thing at a time, so a fault may strike late; one that lasts is then healed late as
// well and lasts as long as it should. Only a fault that waits for a condition strikes when that comes true, whatever else
// is being done. An entry whose turn comes only after limit is skipped, so that commands to a
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
	for r.step(s, &order) {
	}
	return r.records
}

// step does what is due next, or lets time pass until then, and says whether anything is left to do.
func (r *runner) step(s Schedule, order *[]int) bool {
	at, do := world.Time(math.MaxInt64), func() {}
	if i := r.nextDue(); i >= 0 {
		record := r.open[i].record
		at, do = r.open[i].due, func() { r.heal(r.p, record) }
	}
	// What is late goes after the end of a fault that is due: else no fault would end while a cluster hardly answers.
	if o := *order; len(o) > 0 && max(r.start.Add(s[o[0]].At), r.p.Now()) < at {
		at, do = r.start.Add(s[o[0]].At), func() {
			*order = o[1:]
			r.apply(o[0], s[o[0]])
		}
	}
	for _, w := range r.waiting {
		if w.due < at {
			at, do = w.due, func() { r.giveUp(w) }
		}
	}
	switch wait := at.Sub(r.p.Now()); {
	case at == math.MaxInt64 && r.striking == 0:
		return false
	case at == math.MaxInt64:
		r.p.Sleep(settleEvery)
	case wait > 0:
		r.p.Sleep(wait)
	default:
		do()
	}
	return true
}

// nextDue returns which open fault is to be healed first, of those that have no proc of their own; -1 if there is none.
func (r *runner) nextDue() int {
	first := -1
	for i, l := range r.open {
		if !l.own && (first < 0 || l.due < r.open[first].due) {
			first = i
		}
	}
	return first
}

// apply strikes, or begins to wait.
func (r *runner) apply(index int, e Entry) {
	rec := Record{Entry: e, Index: index, AppliedAt: r.p.Now(), HealedAt: Open}
	r.records = append(r.records, rec)
	at := len(r.records) - 1
	if late := r.p.Now().Sub(r.start) - r.limit; late > 0 {
		r.skip(at, fmt.Sprintf("its turn came %v after the end", late))
		return
	}
	if w, ok := e.Fault.(When); ok {
		r.await(at, w)
		return
	}
	r.strike(r.p, r.t, at, e.Fault, Receipt{})
}

// strike carries out a fault, of which evidence may be known already, and reports whether it lasts.
func (r *runner) strike(p world.Proc, t Target, at int, f Fault, known Receipt) (lasts bool) {
	cut := r.t.MessagesCut()
	receipt, err := f.Apply(p, t)
	rec := &r.records[at]
	rec.Receipt, rec.Err = known.and(receipt), err
	// A fault that failed half-way is kept to its end like any other: what it did must be healed.
	if lasts = rec.Skipped == "" && rec.For > 0; lasts {
		r.open = append(r.open, lasting{record: at, due: p.Now().Add(rec.For), cut: cut, own: p != r.p})
	} else {
		rec.HealedAt = p.Now()
	}
	r.log(*rec)
	return lasts
}

// skip records that a fault does not strike.
func (r *runner) skip(at int, why string) {
	rec := &r.records[at]
	rec.Receipt, rec.HealedAt = Receipt{Skipped: why}, r.p.Now()
	r.log(*rec)
}

// heal ends an open fault, with all others of its kind that are open now. Nothing happens if it has been ended already.
func (r *runner) heal(p world.Proc, record int) {
	if !slices.ContainsFunc(r.open, func(l lasting) bool { return l.record == record }) {
		return
	}
	fault := r.records[record].Fault
	ending := slices.DeleteFunc(slices.Clone(r.open), func(l lasting) bool { return kindOf(r.records[l.record].Fault) != kindOf(fault) })
	healed, err := fault.Heal(p, r.t)
	cut, now := r.t.MessagesCut(), p.Now()
	for _, l := range ending {
		i := slices.Index(r.open, l)
		if i < 0 {
			continue // somebody else has ended it meanwhile
		}
		r.open = slices.Delete(r.open, i, i+1)
		rec := &r.records[l.record]
		rec.HealedAt = now
		effect := effectOf(fault)
		if effect == effectNetwork || effect == effectBoth {
			rec.Receipt = rec.Receipt.and(Receipt{Bit: cut > l.cut, Text: plural(cut-l.cut, "message") + " cut"})
		}
		switch {
		case effect == effectNetwork:
		case l.record == record:
			rec.Receipt = rec.Receipt.and(healed)
		default:
			rec.Receipt = rec.Receipt.and(endedEarly(rec.Fault, fault, healed))
		}
		if l.record == record {
			rec.Err = joinErrors(rec.Err, err)
		}
		r.log(*rec)
	}
}

// endedEarly is the receipt of a fault that the heal of another of its family ended.
func endedEarly(f, by Fault, healed Receipt) Receipt {
	early := Receipt{Text: fmt.Sprintf("ended by the heal of %v", by)}
	if c, ok := inner(f).(CrashAt); ok {
		return c.judge(Receipt{Hits: healed.Hits}).and(early)
	}
	return early
}

// Duration is the time from the start of a schedule to the end of its last fault, as planned.
func (s Schedule) Duration() time.Duration {
	var end time.Duration
	for _, e := range s {
		end = max(end, e.end())
	}
	return end
}
