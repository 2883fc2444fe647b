package driver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"ordeal/checker"
	"ordeal/workloads"
)

// CheckFolder says whether a run may write dir: it must be missing, empty, or the folder of an earlier run, which is
// then replaced. The error is a UsageError.
func CheckFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return workloads.Usagef("folder %s cannot be written: %v; want another -out", dir, err)
	}
	for _, e := range entries {
		if e.Name() == workloads.SummaryFile {
			return nil
		}
	}
	if len(entries) > 0 {
		return workloads.Usagef("folder %s is there and holds no %s, so it is not ours to replace: move it, or want another -out",
			dir, workloads.SummaryFile)
	}
	return nil
}

// openFolder makes an empty folder for a run, in place of the one of an earlier run. It begins with a summary that says
// that the run has not ended, by which the folder is known as ours even if nobody lives to write another.
func openFolder(cfg workloads.Config) error {
	if err := CheckFolder(cfg.Out); err != nil {
		return err
	}
	if err := os.RemoveAll(cfg.Out); err != nil {
		return fmt.Errorf("replace the earlier run: %w", err)
	}
	if err := os.MkdirAll(cfg.Out, 0o755); err != nil {
		return workloads.Usagef("folder %s cannot be made: %v; want another -out", cfg.Out, err)
	}
	return workloads.WriteSummary(cfg.Out, without(cfg, checker.INCONCLUSIVE, "the run has not ended"))
}

// without is the summary of a run that did not come to a verdict by itself.
func without(cfg workloads.Config, v checker.Verdict, reason string) *workloads.Summary {
	return &workloads.Summary{
		Workload: cfg.Workload, Seed: cfg.Seed, Flags: cfg.Flags(), RunDir: cfg.Out,
		Verdict: v, Reasons: []string{reason}, Faults: []workloads.Fault{},
	}
}

// closeFailed turns the error of a run into its summary, or returns it if it is no matter of this run alone.
func closeFailed(cfg workloads.Config, err error) (*workloads.Summary, error) {
	var crash *crashError
	var own *runError
	var s *workloads.Summary
	switch {
	case errors.As(err, &crash) && crash.stuck:
		s = without(cfg, checker.UNKNOWN, crash.reason)
	case errors.As(err, &crash):
		s = without(cfg, checker.FAIL, crash.reason)
	case errors.As(err, &own):
		s = without(cfg, checker.UNKNOWN, "the run could not be made: "+own.text)
	default:
		if cfg.Out != "" && (workloads.IsUsage(err) || errors.Is(err, context.Canceled)) {
			// It has nothing to show.
			err = errors.Join(err, os.RemoveAll(cfg.Out))
		}
		return nil, err
	}
	if cfg.Out == "" {
		return s, nil
	}
	if crash != nil {
		if err := os.WriteFile(filepath.Join(cfg.Out, workloads.CrashFile), []byte(crash.stderr), 0o644); err != nil {
			return nil, fmt.Errorf("save what the worker printed: %w", err)
		}
	}
	return s, workloads.WriteSummary(cfg.Out, s)
}
