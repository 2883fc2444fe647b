package driver

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"ordeal/checker"
	"ordeal/workloads"
)

const (
	monitorEvery = 200 * time.Millisecond
	barWidth     = 16
)

// Monitor watches runs and shows how they come along.
type Monitor struct {
	console *Console
	// each is told about every run that is finished, one at a time; it may be nil.
	each    func(*workloads.Summary)
	total   int
	began   time.Time
	quit    chan struct{}
	stopped sync.WaitGroup

	mu       sync.Mutex
	done     int
	verdicts map[checker.Verdict]int
	virtualS float64
	ops      int
	// running is the latest progress of each run that is under way.
	running map[int]workloads.Progress
	// durationS is how long a run takes on its clocks, or is expected to.
	durationS float64
}

// Watch shows the progress of runs on a console until Stop, and tells each, if it is not nil, about every run that is
// finished, one at a time.
func Watch(console *Console, cfgs []workloads.Config, each func(*workloads.Summary)) *Monitor {
	m := &Monitor{
		console: console, each: each, total: len(cfgs), began: time.Now(), quit: make(chan struct{}),
		verdicts: make(map[checker.Verdict]int), running: make(map[int]workloads.Progress),
	}
	if len(cfgs) > 0 {
		m.durationS = cfgs[0].Duration.Seconds()
	}
	m.stopped.Go(func() {
		tick := time.NewTicker(monitorEvery)
		defer tick.Stop()
		for {
			select {
			case <-m.quit:
				return
			case <-tick.C:
				console.Status(m.line(time.Since(m.began)))
			}
		}
	})
	return m
}

// Stop ends the display.
func (m *Monitor) Stop() {
	close(m.quit)
	m.stopped.Wait()
	m.console.Done()
}

func (m *Monitor) progress(run int, p workloads.Progress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running[run] = p
}

func (m *Monitor) finish(run int, s *workloads.Summary) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.running, run)
	m.done++
	m.verdicts[s.Verdict]++
	m.virtualS += s.VirtualS
	m.ops += s.Ops.OK + s.Ops.Failed + s.Ops.Unknown
	m.durationS = max(m.durationS, s.VirtualS)
	if m.each != nil {
		m.each(s)
	}
}

// line is the status after so much wall-clock time.
func (m *Monitor) line(wall time.Duration) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	virtualS, ops, runs := m.virtualS, m.ops, float64(m.done)
	for _, p := range m.running {
		virtualS += p.VirtualS
		ops += p.Ops
		if m.durationS > 0 {
			// A run that is nearly over on its clocks still has to be judged.
			runs += min(p.VirtualS/m.durationS, 0.95)
		}
	}
	share := runs / float64(max(m.total, 1))
	bar := int(share * barWidth)
	parts := []string{
		fmt.Sprintf("[%s%s] %d/%d runs", strings.Repeat("#", bar), strings.Repeat("-", barWidth-bar), m.done, m.total),
		fmt.Sprintf("%.1f/s", runs/wall.Seconds()),
	}
	for _, v := range []checker.Verdict{checker.OK, checker.FAIL, checker.UNKNOWN, checker.INCONCLUSIVE} {
		if n := m.verdicts[v]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", v, n))
		}
	}
	parts = append(parts, fmt.Sprintf("%.0fx real time", virtualS/wall.Seconds()))
	if m.done < m.total && share > 0 {
		left := time.Duration(float64(wall) * (1 - share) / share)
		parts = append(parts, fmt.Sprintf("%v left", left.Round(time.Second)))
	}
	if ops > 0 {
		parts = append(parts, fmt.Sprintf("%d ops", ops))
	}
	return strings.Join(slices.Clip(parts), "  ")
}
