package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"sync"
	"time"
)

// side is a cluster of one make, in this process.
type side interface {
	// Start boots three stores with their disks in dir, with sc.Regions regions whose leaders are spread evenly.
	Start(dir string, sc scenario) error
	// Go runs f on n goroutines, each with a connection of its own; the returned function waits for them.
	Go(n int, f func(i int, c conn)) (wait func())
	// LedBy lists the regions that a store leads.
	LedBy(store int) ([]int, error)
	// Stop stops a store, 1 to 3, and Restart boots all stores that are stopped.
	Stop(store int) error
	Restart() error
	Close() error
}

var makeSide = map[string]func() side{
	"ordeal":     func() side { return &ordeal{} },
	"dragonboat": func() side { return &dragonboat{} },
}

// result is what one run of one side measured.
type result struct {
	Scenario, Side string
	Pair           int
	// Figures are in the order in which they are shown.
	Figures []figure
	// Foreign is how many cores other programs used meanwhile.
	Foreign float64
	// StartS is how long it took to build the cluster, in seconds; no part of the comparison.
	StartS float64
	Note   string
}

type figure struct {
	Name  string
	Value float64
}

func (r *result) set(name string, v float64) { r.Figures = append(r.Figures, figure{name, v}) }

// runChild runs one scenario for one side in this process.
func runChild(o options) (*result, error) {
	at := slices.IndexFunc(scenarios, func(s scenario) bool { return s.Name == o.child })
	if at < 0 {
		return nil, fmt.Errorf("there is no scenario %q", o.child)
	}
	sc := scenarios[at]
	r := &result{Scenario: sc.Name, Side: o.side}
	before, err := residentMiB()
	if err != nil {
		return nil, err
	}
	s, begin := makeSide[o.side](), time.Now()
	if err := s.Start(o.dir, sc); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: start: %w", o.side, err), s.Close())
	}
	r.StartS = time.Since(begin).Seconds()
	switch sc.Kind {
	case kindLoad:
		err = drive(o, sc, s, r)
	case kindIdle:
		err = idle(o, sc, before, r)
	case kindFailover:
		if sc.Quiet {
			time.Sleep(idleSettle)
		}
		err = failover(s, r)
	case kindRestart:
		err = restart(o, sc, s, r)
	}
	if err := errors.Join(err, s.Close()); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", o.side, sc.Name, err)
	}
	return r, nil
}

// idleSettle is how long a cluster is left alone before it is looked at; falling asleep takes both sides some seconds.
const idleSettle = 20 * time.Second

// idle measures what a cluster costs that nobody uses.
func idle(o options, sc scenario, before float64, r *result) error {
	time.Sleep(idleSettle)
	mark, err := markCPU()
	if err != nil {
		return err
	}
	prof, err := startProfile(o)
	if err != nil {
		return err
	}
	time.Sleep(o.window)
	_, own, foreign, err := mark.since()
	if err := errors.Join(err, prof.stop()); err != nil {
		return err
	}
	after, err := residentMiB()
	if err != nil {
		return err
	}
	replicas := float64(sc.Regions * stores)
	r.Foreign = foreign
	r.set("cores", own)
	r.set("CPU us/s/replica", own*1e6/replicas)
	r.set("KiB/replica", (after-before)*1024/replicas)
	r.set("RSS MiB", after)
	return nil
}

// failover stops the store that leads most and times the first write to each region that it led.
func failover(s side, r *result) error {
	victim, led := 0, []int(nil)
	for store := 1; store <= stores; store++ {
		regions, err := s.LedBy(store)
		if err != nil {
			return err
		}
		if len(regions) > len(led) {
			victim, led = store, regions
		}
	}
	mark, err := markCPU()
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := s.Stop(victim); err != nil {
		return err
	}
	took, err := firstWrites(s, led, begin)
	if err != nil {
		return err
	}
	_, own, foreign, err := mark.since()
	if err != nil {
		return err
	}
	r.Foreign = foreign
	r.set("regions led", float64(len(led)))
	r.set("p50 ms", ms(percentile(took, 50)))
	r.set("p99 ms", ms(percentile(took, 99)))
	r.set("max ms", ms(took[len(took)-1]))
	r.set("cores", own)
	return nil
}

// restart stops and starts all stores after a while of load.
func restart(o options, sc scenario, s side, r *result) error {
	if err := drive(o, sc, s, &result{}); err != nil {
		return err
	}
	for store := 1; store <= stores; store++ {
		if err := s.Stop(store); err != nil {
			return err
		}
	}
	mark, err := markCPU()
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := s.Restart(); err != nil {
		return err
	}
	booted := time.Since(begin)
	all := make([]int, sc.Regions)
	for i := range all {
		all[i] = i
	}
	took, err := firstWrites(s, all, begin)
	if err != nil {
		return err
	}
	_, own, foreign, err := mark.since()
	if err != nil {
		return err
	}
	r.Foreign = foreign
	r.set("all ms", ms(took[len(took)-1]))
	r.set("p50 ms", ms(percentile(took, 50)))
	r.set("booted ms", ms(booted))
	r.set("cores", own)
	return nil
}

// firstWrites writes to every region until it takes it, and returns how long after begin that was, in order.
func firstWrites(s side, regions []int, begin time.Time) ([]time.Duration, error) {
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	s.Go(len(regions), func(i int, c conn) {
		err := patient(func() error { return c.Put(regions[i], keyOf(regions[i], 0), make([]byte, valueBytes)) })
		d := time.Since(begin)
		mu.Lock()
		defer mu.Unlock()
		took = append(took, d)
		if err != nil {
			failed = fmt.Errorf("region %d takes no write: %w", regions[i], err)
		}
	})()
	slices.Sort(took)
	return took, failed
}

// profile is a CPU profile under way.
type profile struct {
	folder, name string
	cpu          *os.File
}

// startProfile begins a profile if the options ask for one.
func startProfile(o options) (profile, error) {
	p := profile{folder: o.profile, name: o.child + "-" + o.side}
	if p.folder == "" {
		return p, nil
	}
	if err := os.MkdirAll(p.folder, 0o755); err != nil {
		return p, err
	}
	runtime.SetBlockProfileRate(10_000)
	var err error
	if p.cpu, err = os.Create(filepath.Join(p.folder, p.name+".cpu")); err != nil {
		return p, err
	}
	return p, pprof.StartCPUProfile(p.cpu)
}

// stop writes the profile.
func (p profile) stop() error {
	if p.cpu == nil {
		return nil
	}
	pprof.StopCPUProfile()
	errs := []error{p.cpu.Close()}
	for _, kind := range []string{"allocs", "block"} {
		f, err := os.Create(filepath.Join(p.folder, p.name+"."+kind))
		if err != nil {
			return err
		}
		errs = append(errs, pprof.Lookup(kind).WriteTo(f, 0), f.Close())
	}
	return errors.Join(errs...)
}
