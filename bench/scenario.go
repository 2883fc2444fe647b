package main

import (
	"fmt"
	"strings"
)

// kind says what a scenario measures.
type kind string

const (
	// kindLoad drives a cluster with clients.
	kindLoad kind = "load"
	// kindIdle looks at a cluster that nobody uses.
	kindIdle kind = "idle"
	// kindFailover stops one store and times the first write to each region that it led.
	kindFailover kind = "failover"
	// kindRestart stops all stores, starts them again and times the first write to each region.
	kindRestart kind = "restart"
)

const (
	keyBytes   = 16
	valueBytes = 128
	// keysTotal is how many keys are in use, spread evenly over the regions.
	keysTotal = 96_000
	stores    = 3
)

// scenario is one row of the comparison.
type scenario struct {
	Name             string
	Kind             kind
	Regions, Clients int
	// ReadsIn100 is how many of a hundred operations are reads.
	ReadsIn100 int
	// Lease makes this store answer reads under its lease; the other side has only its one way.
	Lease bool
	// Quiet lets idle regions fall asleep, by either side's means.
	Quiet bool
}

var scenarios = []scenario{
	{Name: "write-48-256", Kind: kindLoad, Regions: 48, Clients: 256},
	{Name: "write-48-1024", Kind: kindLoad, Regions: 48, Clients: 1024},
	{Name: "write-256-1024", Kind: kindLoad, Regions: 256, Clients: 1024},
	{Name: "write-1-256", Kind: kindLoad, Regions: 1, Clients: 256},
	{Name: "read-48-256", Kind: kindLoad, Regions: 48, Clients: 256, ReadsIn100: 100},
	{Name: "read-48-1024", Kind: kindLoad, Regions: 48, Clients: 1024, ReadsIn100: 100},
	{Name: "lease-48-256", Kind: kindLoad, Regions: 48, Clients: 256, ReadsIn100: 100, Lease: true},
	{Name: "lease-48-1024", Kind: kindLoad, Regions: 48, Clients: 1024, ReadsIn100: 100, Lease: true},
	{Name: "mixed-48-256", Kind: kindLoad, Regions: 48, Clients: 256, ReadsIn100: 90},
	{Name: "idle-1000", Kind: kindIdle, Regions: 1000},
	{Name: "idle-1000-quiet", Kind: kindIdle, Regions: 1000, Quiet: true},
	{Name: "failover-1000", Kind: kindFailover, Regions: 1000},
	{Name: "failover-1000-quiet", Kind: kindFailover, Regions: 1000, Quiet: true},
	{Name: "restart-1000", Kind: kindRestart, Regions: 1000, Clients: 256},
}

// about says in words what the scenario does.
func (s scenario) about() string {
	switch s.Kind {
	case kindIdle:
		if s.Quiet {
			return fmt.Sprintf("%d regions x %d replicas that nobody uses, asleep: CPU and memory", s.Regions, stores)
		}
		return fmt.Sprintf("%d regions x %d replicas that nobody uses: CPU and memory", s.Regions, stores)
	case kindFailover:
		if s.Quiet {
			return fmt.Sprintf("%d regions asleep, one store of %d stops: time to the first write of each region it led", s.Regions, stores)
		}
		return fmt.Sprintf("%d regions, one store of %d stops: time to the first write of each region it led", s.Regions, stores)
	case kindRestart:
		return fmt.Sprintf("%d regions, all stores stop and start again: time until each region took a write", s.Regions)
	}
	what := "writes"
	switch {
	case s.Lease:
		what = "reads, under a lease where there is one"
	case s.ReadsIn100 == 100:
		what = "linearizable reads"
	case s.ReadsIn100 > 0:
		what = fmt.Sprintf("%d reads to %d writes", s.ReadsIn100, 100-s.ReadsIn100)
	}
	return fmt.Sprintf("%s, %d regions, %d clients", what, s.Regions, s.Clients)
}

// choose returns the scenarios that a list of names stands for.
func choose(names string) ([]scenario, error) {
	if names == "" {
		return scenarios, nil
	}
	var chosen []scenario
	for name := range strings.SplitSeq(names, ",") {
		found := false
		prefix, several := strings.CutSuffix(name, "*")
		for _, s := range scenarios {
			if s.Name == name || several && strings.HasPrefix(s.Name, prefix) {
				chosen, found = append(chosen, s), true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no scenario %q; -list shows all", name)
		}
	}
	return chosen, nil
}
