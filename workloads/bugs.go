package workloads

import (
	"slices"
	"strings"

	gofail "go.etcd.io/gofail/runtime"
)

// Bug is a planted bug: a real mistake behind a failpoint, for the harness to find.
type Bug struct {
	Name string
	// Kin is the entry of the catalogue of historical bugs in docs/TESTING.md that it is of the kind of.
	Kin string
	// Failpoint is the gofail name that switches it on, or several joined by commas if it has more than one place.
	Failpoint string
	// Workload and Nemesis are flags with which a few seeds find it; the usual ones find it as well, with more.
	Workload, Nemesis string
	// About says in one line what is wrong with it.
	About string
}

// points are the names in Failpoint.
func (b Bug) points() []string { return strings.Split(b.Failpoint, ",") }

// Bugs returns the planted bugs.
func Bugs() []Bug {
	return slices.Concat(readBugs(), writeBugs(), snapshotBugs(), splitBugs(), mergeBugs(), membershipBugs(), sleepBugs(), driverBugs())
}

// readBugs are those in reads: what makes an answer the newest one.
func readBugs() []Bug {
	return []Bug{
		{"stale-read", "R6", "bugStaleRead", "register", "partition,transfer-leader,kill",
			"a leader answers reads without confirming its leadership"},
		{"read-before-own-term", "R5", "bugReadBeforeOwnTerm", "register", "transfer-leader,kill",
			"a new leader answers reads before it has applied an entry of its own term"},
		{"follower-read", "C4", "bugFollowerRead", "register", "partition,kill",
			"a follower answers reads without asking its leader"},
		{"read-after-split", "A8", "bugReadAfterSplit", "scan", "split,batch-split",
			"reads are answered by a peer whose range has shrunk since they were asked"},
		{"lease-drift", "R7", "bugLeaseDrift", "register", "partition",
			"a leader's lease is as long as the promise that it rests on, as if all clocks were equal"},
		{"lease-transfer", "R7", "bugLeaseInTransfer", "register", "coup",
			"a leader uses its lease although it has begun to hand over leadership"},
		{"lease-restart", "R7", "bugLeaseRestart", "register", "coup",
			"a peer that was restarted votes at once, though it may have promised not to"},
		{"live-scan", "A7", "bugLiveScan,bugLiveScanRest", "batch", "all",
			"a scan reads the first half of its keys from an earlier state than the second"},
		{"corrupt-not-found", "B1", "bugCorruptIsAbsent,bugCorruptEndsHash", "scan", "bit-rot,transfer-leader",
			"what lies in a damaged block is taken for absent, by reads and when replicas are compared"},
	}
}

// writeBugs are those in the way of a write into the log.
func writeBugs() []Bug {
	return []Bug{
		{"vote-forgotten", "R1", "bugVoteForgotten", "churn", "all",
			"a vote that changes nothing else is not written before others are told of it"},
		{"ack-before-sync", "R2", "bugAckBeforeSync", "register", "kill,crash-at",
			"append responses are sent before the entries are durable"},
		{"sync-for-one", "R2", "bugSyncForOne", "churn", "kill",
			"of the regions that share a turn and its sync, only the first one waits for it"},
		{"delete-range-last", "W2", "bugDeleteRangeLast", "batch", "all",
			"ranges are deleted behind everything else that a turn writes"},
		{"propose-in-transfer", "R8", "bugProposeInTransfer", "register", "transfer-leader",
			"a proposal that is refused since leadership moves waits for the place in the log that it would have had"},
		{"no-flow-control", "F1", "bugNoFlowControl", "register", "kill,partition",
			"a store takes in requests however many are waiting"},
	}
}

// snapshotBugs are those in snapshots and compaction.
func snapshotBugs() []Bug {
	return []Bug{
		{"compacted-too-far", "S5", "bugNoSnapshot", "register", "partition,kill",
			"a log that was compacted has no snapshot to send"},
		{"snapshot-keeps-stale", "S1", "bugSnapshotKeepsStale", "churn", "partition,conf-change,replace",
			"a snapshot does not clear the data that it replaces"},
		{"snapshot-live-read", "S2", "bugSnapshotLiveRead", "churn", "conf-change,replace,learner",
			"a snapshot's data are read from a later state than the one that it is said to be of"},
		{"snapshot-two-batches", "S3", "bugSnapshotTwoBatches", "churn", "lag",
			"a snapshot clears the old data in one batch and writes the new ones in another"},
		{"snapshot-overlap", "S4", "bugSnapshotOverlap,bugSnapshotUnblocked", "churn", "partition,split,batch-split,conf-change,replace",
			"a snapshot is taken although its range overlaps another region"},
		{"snapshot-older", "S6", "bugSnapshotOlder", "churn", "partition,conf-change,replace,learner",
			"a snapshot is taken although the peer has applied more"},
		{"snapshot-other-range", "S7", "bugSnapshotOtherRange", "churn", "split,batch-split,conf-change,replace",
			"a snapshot carries the data of the region's range as it is while it is sent"},
		{"snapshot-old-conf", "R16", "bugSnapshotOldConf", "register", "partition,conf-change,replace,joint",
			"a snapshot's membership is ignored"},
	}
}

// splitBugs are those in splits.
func splitBugs() []Bug {
	return []Bug{
		{"split-no-epoch", "A3", "bugSplitNoEpoch", "register", "split",
			"the epoch is not checked at apply"},
		{"split-child-twice", "P1", "bugChildByMessage,bugSplitForgets", "churn", "all",
			"a message makes a child before the split does, and the split forgets what it has promised"},
		{"split-same-version", "P2", "bugSplitSameVersion", "register", "split",
			"a split does not raise the version"},
		{"split-loses-key", "P3", "bugSplitLosesKey", "scan", "split,batch-split",
			"the key at which a region is cut is in neither part"},
		{"split-other-shard", "P14", "bugChildOnParentsShard", "churn", "split,batch-split",
			"a child that lives on another shard is entered in the tables of its parent's"},
		{"split-replay", "P13", "bugSplitReplay", "churn", "split,kill,crash-at",
			"a split raises the version in a batch of its own, before the one that says it is done"},
	}
}

// mergeBugs are those in merges.
func mergeBugs() []Bug {
	return []Bug{
		{"merge-no-catch-up", "P7", "bugMergeNoCatchUp", "register", "merge,split,partition",
			"a target takes a source over without applying the source's log on its store first"},
		{"merge-writes", "P8", "bugMergeWrites", "register", "merge,split",
			"a frozen region takes writes"},
		{"merge-reads", "P11", "bugMergeReads,bugMergeKeepsLease", "register", "coup",
			"a frozen region serves reads, and keeps its lease for them"},
		{"merge-rollback", "P9", "bugMergeRollback", "register", "merge",
			"a merge is taken back without a proof that it can't come about any more"},
		{"merge-no-epoch", "P10", "bugMergeStaleTarget,bugMergeNoEpoch", "register", "merge",
			"a source is taken over although the target has changed since it was frozen"},
		{"merge-conf-change", "P12", "bugMergeConfChange", "register", "merge",
			"a frozen region changes its members"},
	}
}

// sleepBugs are those in the sleep of regions that nobody uses. The catalogue of other stores' bugs has none of their kind.
func sleepBugs() []Bug {
	return []Bug{
		{"hibernate-fooled", "I1", "bugHibernateFooled", "register", "kill",
			"whoever sleeps does not watch the stores that it relies on"},
		{"hibernate-not-caught-up", "I2", "bugHibernateNotCaughtUp", "register", "kill,partition",
			"a leader lets its region sleep without looking at its followers"},
	}
}

// membershipBugs are those in membership and elections.
func membershipBugs() []Bug {
	return []Bug{
		{"conf-state-lost", "R4", "bugConfStateLost", "register", "conf-change,replace,joint,kill",
			"the batch in which a membership change is applied does not say what it has become"},
		{"two-conf-changes", "R10", "bugChangePending,bugChangeUnchecked,bugChangeNoEpoch", "register", "conf-change,replace,joint,partition",
			"a membership change is proposed and applied while another one is on its way"},
		{"learner-votes", "R13", "bugLearnerVotes", "register", "learner,kill,partition",
			"a learner counts for majorities"},
		{"joint-forever", "R14", "bugJointForever,bugJointNotByOthers", "register", "joint,kill,transfer-leader",
			"only the leader that entered a joint configuration leaves it"},
		{"no-pre-vote", "R12", "bugNoPreVote", "register", "partition,conf-change",
			"a peer starts elections without asking whether it could win, and a leader does not ask whether it still leads"},
	}
}

// enableBug switches the planted bug on; without the overlay there is none.
func (r *run) enableBug() error {
	if r.cfg.Bug == "" {
		return nil
	}
	for _, b := range Bugs() {
		if b.Name != r.cfg.Bug {
			continue
		}
		for _, point := range b.points() {
			if err := gofail.Enable(point, "return"); err != nil {
				return Usagef("bug %s: failpoint %s is not compiled in: %v", b.Name, point, err)
			}
		}
		return nil
	}
	return Usagef("unknown bug %q: want one of %s", r.cfg.Bug, bugNames())
}

func bugNames() string {
	var names []string
	for _, b := range Bugs() {
		names = append(names, b.Name)
	}
	return strings.Join(names, ", ")
}
