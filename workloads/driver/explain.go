package driver

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"ordeal/workloads"
)

// ExplainFlag makes a worker print what jobs would be like instead of doing them.
const ExplainFlag = "-explain"

// Explain prints what runs would be like. A worker does it, as only there the failpoints are known.
func Explain(ctx context.Context, console *Console, self string, cfgs []workloads.Config, w io.Writer) (err error) {
	b, err := Prepare(ctx, console, ".", self)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	cmd := exec.CommandContext(ctx, b.Path, append(b.Args, ExplainFlag)...)
	cmd.Env = workerEnv(b.Env)
	cmd.Stdout, cmd.Stderr = w, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("start worker: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start worker: %w", err)
	}
	enc := json.NewEncoder(in)
	for i, cfg := range cfgs {
		if err = b.Need(cfg.Bug); err == nil {
			err = enc.Encode(job{ID: i + 1, Config: cfg})
		}
		if err != nil {
			break
		}
	}
	if err = errors.Join(err, in.Close(), cmd.Wait()); err != nil {
		return unlessStopped(ctx, fmt.Errorf("explain: %w", err))
	}
	return nil
}

// WorkExplain is the worker's side of Explain.
func WorkExplain(in io.Reader, out io.Writer, explain func(workloads.Config, io.Writer) error) error {
	lines := newLines(in)
	w := bufio.NewWriter(out)
	first := true
	for lines.Scan() {
		var j job
		if err := json.Unmarshal(lines.Bytes(), &j); err != nil {
			return fmt.Errorf("read a job: %w", err)
		}
		if !first {
			fmt.Fprintln(w)
		}
		first = false
		if err := explain(j.Config, w); err != nil {
			return errors.Join(err, w.Flush())
		}
	}
	return errors.Join(lines.Err(), w.Flush())
}
