package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// conn is what one client does to a cluster. A client is one goroutine with one operation under way.
type conn interface {
	// Put writes; an error says that it may or may not have happened. region is the one that holds key.
	Put(region int, key, value []byte) error
	// Get reads linearizably.
	Get(region int, key []byte) ([]byte, error)
}

// Phases of a load.
const (
	phaseWarm = iota
	phaseMeasure
	phaseEnd
)

// errorsMax is how many operations of one load may fail before it is given up.
const errorsMax = 1000

// load is a number of clients that do one operation after the other until they are told to stop.
type load struct {
	sc     scenario
	phase  atomic.Int32
	failed atomic.Int64

	mu    sync.Mutex
	took  []time.Duration
	first error
}

// client runs the clients' loop with its own sequence of keys.
func (l *load) client(seed uint64, c conn) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	value := make([]byte, valueBytes)
	took := make([]time.Duration, 0, 1<<14)
	for {
		phase := l.phase.Load()
		if phase == phaseEnd || l.failed.Load() > errorsMax {
			break
		}
		region := rnd.IntN(l.sc.Regions)
		key := keyOf(region, rnd.IntN(keysTotal/l.sc.Regions))
		read := rnd.IntN(100) < l.sc.ReadsIn100
		begin := time.Now()
		var err error
		if read {
			err = l.get(c, region, key)
		} else {
			binary.LittleEndian.PutUint64(value, rnd.Uint64())
			err = c.Put(region, key, value)
		}
		switch {
		case err != nil:
			l.fail(err)
		case phase == phaseMeasure && l.phase.Load() == phaseMeasure:
			took = append(took, time.Since(begin))
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.took = append(l.took, took...)
}

func (l *load) get(c conn, region int, key []byte) error {
	v, err := c.Get(region, key)
	if err == nil && len(v) != valueBytes {
		err = fmt.Errorf("read %d bytes, want %d", len(v), valueBytes)
	}
	return err
}

func (l *load) fail(err error) {
	l.failed.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first == nil {
		l.first = err
	}
}

// drive runs a scenario's clients through both phases and fills in what they measured.
func drive(o options, sc scenario, s side, r *result) error {
	l := &load{sc: sc}
	if sc.ReadsIn100 > 0 {
		if err := fill(s, sc); err != nil {
			return err
		}
	}
	wait := s.Go(sc.Clients, func(i int, c conn) { l.client(uint64(i), c) })
	time.Sleep(o.warm)
	prof, err := startProfile(o)
	if err != nil {
		return err
	}
	mark, err := markCPU()
	if err != nil {
		return err
	}
	l.phase.Store(phaseMeasure)
	time.Sleep(o.window)
	l.phase.Store(phaseEnd)
	seconds, own, foreign, err := mark.since()
	if err := errors.Join(err, prof.stop()); err != nil {
		return err
	}
	wait()
	n := float64(len(l.took))
	if n == 0 {
		return fmt.Errorf("no operation succeeded, the first error of %d: %w", l.failed.Load(), l.first)
	}
	slices.Sort(l.took)
	r.Foreign = foreign
	r.set("ops/s", n/seconds)
	r.set("p50 ms", ms(percentile(l.took, 50)))
	r.set("p99 ms", ms(percentile(l.took, 99)))
	r.set("CPU us/op", own*seconds*1e6/n)
	r.set("cores", own)
	if failed := l.failed.Load(); failed > 0 {
		r.Note = fmt.Sprintf("%d operations failed, the first: %v", failed, l.first)
	}
	return nil
}

// fillers is how many clients write what is going to be read.
const fillers = 1024

// fill writes every key once.
func fill(s side, sc scenario) error {
	var failed atomic.Pointer[error]
	s.Go(fillers, func(n int, c conn) {
		value := make([]byte, valueBytes)
		for i := n; i < keysTotal/sc.Regions*sc.Regions; i += fillers {
			region, k := i%sc.Regions, i/sc.Regions
			if err := patient(func() error { return c.Put(region, keyOf(region, k), value) }); err != nil {
				failed.CompareAndSwap(nil, &err)
				return
			}
		}
	})()
	if err := failed.Load(); err != nil {
		return fmt.Errorf("write what will be read: %w", *err)
	}
	return nil
}

// patienceMax is how long an operation is tried that must succeed in the end, and patientStep the pause between attempts.
const (
	patienceMax = 60 * time.Second
	patientStep = 2 * time.Millisecond
)

// patient tries until it succeeds.
func patient(f func() error) error {
	for begin := time.Now(); ; time.Sleep(patientStep) {
		err := f()
		if err == nil || time.Since(begin) > patienceMax {
			return err
		}
	}
}

// keyOf is the i-th key of a region.
func keyOf(region, i int) []byte {
	k := make([]byte, keyBytes)
	binary.BigEndian.PutUint32(k, uint32(region))
	binary.BigEndian.PutUint64(k[8:], uint64(i))
	return k
}

// borderOf is where a region begins.
func borderOf(region int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(region)) }

func percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
