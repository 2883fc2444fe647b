package driver

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"ordeal/workloads"
)

const (
	// lineMax bounds a line between driver and worker: a schedule or summary of ten thousand faults fits.
	lineMax = 64 << 20
	// progressEvery is how often a worker reports at most.
	progressEvery = 100 * time.Millisecond
)

// job is what a worker is asked to run.
type job struct {
	ID     int              `json:"id"`
	Config workloads.Config `json:"config"`
}

// report is what a worker says about a job: progress any number of times, then a summary or an error.
type report struct {
	ID       int                 `json:"id"`
	Progress *workloads.Progress `json:"progress,omitempty"`
	Summary  *workloads.Summary  `json:"summary,omitempty"`
	Err      string              `json:"err,omitempty"`
	// Usage says that the error is a mistake of the person who asked.
	Usage bool `json:"usage,omitempty"`
}

// Runner makes one run; workloads.Run is the one that counts.
type Runner func(workloads.Config, func(workloads.Progress)) (*workloads.Summary, error)

// Work is the worker's side: it reads jobs from in, runs them one after another and reports to out. It returns when it
// cannot report any more, and calls gone as soon as in ends: a driver that hangs up, or died, wants no more results, so
// gone should end the process, whatever is running.
func Work(in io.Reader, out io.Writer, run Runner, gone func()) error {
	jobs := make(chan job)
	broken := make(chan error, 1)
	go func() {
		lines := newLines(in)
		for lines.Scan() {
			var j job
			if err := json.Unmarshal(lines.Bytes(), &j); err != nil {
				broken <- fmt.Errorf("read a job: %w", err)
				return
			}
			jobs <- j
		}
		if err := lines.Err(); err != nil {
			broken <- fmt.Errorf("read a job: %w", err)
			return
		}
		gone()
	}()
	enc := json.NewEncoder(out)
	for {
		select {
		case err := <-broken:
			return err
		case j := <-jobs:
			if err := enc.Encode(work(j, run, enc)); err != nil {
				return fmt.Errorf("report job %d: %w", j.ID, err)
			}
		}
	}
}

// work runs one job and returns its last report.
func work(j job, run Runner, enc *json.Encoder) report {
	var last time.Time
	summary, err := run(j.Config, func(p workloads.Progress) {
		if now := time.Now(); now.Sub(last) >= progressEvery {
			last = now
			// A driver that cannot be told has hung up, which the reader of jobs notices.
			_ = enc.Encode(report{ID: j.ID, Progress: &p})
		}
	})
	if err == nil && summary == nil {
		err = errors.New("the run ended without a summary")
	}
	if err != nil {
		return report{ID: j.ID, Err: err.Error(), Usage: workloads.IsUsage(err)}
	}
	return report{ID: j.ID, Summary: summary}
}

func newLines(r io.Reader) *bufio.Scanner {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 64<<10), lineMax)
	return s
}
