package nemesis

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"ordeal/world"
)

// What a schedule is drawn from. Rates and durations are drawn log-uniformly: long and short ones are equally likely to
// come, whatever the unit.
const (
	holdMin = 50 * time.Millisecond // how long a fault lasts
	holdMax = 3 * time.Second
	gapMin  = 100 * time.Millisecond // the mean time between two faults, one for a whole run
	gapMax  = 1500 * time.Millisecond
	// lightGap is by how much longer it is in a light schedule.
	lightGap = 4
	// entriesUsual is how many faults a schedule has on average at most: in a run of hours they come more rarely, so that they come
	// until its end.
	entriesUsual = drawnMax * 3 / 4
	// entriesAtOnce is how many are drawn together at most: a fault that waits, and what brings its state about; and one more where
	// all others may find nothing to do.
	entriesAtOnce = 3
	skew          = 2 // a seed makes a family up to 2^skew times more or less frequent than its weight says

	overlapOdds = 4 // one in so many faults may begin while another of its family lasts

	// The end of the chaos phase is quiet, so that the cluster meets recovery under load as well.
	quietShare = 5 // one part in so many
	quietMax   = 2 * time.Second

	ordinalEnd     = 64 // ordinals are drawn below it; their victims count round, so any number will do
	clientsDefault = 8
)

// Options describe the cluster a schedule is drawn for.
type Options struct {
	// Clients is how many there are, for partitions that divide them; 0 stands for a usual number.
	Clients int
	// CrashPoints are the crash points that are compiled in.
	CrashPoints []string
	// Busy are ordinals of regions in which clients will work, for clusters with so many that other ordinals hardly meet
	// them; Regions is how many there are. Half of the regions are drawn from Busy, half from all. Without Busy they are
	// drawn like all ordinals.
	Busy    []uint64
	Regions uint64
	// Light lets faults come lightGap times as rarely, for what needs time to come about.
	Light bool
	// Full says that every store holds every region, so that no replica can be added.
	Full bool
	// PDs is how many members the placement driver has; 0 is one.
	PDs int
	// ErrorPoints are the failpoints at which operations fail.
	ErrorPoints []string
	// States are those that are worth waiting for.
	States []Awaited
}

// Awaited is a state that is worth waiting for.
type Awaited struct {
	// State is its name, By the family of faults that may bring it about, "" if it comes by itself.
	State, By string
}

// drawer holds what a draw needs to know.
type drawer struct {
	rng     *rand.Rand
	stores  int
	opts    Options
	end     time.Duration // every fault is over by then
	lasting []Entry       // those drawn so far that last
}

// Plan is a schedule with what it was drawn from.
type Plan struct {
	Schedule Schedule
	// Gap is the mean time between two faults.
	Gap time.Duration
	// Shares are the families that take part, each with the share of the faults that it is meant to have.
	Shares []Share
}

// Share is a family with its share of the faults, from 0 to 1.
type Share struct {
	Family string
	Of     float64
}

// Draw draws a schedule for a chaos phase of the given length on a cluster of so many stores. The seed chooses which of
// the families take part, how often each comes and how long faults last. Every fault is over before the end. Families
// that are unavailable are left out; ask Family.Unavailable for the reason. The same rng state gives the same schedule.
func Draw(rng *rand.Rand, families []Family, duration time.Duration, stores int, opts Options) Schedule {
	return DrawPlan(rng, families, duration, stores, opts).Schedule
}

// DrawPlan is Draw, and says what the schedule was drawn from.
func DrawPlan(rng *rand.Rand, families []Family, duration time.Duration, stores int, opts Options) (plan Plan) {
	opts.CrashPoints = slices.Sorted(slices.Values(opts.CrashPoints))
	if opts.Clients == 0 {
		opts.Clients = clientsDefault
	}
	families = slices.DeleteFunc(slices.Clone(families), func(f Family) bool { return f.Unavailable(stores, opts) != "" })
	d := &drawer{rng: rng, stores: stores, opts: opts, end: duration - min(duration/quietShare, quietMax)}
	if len(families) == 0 || d.end < time.Millisecond {
		return plan
	}
	all := families
	families = d.swarm(families)
	rates := make([]float64, len(families))
	sum := 0.0
	for i, f := range families {
		rates[i] = float64(f.Weight) * math.Exp2((2*rng.Float64()-1)*skew)
		sum += rates[i]
	}
	for i, f := range families {
		plan.Shares = append(plan.Shares, Share{f.Name, rates[i] / sum})
	}
	plan.Gap = d.logUniform(gapMin, gapMax)
	if opts.Light {
		plan.Gap *= lightGap
	}
	plan.Gap = max(plan.Gap, d.end/entriesUsual)
	plan.Schedule = d.schedule(families, all, rates, plan.Gap)
	return plan
}

// schedule draws the faults of those families that take part, at their rates; all are those that could.
func (d *drawer) schedule(families, all []Family, rates []float64, gap time.Duration) (s Schedule) {
	for at := d.gap(gap); at < d.end && len(s)+entriesAtOnce <= drawnMax; at += d.gap(gap) {
		if e, ok := d.entry(families[d.weighted(rates)], at); ok {
			s = append(append(s, e), d.provoked(e)...)
		}
	}
	for i := 0; len(s) == 0 && i < len(families); i++ {
		// A run too short for its rate still gets one fault.
		if e, ok := d.entry(families[i], 0); ok {
			s = append(append(s, e), d.provoked(e)...)
		}
	}
	if len(s) < fewFaults && !slices.ContainsFunc(s, func(e Entry) bool { return surelyBites(e.Fault) }) {
		// So few may all come at a time when they find nothing to do, or nobody comes by their failpoints: a run that tried nothing
		// says nothing.
		for _, f := range all {
			if e, ok := d.entry(f, d.end/2); ok && surelyBites(e.Fault) {
				return append(s, e)
			}
		}
	}
	if d.opts.Full && !slices.ContainsFunc(s, func(e Entry) bool { return !needsRoom(e.Fault) }) {
		// None of these faults may find anything to do: one that will is added.
		for _, f := range all {
			if e, ok := d.entry(f, d.end/2); ok && !needsRoom(e.Fault) {
				return append(s, e)
			}
		}
	}
	return s
}

// fewFaults is below how many faults a schedule must have one that surely does something.
const fewFaults = 4

// surelyBites says whether a fault does something whatever the cluster is at.
func surelyBites(f Fault) bool {
	switch f.(type) {
	case Kill, Restart, Pause:
		return true
	default:
		return false
	}
}

// needsRoom says whether a fault may find nothing to do where every store holds every region: it adds a replica, waits for
// somebody to come by a point that may be one of those who do, or needs a replica that is not in the turmoil of the others.
func needsRoom(f Fault) bool {
	switch f := f.(type) {
	case Joint, Learner, Replace, CrashAt, Lag, BitRot, RotLog, Wipe, When:
		return true
	case ConfChange:
		return f.Kind != RemoveReplica
	default:
		return false
	}
}

// swarm chooses the families that take part: all of them in every third run, else each with an even chance. Bugs that
// need two faults to meet hide from runs in which ten others get in between.
func (d *drawer) swarm(families []Family) []Family {
	if d.rng.IntN(3) == 0 {
		return families
	}
	sure := d.rng.IntN(len(families))
	var in []Family
	for i, f := range families {
		if flip := d.rng.IntN(2) == 0; flip || i == sure {
			in = append(in, f)
		}
	}
	return in
}

// entry draws a fault of a family. ok is false if there is no room for it at that time.
func (d *drawer) entry(f Family, at time.Duration) (e Entry, ok bool) {
	e = Entry{At: at, Fault: f.draw(d)}
	room, ok := d.leaveTime(&e)
	if !ok {
		return e, false
	}
	if effectOf(e.Fault) == effectInstant {
		return e, true
	}
	if room < time.Millisecond {
		return e, false
	}
	e.For = d.logUniform(min(holdMin, room), min(holdMax, room))
	if !d.fits(e) {
		return e, false
	}
	d.lasting = append(d.lasting, e)
	return e, true
}

// fits decides whether a fault may overlap those drawn before it.
func (d *drawer) fits(e Entry) bool {
	family, powerTaken, armed := 0, 0, 0
	for _, o := range d.lasting {
		if o.At > e.end() || e.At > o.end() {
			continue
		}
		if kindOf(o.Fault) == kindOf(e.Fault) {
			family++
		}
		if takesOnePower(o.Fault) {
			powerTaken++
		}
		if arms(o.Fault) {
			armed++
		}
	}
	// A majority stays up, except in a power loss of all. A heal starts every store, so a store may be up earlier than
	// its window says, never later.
	if takesOnePower(e.Fault) && powerTaken >= d.downMax() {
		return false
	}
	// The heal of one crash point disarms all.
	if arms(e.Fault) && armed > 0 {
		return false
	}
	if family == 0 {
		return true
	}
	// As any heal ends all faults of its family, overlaps within a
	// family are kept rare, or few faults would last as long as they should.
	return d.rng.IntN(overlapOdds) == 0
}

// arms tells whether a fault arms a crash point, now or when it ends.
func arms(f Fault) bool {
	kind := kindOf(f)
	return kind == (CrashAt{}).Name() || kind == (Lag{}).Name()
}

// takesOnePower tells whether a fault takes down one store, now or at a crash point.
func takesOnePower(f Fault) bool {
	f = inner(f)
	k, kill := f.(Kill)
	j, joint := f.(Joint)
	d, disk := f.(Disk)
	switch f.(type) {
	case Wipe, RotLog:
		return true
	}
	return kill && k.Whom.Kind != WhomAll || arms(f) || joint && j.Kill || disk && (d.Fails || d.Full || d.Unreadable)
}

// downMax is how many stores may be down at once.
func (d *drawer) downMax() int { return (d.stores - 1) / 2 }

// gap draws the time to the next fault, to the millisecond and never 0.
func (d *drawer) gap(mean time.Duration) time.Duration {
	return max(time.Millisecond, time.Duration(d.rng.ExpFloat64()*float64(mean)).Truncate(time.Millisecond))
}

// logUniform draws a duration, to the millisecond.
func (d *drawer) logUniform(lo, hi time.Duration) time.Duration {
	x := float64(lo) * math.Pow(float64(hi)/float64(lo), d.rng.Float64())
	return max(time.Millisecond, time.Duration(x).Truncate(time.Millisecond))
}

// weighted draws an index with the given relative chances.
func (d *drawer) weighted(rates []float64) int {
	sum := 0.0
	for _, r := range rates {
		sum += r
	}
	x := d.rng.Float64() * sum
	for i, r := range rates {
		if x -= r; x < 0 {
			return i
		}
	}
	return len(rates) - 1
}

func (d *drawer) ordinal() uint64 { return d.rng.Uint64N(ordinalEnd) }

// region draws the ordinal of a region.
func (d *drawer) region() uint64 {
	switch {
	case len(d.opts.Busy) == 0:
		return d.ordinal()
	case d.rng.IntN(2) == 0:
		return d.opts.Busy[d.rng.IntN(len(d.opts.Busy))]
	default:
		return d.rng.Uint64N(d.opts.Regions)
	}
}

func (d *drawer) store() Whom { return Store(world.NodeID(1 + d.rng.IntN(d.stores))) }

// mask draws some of n nodes: at least one, and not all if there are more than one.
func (d *drawer) mask(n int) uint64 {
	all := ^uint64(0) >> (64 - min(max(n, 1), 64))
	for all > 1 {
		// Two of n draws are refused, so this ends soon.
		if m := d.rng.Uint64() & all; m != 0 && m != all {
			return m
		}
	}
	return all
}
