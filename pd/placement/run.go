package placement

import (
	"context"
	"errors"
	"fmt"
)

// Options say what is placed.
type Options struct {
	Seed uint64
	// Stores is how many there are, at least StoresMin plus Empty; Empty of them have no region when it begins.
	Stores, Empty int
	// Regions is how many there are, of Replicas peers each.
	Regions int
	// TicksMax is when to give up; 0 is DefaultTicksMax.
	TicksMax int
}

// DefaultTicksMax is the virtual time after which a cluster that does not come to rest never will.
const DefaultTicksMax = 20_000

// ErrRestless is returned with what was found when regions still move after TicksMax.
var ErrRestless = errors.New("regions still move")

const (
	// restTicks is how long nothing must happen before it is over.
	restTicks = 20
	// evenPercent is how far from the mean a store may be that counts as even.
	evenPercent = 5
)

// Sample is how things stood after a tick. Worst is the largest distance of a store from the mean, in percent of it.
type Sample struct {
	Tick                       int
	WorstWeight, WorstLeaders  float64
	Moves, Transfers, Underway int
}

// Result is what came of it.
type Result struct {
	Options Options
	// EvenAfter is the tick from which on all stores were within 5 percent of the mean, in weight and in leaders, for good;
	// Ticks is when it was over.
	EvenAfter, Ticks int
	// Necessary is about how many peers had to move, Moves how many did, Swings how many of these came back to a store
	// that their region had left.
	Necessary     float64
	Moves, Swings int
	Transfers     int
	// WorstWeight and WorstLeaders are those of the end.
	WorstWeight, WorstLeaders float64
	// Samples are the ticks, thinned out evenly to at most SamplesMax.
	Samples []Sample
	// Before and After are the weights of the stores, by id.
	Before, After []float64
}

// SamplesMax is the most samples that a result has.
const SamplesMax = 400

// RedundantPercent is how many moves there were beyond the necessary ones, in percent of these.
func (r *Result) RedundantPercent() float64 {
	if r.Necessary == 0 {
		return 0
	}
	return (float64(r.Moves)/r.Necessary - 1) * 100
}

// Even says whether the stores became even and no region came back to where it had been.
func (r *Result) Even() bool {
	return r.Swings == 0 && r.WorstWeight <= evenPercent && r.WorstLeaders <= evenPercent
}

// Verdict is the first thing that is wrong, or that nothing is.
func (r *Result) Verdict() string {
	switch {
	case r.Swings > 0:
		return fmt.Sprintf("%d times a region came back to a store that it had left", r.Swings)
	case !r.Even():
		return "The stores did not become even"
	default:
		return "The stores became even"
	}
}

func (o *Options) check() error {
	switch {
	case o.Empty < 0:
		return fmt.Errorf("%d empty stores: want 0 or more", o.Empty)
	case o.Stores-o.Empty < StoresMin:
		return fmt.Errorf("%d stores of which %d are empty: want at least %d that are not", o.Stores, o.Empty, StoresMin)
	case o.Regions < 1:
		return fmt.Errorf("%d regions: want at least 1", o.Regions)
	case o.TicksMax < 0:
		return fmt.Errorf("at most %d ticks: want more than 0", o.TicksMax)
	}
	if o.TicksMax == 0 {
		o.TicksMax = DefaultTicksMax
	}
	return nil
}

// Run lets the schedulers work until nothing has been started for a while, ctx ends, or TicksMax have passed. progress, if
// not nil, is told of every tick.
func Run(ctx context.Context, o Options, progress func(Sample)) (*Result, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	m, err := newModel(o)
	if err != nil {
		return nil, err
	}
	r := &Result{Options: o, Necessary: m.necessary(), Before: m.weights()}
	all := []Sample{m.sample()}
	for quiet := 0; quiet < restTicks && err == nil; {
		var started int
		if started, err = m.tick(); err != nil {
			return nil, err
		}
		if quiet++; started > 0 || len(m.ctl.Operators()) > 0 {
			quiet = 0
		}
		now := m.sample()
		if all = append(all, now); now.WorstWeight > evenPercent || now.WorstLeaders > evenPercent {
			r.EvenAfter = m.ticks + 1
		}
		if progress != nil {
			progress(now)
		}
		if err = ctx.Err(); err == nil && m.ticks >= o.TicksMax {
			err = fmt.Errorf("%w after %d ticks", ErrRestless, m.ticks)
		}
	}
	r.Ticks, r.Moves, r.Swings, r.Transfers = m.ticks, m.moves, m.swings, m.transfers
	r.WorstWeight, r.WorstLeaders = m.worst()
	r.Samples, r.After = thin(all), m.weights()
	return r, err
}

func (m *model) sample() Sample {
	s := Sample{Tick: m.ticks, Moves: m.moves, Transfers: m.transfers, Underway: len(m.ctl.Operators())}
	s.WorstWeight, s.WorstLeaders = m.worst()
	return s
}

func (m *model) weights() []float64 {
	var ws []float64
	for _, st := range m.cluster.Stores(m.now) {
		ws = append(ws, float64(st.Counts.Weight))
	}
	return ws
}

// thin keeps the first, the last, and what lies evenly between them.
func thin(all []Sample) []Sample {
	if len(all) <= SamplesMax {
		return all
	}
	kept := make([]Sample, SamplesMax)
	for i := range kept {
		kept[i] = all[i*(len(all)-1)/(SamplesMax-1)]
	}
	return kept
}
