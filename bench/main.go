// Command bench compares the speed of this store with that of Dragonboat, another multi-group Raft library in Go.
//
// A comparison is made of pairs: one run of this store, one of the other, each in a process of its own that builds a cluster
// of three stores on disks of this machine, drives it with closed-loop clients and measures. Both sides get the same
// scheduler setting, the same collector setting, the same number of clients, keys and bytes. What is reported is the median
// of each side over all pairs and the ratio of the medians; a pair during which other programs used the machine is made
// again. README.md says what each side does exactly and how to read the figures.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

// options are the command line.
type options struct {
	pairs, retries         int
	procs, gogc            int
	warm, window           time.Duration
	foreignMax             float64
	scenarios, sides       string
	dir, jsonPath, profile string
	list                   bool

	// child is set in the process of one side.
	child, side string
}

func parseOptions() options {
	var o options
	flag.IntVar(&o.pairs, "pairs", 5, "pairs of each scenario")
	flag.IntVar(&o.retries, "retries", 2, "how often a pair is made again because the machine was busy; after that it counts and is marked")
	flag.Float64Var(&o.foreignMax, "foreign", 0.25, "cores that other programs may use during a pair")
	flag.IntVar(&o.procs, "procs", 8, "GOMAXPROCS of every side")
	flag.IntVar(&o.gogc, "gogc", 100, "GOGC of every side")
	flag.DurationVar(&o.warm, "warm", 2*time.Second, "load before the measurement")
	flag.DurationVar(&o.window, "window", 4*time.Second, "length of the measurement")
	flag.StringVar(&o.scenarios, "scenarios", "", "scenarios to run, by name, with commas between them; a name that ends in * stands for all that begin so (default all)")
	flag.StringVar(&o.sides, "sides", "ordeal,dragonboat", "sides to run, the one the ratio is taken of first")
	flag.StringVar(&o.dir, "dir", "", "folder for the disks (default a new one in the system's folder for temporary files)")
	flag.StringVar(&o.jsonPath, "json", "", "file for every run as JSON, one object a line")
	flag.StringVar(&o.profile, "profile", "", "folder for CPU and allocation profiles of every run")
	flag.BoolVar(&o.list, "list", false, "list the scenarios and leave")
	flag.StringVar(&o.child, "child", "", "scenario to run in this process, for one side; used by the program itself")
	flag.StringVar(&o.side, "side", "", "side of -child")
	flag.Usage = func() {
		fmt.Fprintf(os.Stderr, "bench compares this store with Dragonboat, pair by pair.\n\n  go run . -scenarios='write-48-*' -pairs=5\n\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	return o
}

func main() {
	o := parseOptions()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected arguments %q; see -help", flag.Args())
	}
	if o.list {
		for _, s := range scenarios {
			fmt.Printf("%-20s %s\n", s.Name, s.about())
		}
		return nil
	}
	if o.child != "" {
		r, err := runChild(o)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	chosen, err := choose(o.scenarios)
	if err != nil {
		return err
	}
	sides := strings.Split(o.sides, ",")
	for _, s := range sides {
		if _, ok := makeSide[s]; !ok {
			return fmt.Errorf("there is no side %q: want ordeal or dragonboat", s)
		}
	}
	if o.pairs < 1 || o.procs < 1 || o.gogc < 1 || o.window <= 0 {
		return errors.New("-pairs, -procs, -gogc and -window must be above 0")
	}
	return compare(o, chosen, sides)
}
