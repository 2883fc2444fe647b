package workloads

import "ordeal/nemesis"

// awaited are the states that faults are drawn to wait for: those in which something is under way that a fault may spoil, and
// to which most runs come sooner or later. A schedule that is written by hand may name any that is declared.
var awaited = []string{
	"merging", "merging", "merge-catches-up", "merge-rolled-back", "merge-committed", "elected-while-merging",
	"snapshot-sending", "snapshot-arriving", "snapshot-arriving", "snapshot-over-data", "snapshot-restarted",
	"split", "child-before-split", "vote-before-split", "peer-by-message",
	"joint", "change-by-deposed", "leader-removed", "second-voter-leaves",
	"leader-deposed", "deposed-with-tail", "log-conflict", "log-taken", "proposals-lost",
	"asleep", "woken-by-silence", "woken-by-restart", "quarantined", "quarantine-ended",
	"read-before-own-term", "vote-withheld", "lease-forbidden", "pd-took-over", "pd-operator-cancelled",
}

// checkConditions says what is wrong with a schedule that somebody has written: nothing is reported as waited for in vain that
// could not have come.
func (r *run) checkConditions() error {
	for _, e := range r.schedule {
		w, ok := e.Fault.(nemesis.When)
		if !ok || w.Cond.At && len(r.cluster.Failpoints()) == 0 {
			continue
		}
		if why := w.Cond.Unknown(r.cluster); why != "" {
			return Usagef("schedule: %v: %s", e, why)
		}
	}
	return nil
}
