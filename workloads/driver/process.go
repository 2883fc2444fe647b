package driver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"ordeal/workloads"
)

const (
	// silenceMax is how long a worker may say nothing about its job before it is taken for stuck.
	silenceMax = 5 * time.Minute
	// stopTimeout is how long a worker gets to end by itself.
	stopTimeout = 3 * time.Second
)

// crashError says that a worker died, or had to be ended, in the midst of a job.
type crashError struct {
	reason string
	// stderr is what it printed during the job.
	stderr string
	// stuck says that it was ended by us.
	stuck bool
}

func (e *crashError) Error() string { return e.reason }

// process is a worker. One goroutine uses it at a time.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr *capture
	// reports is closed when the worker closes its output, mostly by dying.
	reports chan report
	// quit tells the goroutine that reads reports that nobody listens any more.
	quit chan struct{}
	jobs int
}

// startProcess starts a worker.
func startProcess(b *Binary) (*process, error) {
	p := &process{
		cmd: exec.Command(b.Path, b.Args...), stderr: &capture{},
		reports: make(chan report), quit: make(chan struct{}),
	}
	p.cmd.Env = workerEnv(b.Env)
	p.cmd.Stderr = p.stderr
	p.cmd.WaitDelay = stopTimeout
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start worker: %w", err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start worker: %w", err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start worker: %w", err)
	}
	go p.read(stdout)
	return p, nil
}

// workerEnv gives a worker one core and a lazy garbage collector, unless the caller's environment says otherwise: runs
// must be the same under any setting, and that is how to try.
func workerEnv(extra []string) []string {
	env := os.Environ()
	for _, d := range []struct{ name, value string }{{"GOMAXPROCS", "1"}, {"GOGC", "400"}} {
		if os.Getenv(d.name) == "" {
			env = append(env, d.name+"="+d.value)
		}
	}
	return append(env, extra...)
}

func (p *process) read(stdout io.Reader) {
	defer close(p.reports)
	lines := newLines(stdout)
	for lines.Scan() {
		var r report
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			r = report{ID: -1, Err: fmt.Sprintf("the worker said what is no report: %.100q", lines.Bytes())}
		}
		select {
		case p.reports <- r:
		case <-p.quit:
			return
		}
	}
}

// run has the worker do one job. After an error the worker cannot be used any more, except after a UsageError or a
// runError, with which it did answer.
func (p *process) run(ctx context.Context, cfg workloads.Config, silence time.Duration, progress func(workloads.Progress)) (*workloads.Summary, error) {
	p.jobs++
	p.stderr.reset()
	if err := json.NewEncoder(p.stdin).Encode(job{ID: p.jobs, Config: cfg}); err != nil {
		return nil, p.crash("before it took the job")
	}
	stuck := time.NewTimer(silence)
	defer stuck.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-stuck.C:
			return nil, p.dump(silence)
		case r, ok := <-p.reports:
			switch {
			case !ok:
				return nil, p.crash("in the run")
			case r.ID != p.jobs:
				return nil, &crashError{reason: r.Err, stderr: p.stderr.String()}
			case r.Progress != nil:
				stuck.Reset(silence)
				progress(*r.Progress)
			case r.Summary != nil:
				return r.Summary, nil
			case r.Usage:
				return nil, workloads.Usagef("%s", r.Err)
			default:
				return nil, &runError{r.Err}
			}
		}
	}
}

// runError is an error that a run returned.
type runError struct{ text string }

func (e *runError) Error() string { return e.text }

// crash collects what is left of a worker that died.
func (p *process) crash(when string) error {
	p.stdin.Close()
	err := p.cmd.Wait()
	stderr := p.stderr.String()
	why := lastWords(stderr)
	if why == "" {
		why = "it ended without an error"
		if err != nil {
			why = err.Error()
		}
	}
	return &crashError{reason: fmt.Sprintf("the worker process died %s: %s", when, why), stderr: stderr}
}

// dump ends a worker that is stuck in such a way that it prints where.
func (p *process) dump(silence time.Duration) error {
	// Where there is no such signal, stop kills it and there is no picture.
	_ = p.cmd.Process.Signal(syscall.SIGQUIT)
	// stop closes its input, upon which it ends at once; it must have printed before that.
	printed := time.After(stopTimeout)
	for open := true; open; {
		select {
		case _, open = <-p.reports:
		case <-printed:
			open = false
		}
	}
	p.stop()
	return &crashError{
		reason: fmt.Sprintf("the run gave no sign of life for %v and was ended", silence),
		stderr: p.stderr.String(), stuck: true,
	}
}

// stop ends the worker, whatever it is doing, and waits for it.
func (p *process) stop() {
	close(p.quit)
	p.stdin.Close()
	kill := time.AfterFunc(stopTimeout, func() {
		if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			panic(fmt.Sprintf("worker %d can be neither stopped nor killed: %v", p.cmd.Process.Pid, err))
		}
	})
	defer kill.Stop()
	for range p.reports {
	}
	// How it ended does not matter any more.
	_ = p.cmd.Wait()
}

// discard lets go of a worker that has died or must not be trusted any more.
func (p *process) discard() {
	select {
	case <-p.quit:
		// stop has been here.
	default:
		p.stop()
	}
}
