package workloads

import "ordeal/nemesis"

// awaited are the states that faults are drawn to wait for, with what may bring them about: those in which something is under
// way that a fault may spoil. A schedule that is written by hand may name any that is declared. What stands here twice
// comes twice as often.
var awaited = []nemesis.Awaited{
	{State: "merging", By: "merge"},
	{State: "merging", By: "merge"},
	{State: "merge-catches-up", By: "merge"},
	{State: "merge-committed", By: "merge"},
	{State: "merge-rolled-back", By: "merge"},
	{State: "elected-while-merging", By: "coup"},
	{State: "snapshot-sending", By: "replace"},
	{State: "snapshot-arriving", By: "replace"},
	{State: "snapshot-arriving", By: "learner"},
	{State: "snapshot-over-data", By: "lag"},
	{State: "snapshot-of-old-range", By: "replace"},
	{State: "peer-by-message", By: "conf-change"},
	{State: "split", By: "split"},
	{State: "child-before-split", By: "batch-split"},
	{State: "vote-before-split", By: "split"},
	{State: "joint", By: "joint"},
	{State: "joint", By: "replace"},
	{State: "change-by-deposed", By: "replace"},
	{State: "leader-removed", By: "conf-change"},
	{State: "second-voter-leaves", By: "conf-change"},
	{State: "leader-deposed", By: "transfer-leader"},
	{State: "deposed-with-tail", By: "partition"},
	{State: "log-conflict", By: "partition"},
	{State: "log-taken", By: "kill"},
	{State: "read-before-own-term", By: "transfer-leader"},
	{State: "lease-forbidden", By: "transfer-leader"},
	{State: "vote-withheld", By: "kill"},
	{State: "asleep"},
	{State: "woken-by-silence", By: "kill"},
	{State: "woken-by-restart", By: "kill"},
	{State: "quarantined", By: "bit-rot"},
	{State: "quarantine-ended", By: "bit-rot"},
	{State: "pd-took-over", By: "pd-kill"},
	{State: "pd-operator-cancelled", By: "pd-storm"},
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
