package driver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"ordeal/internal/failpoint"
	"ordeal/workloads"
)

const (
	workerPackage = "./cmd/ordeal"
	workerName    = "ordeal-worker"
	// WorkerCommand is the argument that makes the command a worker.
	WorkerCommand = "worker"
	// linkPrefix begins the names of folders that hold a driver's own link to the worker; linkAgeMax is when one
	// that was left behind is removed. No runs take that long.
	linkPrefix = "driver-"
	linkAgeMax = 7 * 24 * time.Hour
	// quietBuild is how long a build may take before a word is said about it.
	quietBuild = time.Second
)

// Binary is what workers are started from.
type Binary struct {
	Path string
	Args []string
	// Env is added to the environment of the driver.
	Env []string
	// Failpoints says that they are compiled in. Without them no bug can be switched on, and no crash point armed.
	Failpoints bool
	// own is a folder to be removed in the end, "" for none.
	own string
}

// Close removes what Prepare made for this driver alone. No worker may be running.
func (b *Binary) Close() error {
	if b.own == "" {
		return nil
	}
	return os.RemoveAll(b.own)
}

// errNoSource says that there is nothing to build a worker from.
var errNoSource = errors.New("no failpoints")

// Prepare returns a worker with failpoints, built from the source tree that dir is in; the tree itself is not touched.
// Without a source tree or a go command it is self, with a word about that on the console; with self empty that is an
// error. A source tree that does not compile is an error as well.
func Prepare(ctx context.Context, console *Console, dir, self string) (*Binary, error) {
	b, err := buildWorker(ctx, console, dir)
	if !errors.Is(err, errNoSource) {
		return b, err
	}
	if self == "" {
		return nil, err
	}
	console.Line("%v; running without: nothing crashes at a failpoint, and -bug is not available", err)
	return &Binary{Path: self, Args: []string{WorkerCommand}}, nil
}

// Need returns a UsageError if the runs cannot be made with this worker.
func (b *Binary) Need(bug string) error {
	if bug != "" && !b.Failpoints {
		return workloads.Usagef("-bug=%s needs failpoints, and they are compiled in from source: run inside a checkout, with Go installed", bug)
	}
	return nil
}

func buildWorker(ctx context.Context, console *Console, dir string) (*Binary, error) {
	root, err := failpoint.ModuleRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoSource, err)
	}
	goCommand, err := failpoint.Toolchain()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoSource, err)
	}
	cache := cacheFolder(root)
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return nil, fmt.Errorf("make the cache of workers: %w", err)
	}
	unlock, err := lockFolder(cache)
	if err != nil {
		return nil, err
	}
	defer unlock()
	overlay, points, err := failpoint.Build(root, cache)
	if err != nil {
		return nil, err
	}
	worker := filepath.Join(cache, workerName)
	if err := goBuild(ctx, console, goCommand, root, overlay, worker); err != nil {
		return nil, err
	}
	removeOldLinks(cache)
	return linkWorker(cache, worker, len(points) > 0)
}

// cacheFolder is where workers of a source tree are kept: one folder for each tree, outside of all.
func cacheFolder(root string) string {
	base, err := os.UserCacheDir()
	if err != nil {
		base = os.TempDir()
	}
	h := fnv.New64a()
	h.Write([]byte(root))
	return filepath.Join(base, "ordeal", fmt.Sprintf("%016x", h.Sum64()))
}

// goBuild builds the worker, which takes no time if nothing has changed.
func goBuild(ctx context.Context, console *Console, goCommand, root, overlay, worker string) error {
	_, statErr := os.Stat(worker)
	first := statErr != nil
	cmd := exec.CommandContext(ctx, goCommand, "build", "-buildvcs=false", "-overlay="+overlay, "-o", worker, workerPackage)
	cmd.Dir = root
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	// Asked to stop, go build cleans up; killed, it leaves its temporary files.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = stopTimeout
	began := time.Now()
	done := make(chan error, 1)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("build the worker: %w", err)
	}
	go func() { done <- cmd.Wait() }()
	if first {
		console.Line("building the worker with failpoints, about a minute on a fresh checkout...")
	}
	defer console.Done()
	tick := time.NewTicker(quietBuild)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			console.Status(fmt.Sprintf("building the worker with failpoints, %.0f s", time.Since(began).Seconds()))
		case err := <-done:
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				return fmt.Errorf("build the worker (%s): %w\n%s", cmd, err, strings.TrimSpace(output.String()))
			}
			if first {
				console.Line("built in %.0f s", time.Since(began).Seconds())
			}
			return nil
		}
	}
}

// linkWorker gives this driver a name of its own for the worker as it is now, so that another driver that builds a newer
// one does not change what restarted workers run.
func linkWorker(cache, worker string, failpoints bool) (*Binary, error) {
	own, err := os.MkdirTemp(cache, linkPrefix)
	if err != nil {
		return nil, fmt.Errorf("keep the worker: %w", err)
	}
	path := filepath.Join(own, workerName)
	if err := os.Link(worker, path); err != nil {
		if err := copyFile(worker, path); err != nil {
			return nil, errors.Join(fmt.Errorf("keep the worker: %w", err), os.RemoveAll(own))
		}
	}
	return &Binary{Path: path, Args: []string{WorkerCommand}, Failpoints: failpoints, own: own}, nil
}

// copyFile is for file systems without links.
func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o755)
}

// removeOldLinks takes away what drivers left behind that were killed. It is no matter if that fails.
func removeOldLinks(cache string) {
	entries, err := os.ReadDir(cache)
	if err != nil {
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), linkPrefix) && time.Since(info.ModTime()) > linkAgeMax {
			_ = os.RemoveAll(filepath.Join(cache, e.Name()))
		}
	}
}
