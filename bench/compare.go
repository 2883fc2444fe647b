package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// compare runs all pairs and shows the medians of each scenario as soon as it has them. A scenario that one side can't get
// through takes none of the others with it.
func compare(o options, chosen []scenario, sides []string) (err error) {
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "ordeal-bench-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.dir)) }()
	}
	out := func(*result) error { return nil }
	if o.jsonPath != "" {
		f, err := os.Create(o.jsonPath)
		if err != nil {
			return err
		}
		defer f.Close()
		lines := json.NewEncoder(f)
		out = func(r *result) error { return lines.Encode(r) }
	}
	for _, sc := range chosen {
		fmt.Printf("%s: %s\n", sc.Name, sc.about())
		var runs []*result
		for pair := 1; pair <= o.pairs; pair++ {
			got, failed := quietPair(o, sc, sides, pair)
			if failed != nil {
				fmt.Printf("  pair %d has no result: %v\n", pair, failed)
				err = errors.Join(err, failed)
			}
			for _, r := range got {
				if err := out(r); err != nil {
					return err
				}
			}
			runs = append(runs, got...)
		}
		if len(runs) > 0 {
			show(runs, sides)
		}
	}
	return err
}

// quietPair makes a pair, again if other programs used the machine meanwhile or if a side failed.
func quietPair(o options, sc scenario, sides []string, pair int) ([]*result, error) {
	for try := 0; ; try++ {
		got, err := onePair(o, sc, sides, pair)
		foreign := 0.0
		for _, r := range got {
			foreign = max(foreign, r.Foreign)
		}
		switch {
		case err != nil && try == o.retries:
			return nil, err
		case err != nil:
			fmt.Printf("  pair %d is made again: %v\n", pair, err)
			continue
		case foreign <= o.foreignMax:
			return got, nil
		case try == o.retries:
			fmt.Printf("  pair %d counts although other programs used up to %.2f cores\n", pair, foreign)
			return got, nil
		}
		fmt.Printf("  pair %d does not count: other programs used up to %.2f cores\n", pair, foreign)
	}
}

// onePair runs one side after the other.
func onePair(o options, sc scenario, sides []string, pair int) (got []*result, err error) {
	for _, s := range sides {
		r, err := runSide(o, sc, s)
		if err != nil {
			return nil, err
		}
		r.Pair = pair
		fmt.Printf("  pair %d %s\n", pair, r.line())
		got = append(got, r)
	}
	return got, nil
}

// diskSettle is how long the disk is left alone before a run, so that nobody pays for what the other side has deleted.
const diskSettle = 3 * time.Second

// runSide runs one side in a process of its own, on empty disks that are at rest.
func runSide(o options, sc scenario, name string) (*result, error) {
	dir := filepath.Join(o.dir, name)
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	syscall.Sync()
	time.Sleep(diskSettle)
	cmd := exec.Command(self, "-child="+sc.Name, "-side="+name, "-dir="+dir, "-warm="+o.warm.String(),
		"-window="+o.window.String(), "-profile="+o.profile)
	cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", o.procs), fmt.Sprintf("GOGC=%d", o.gogc))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s of %s: %w\n%s", name, sc.Name, err, stderr.String())
	}
	// Dragonboat logs to the standard output; the result is the last line.
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	r := &result{}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), r); err != nil {
		return nil, fmt.Errorf("%s of %s: no result in %q: %w", name, sc.Name, lines[len(lines)-1], err)
	}
	return r, errors.Join(os.RemoveAll(dir))
}

func (r *result) line() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-10s", r.Side)
	for _, f := range r.Figures {
		fmt.Fprintf(&b, "  %s %s", f.Name, format(f.Value))
	}
	fmt.Fprintf(&b, "  (others %.2f cores, started in %.1f s)", r.Foreign, r.StartS)
	if r.Note != "" {
		b.WriteString("  " + r.Note)
	}
	return b.String()
}

// show prints the medians of both sides and their ratio.
func show(runs []*result, sides []string) {
	fmt.Printf("  %-18s", "median")
	for _, s := range sides {
		fmt.Printf(" %12s", s)
	}
	if len(sides) == 2 {
		fmt.Printf(" %8s", "ratio")
	}
	fmt.Println()
	for i, f := range runs[0].Figures {
		fmt.Printf("  %-18s", f.Name)
		var m []float64
		for _, s := range sides {
			var all []float64
			for _, r := range runs {
				if r.Side == s {
					all = append(all, r.Figures[i].Value)
				}
			}
			m = append(m, median(all))
			fmt.Printf(" %12s", format(m[len(m)-1]))
		}
		if len(m) == 2 {
			fmt.Printf(" %8.3f", m[0]/m[1])
		}
		fmt.Println()
	}
	fmt.Println()
}

func median(v []float64) float64 {
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// format shows three digits or more.
func format(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.3f", v)
}
