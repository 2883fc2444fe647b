package schedule

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ordeal/pd/core"
	"ordeal/world"
)

// Scheduler makes a cluster more even by one operator at a time; nil if there is nothing to do.
type Scheduler struct {
	// Name is its kind, followed for one that is about a store by the store, such as evict-leader-3.
	Name     string
	Schedule func(in Input) *Operator
}

// Checker looks at one region and returns what it needs; nil if nothing.
type Checker struct {
	Name  string
	Check func(in Input, r *core.RegionInfo) *Operator
}

// Checkers returns all checkers there are, the most urgent first.
func Checkers() []Checker {
	return []Checker{
		{Name: string(KindJointState), Check: CheckJoint},
		{Name: string(KindReplica), Check: CheckReplicas},
		{Name: string(KindIsolation), Check: CheckIsolation},
		{Name: string(KindSplit), Check: CheckSplit},
		{Name: string(KindMerge), Check: CheckMerge},
	}
}

// Schedulers returns those that make stores even, in the order they should run.
func Schedulers() []Scheduler {
	return []Scheduler{
		{Name: string(KindBalanceRegion), Schedule: BalanceRegion},
		{Name: string(KindBalanceLeader), Schedule: BalanceLeader},
		{Name: string(KindHotRegion), Schedule: BalanceHot},
		{Name: string(KindScatter), Schedule: ScatterAny},
	}
}

// ErrScheduler says that there is no scheduler or checker of that name, or that it cannot do what is asked of it.
var ErrScheduler = errors.New("scheduler")

// Plan is which checkers and schedulers run. It is changed while they do; what is to be kept of it is for others to keep.
type Plan struct {
	checkers   []Checker
	schedulers []Scheduler
	// paused are the names of those that do not run before a certain time.
	paused map[string]world.Time
}

// NewPlan lets those of the given names run.
func NewPlan(names ...string) (*Plan, error) {
	p := &Plan{paused: make(map[string]world.Time)}
	for _, name := range names {
		if err := p.Add(name); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// order is where the checker or scheduler of that name comes among all that there are; found is false if there is none.
func order(name string) (place int, found bool) {
	for i, c := range Checkers() {
		if c.Name == name {
			return i, true
		}
	}
	if kind, _, ok := ofStore(name); ok {
		return slices.Index([]Kind{KindEvictLeader, KindGrantLeader}, kind), true
	}
	for i, s := range Schedulers() {
		if s.Name == name {
			return 2 + i, true
		}
	}
	return 0, false
}

// ofStore reads the name of a scheduler that is about one store.
func ofStore(name string) (kind Kind, store uint64, ok bool) {
	for _, kind := range []Kind{KindEvictLeader, KindGrantLeader} {
		if rest, has := strings.CutPrefix(name, string(kind)+"-"); has {
			store, err := strconv.ParseUint(rest, 10, 64)
			return kind, store, err == nil && store > 0
		}
	}
	return "", 0, false
}

// Add lets a checker or scheduler run that does not yet: one of Checkers or Schedulers, or evict-leader-N or grant-leader-N
// for store N. It returns ErrScheduler.
func (p *Plan) Add(name string) error {
	if p.Has(name) {
		return fmt.Errorf("%w: %s is there already", ErrScheduler, name)
	}
	_, known := order(name)
	if !known {
		return fmt.Errorf("%w: there is no %q, only %s", ErrScheduler, name, strings.Join(knownNames(), ", "))
	}
	for _, c := range Checkers() {
		if c.Name == name {
			p.checkers = append(p.checkers, c)
		}
	}
	for _, s := range Schedulers() {
		if s.Name == name {
			p.schedulers = append(p.schedulers, s)
		}
	}
	switch kind, store, _ := ofStore(name); kind {
	case KindEvictLeader:
		p.schedulers = append(p.schedulers, Scheduler{Name: name, Schedule: func(in Input) *Operator { return EvictLeader(in, store) }})
	case KindGrantLeader:
		p.schedulers = append(p.schedulers, Scheduler{Name: name, Schedule: func(in Input) *Operator { return GrantLeader(in, store) }})
	}
	place := func(name string) int { n, _ := order(name); return n }
	slices.SortStableFunc(p.checkers, func(a, b Checker) int { return place(a.Name) - place(b.Name) })
	slices.SortStableFunc(p.schedulers, func(a, b Scheduler) int { return place(a.Name) - place(b.Name) })
	return nil
}

func knownNames() []string {
	var names []string
	for _, c := range Checkers() {
		names = append(names, c.Name)
	}
	for _, s := range Schedulers() {
		names = append(names, s.Name)
	}
	return append(names, string(KindEvictLeader)+"-STORE", string(KindGrantLeader)+"-STORE")
}

// Has reports whether one of that name is there, paused or not.
func (p *Plan) Has(name string) bool { return slices.Contains(p.Names(), name) }

// Names returns the names of those that are there, checkers first.
func (p *Plan) Names() []string {
	var names []string
	for _, c := range p.checkers {
		names = append(names, c.Name)
	}
	for _, s := range p.schedulers {
		names = append(names, s.Name)
	}
	return names
}

// Remove ends one for good. Operators that it has begun go on. It returns ErrScheduler.
func (p *Plan) Remove(name string) error {
	if !p.Has(name) {
		return fmt.Errorf("%w: %s is not there", ErrScheduler, name)
	}
	p.checkers = slices.DeleteFunc(p.checkers, func(c Checker) bool { return c.Name == name })
	p.schedulers = slices.DeleteFunc(p.schedulers, func(s Scheduler) bool { return s.Name == name })
	delete(p.paused, name)
	return nil
}

// Pause keeps one from running before until; a time that has passed lets it run on. It returns ErrScheduler.
func (p *Plan) Pause(name string, until world.Time) error {
	if !p.Has(name) {
		return fmt.Errorf("%w: %s is not there", ErrScheduler, name)
	}
	p.paused[name] = until
	return nil
}

func (p *Plan) runs(name string, now world.Time) bool { return now >= p.paused[name] }

// Check returns what the first checker wants that wants anything of r.
func (p *Plan) Check(in Input, r *core.RegionInfo) *Operator {
	for _, c := range p.checkers {
		if p.runs(c.Name, in.Snapshot.Now()) {
			if op := c.Check(in, r); op != nil {
				return op
			}
		}
	}
	return nil
}

// Running returns the schedulers that are not paused.
func (p *Plan) Running(now world.Time) []Scheduler {
	var out []Scheduler
	for _, s := range p.schedulers {
		if p.runs(s.Name, now) {
			out = append(out, s)
		}
	}
	return out
}

// NoLeaders returns the stores that are being relieved of leaders, paused or not.
func (p *Plan) NoLeaders() []uint64 {
	var out []uint64
	for _, s := range p.schedulers {
		if kind, store, ok := ofStore(s.Name); ok && kind == KindEvictLeader {
			out = append(out, store)
		}
	}
	return out
}
