package workloads

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ordeal/checker/report"
	"ordeal/nemesis"
	"ordeal/world"
)

// writeReport writes the page that a person reads.
func (r *run) writeReport(s *Summary) error {
	f, err := os.Create(filepath.Join(r.cfg.Out, ReportFile))
	if err != nil {
		return err
	}
	if err := report.Write(f, r.reportData(s)); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func (r *run) reportData(s *Summary) report.Data {
	d := report.Data{
		Workload: s.Workload, Seed: s.Seed, Flags: strings.Join(r.cfg.Args(), " "), Verdict: s.Verdict, Reasons: s.Reasons,
		Violations: slices.Concat(r.judged.Violations, r.watch.inv.Violations(), r.witnessed.Violations),
		Replay:     "go run ./cmd/ordeal replay " + r.cfg.Out + "\n" + r.cfg.TestLine(),
		Virtual:    time.Duration(r.w.Now()), Wall: time.Duration(s.WallS * float64(time.Second)), Events: s.Events,
		TraceHash: s.TraceHash, History: r.history, Ranges: r.watch.film.ranges, Operators: r.watch.film.operators,
		OperatorsLost: r.watch.film.unfilmed,
	}
	if r.stream != nil {
		d.Flags += r.stream.left()
	}
	for _, n := range r.rests {
		d.Asleep = append(d.Asleep, fmt.Sprintf("%d of %d peers (%s)", n.Asleep, n.Peers, n.When))
	}
	for _, rec := range r.records {
		if rec.Skipped != "" {
			continue
		}
		to := rec.HealedAt
		if to == nemesis.Open {
			to = r.w.Now()
		}
		d.Faults = append(d.Faults, report.Fault{
			Name: rec.Fault.String(), From: rec.AppliedAt, To: to, Receipt: r.faultOf(rec).Receipt, Bit: rec.Bit,
		})
	}
	for _, l := range r.watch.leaders {
		d.Leaders = append(d.Leaders, report.Leader{Region: l.region, Store: l.store, From: l.at, Term: l.term})
	}
	slices.SortStableFunc(d.Leaders, func(a, b report.Leader) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.From, b.From))
	})
	for _, g := range r.cluster.Regions() {
		v := report.Region{
			ID: g.ID, Start: g.Start, End: g.End, ConfVer: g.ConfVer, Version: g.Version, Leader: g.Leader, Term: g.Term,
		}
		for _, p := range g.Peers {
			v.Peers = append(v.Peers, world.NodeID(p.Store))
		}
		d.Regions = append(d.Regions, v)
	}
	return d
}

// TestLine is the command that repeats the run through `go test`.
func (c Config) TestLine() string {
	return fmt.Sprintf("go test ./workloads -run 'TestNemesis' %s", strings.Join(c.Args(), " "))
}
