package workloads

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	gofail "go.etcd.io/gofail/runtime"

	"ordeal/checker"
	"ordeal/checker/models"
	"ordeal/nemesis"
)

// finish judges the run and writes its folder.
func (r *run) finish() (*Summary, error) {
	if err := r.closeTrace(); err != nil {
		return nil, err
	}
	if err := r.judgeHistory(); err != nil {
		return nil, fmt.Errorf("write run folder %s: %w", r.cfg.Out, err)
	}
	r.judge()
	s := r.summary()
	if r.cfg.Out == "" {
		return s, nil
	}
	if err := r.write(s); err != nil {
		return nil, fmt.Errorf("write run folder %s: %w", r.cfg.Out, err)
	}
	return s, nil
}

// judgeHistory says what clients' operations come to.
func (r *run) judgeHistory() error {
	if r.stream == nil {
		r.history = checker.Merge(r.recs...)
		r.counts = r.history.Count()
		var err error
		r.witnessed = checker.CheckWitnesses(r.history)
		r.judged, err = r.check(r.history, checker.Options{Engine: r.cfg.Checker})
		return err
	}
	var err error
	r.judged, err = r.stream.finish(r.cfg.Checker)
	r.witnessed = r.stream.witnesses.Result()
	r.history, r.counts = r.stream.newest(), r.stream.stream.Counts()
	return err
}

// check judges a history as what the workload's keys are.
func (r *run) check(h *checker.History, opts checker.Options) (checker.Result, error) {
	if m := models.ByName(r.load.Model); m != nil {
		return m.Check(h, opts)
	}
	return checker.Check(h, opts), nil
}

// judge brings together what the history, the invariants and the phases of the run say. The worst of it is the verdict.
func (r *run) judge() {
	for _, res := range []checker.Result{r.judged, r.watch.inv.Result(), r.witnessed} {
		r.verdict = checker.Worst(r.verdict, res.Verdict)
		r.reasons = append(r.reasons, res.Reasons...)
	}
	for _, why := range r.watch.placement.broken[:min(len(r.watch.placement.broken), 1)] {
		r.fail("the placement driver: %s", why)
	}
	if r.cut {
		r.reasons = append(r.reasons, fmt.Sprintf("the run was stopped at %s, at the first violation", checker.Clock(r.w.Now())))
	}
	if r.panicked || r.cut {
		return // it did not get to try everything
	}
	if r.counts.Ok == 0 {
		r.inconclusive("no operation of any client succeeded")
	}
	if len(r.cfg.Nemesis) > 0 && !r.bitten() {
		r.inconclusive("no fault left a receipt: nothing was tried")
	}
}

func (r *run) inconclusive(why string) {
	r.verdict = checker.Worst(r.verdict, checker.INCONCLUSIVE)
	r.reasons = append(r.reasons, why)
}

// bitten says whether any fault had an effect.
func (r *run) bitten() bool {
	for _, rec := range r.records {
		if rec.Bit {
			return true
		}
	}
	return false
}

func (r *run) summary() *Summary {
	n := r.counts
	s := &Summary{
		Workload: r.cfg.Workload, Seed: r.cfg.Seed, Flags: r.cfg.Flags(), Verdict: r.verdict,
		Reasons: append([]string{}, r.reasons...), Kind: r.kind(), Ops: Ops{OK: n.Ok, Failed: n.Failed, Unknown: n.Unknown},
		Faults: []Fault{}, Rests: r.rests, Operators: r.watch.placement.plans, Reached: r.watch.reached, Balance: r.balance,
		VirtualS: r.w.Now().Seconds(), WallS: r.wall.seconds(), Events: r.w.Events(),
		TraceHash: fmt.Sprintf("%016x", r.w.TraceHash()), RunDir: r.cfg.Out,
	}
	for _, rec := range r.records {
		s.Faults = append(s.Faults, r.faultOf(rec))
	}
	return s
}

func (r *run) faultOf(rec nemesis.Record) Fault {
	healed := rec.HealedAt
	if healed == nemesis.Open {
		healed = r.chaosTo
	}
	text := rec.Text
	if rec.Err != nil {
		text = strings.TrimPrefix(fmt.Sprintf("%s; %v", text, rec.Err), "; ")
	}
	return Fault{
		Kind: rec.Fault.Name(), Fault: rec.Fault.String(), AtS: rec.AppliedAt.Seconds(), HealS: healed.Seconds(),
		Receipt: text, Bit: rec.Bit, Skipped: rec.Skipped,
	}
}

// write fills the run's folder. The summary comes last: a folder that has one is whole.
func (r *run) write(s *Summary) error {
	if r.stream == nil {
		if err := r.writeHistory(); err != nil {
			return err
		}
	}
	if len(r.watch.notes) > 0 {
		notes := strings.Join(r.watch.notes, "\n") + "\n"
		if err := os.WriteFile(filepath.Join(r.cfg.Out, CrashFile), []byte(notes), 0o644); err != nil {
			return err
		}
	}
	if err := r.writeReport(s); err != nil {
		return err
	}
	return WriteSummary(r.cfg.Out, s)
}

func (r *run) writeHistory() error {
	history, err := os.Create(filepath.Join(r.cfg.Out, HistoryFile))
	if err != nil {
		return err
	}
	if err := checker.WriteJSONL(history, r.history); err != nil {
		history.Close()
		return err
	}
	return history.Close()
}

// close gives back what the process shares between runs, however far this one came. A world that a panic stopped in the
// middle of an event may not close any more; it goes with the process.
func (r *run) close() {
	for _, b := range Bugs() {
		if b.Name == r.cfg.Bug {
			for _, point := range b.points() {
				_ = gofail.Disable(point) // it says only that the point was off
			}
		}
	}
	if r.cluster != nil {
		r.cluster.Disarm()
	}
	if r.stream != nil {
		r.stream.close()
	}
	if r.w == nil {
		return
	}
	if r.panicked {
		defer func() { _ = recover() }()
	}
	_ = r.w.Close() // simulated disks: nobody reads them again
}

// closeTrace writes out the rest of the trace.
func (r *run) closeTrace() error {
	if r.traceOut == nil {
		return nil
	}
	err := errors.Join(r.trace.Flush(), r.traceOut.Close())
	if err != nil {
		err = fmt.Errorf("write trace %s: %w", r.cfg.Trace, err)
	}
	return err
}
