package workloads

import (
	"ordeal/checker"
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
	// Anomaly is what shows it, as a rule.
	Anomaly string
}

// Mix is the workloads and the families of faults that Workload and Nemesis name.
func (b Bug) Mix() (loads, families []string, err error) {
	opts, err := flagValues{
		workload: b.Workload, nemesis: b.Nemesis, bug: b.Name, duration: DefaultDuration, seed: DefaultSeed, seeds: "1",
		stores: DefaultStores, replicas: DefaultReplicas, regions: DefaultRegions, clients: DefaultClients, join: DefaultJoin,
		out: DefaultOut, luck: DefaultLuck, plain: noNames, checker: string(checker.Auto),
	}.options()
	return opts.Workloads, opts.Base.Nemesis, err
}

// points are the names in Failpoint.
func (b Bug) points() []string { return strings.Split(b.Failpoint, ",") }

// Bugs returns the planted bugs.
func Bugs() []Bug {
	return slices.Concat(readBugs(), writeBugs(), diskBugs(), snapshotBugs(), splitBugs(), mergeBugs(), membershipBugs(), sleepBugs(), driverBugs())
}

// readBugs are those in reads: what makes an answer the newest one.
func readBugs() []Bug {
	return []Bug{
		{"stale-read", "R6", "bugStaleRead", "register", "partition,transfer-leader,kill",
			"a leader answers reads without confirming its leadership",
			"a read older than an acknowledged write"},
		{"read-before-own-term", "R5", "bugReadBeforeOwnTerm", "register", "transfer-leader,kill",
			"a new leader answers reads before it has applied an entry of its own term",
			"a read older than an acknowledged write"},
		{"follower-read", "C4", "bugFollowerRead", "register", "partition,kill",
			"a follower answers reads without asking its leader",
			"a read older than an acknowledged write"},
		{"read-of-earlier-life", "R9", "bugReadOfEarlierLife", "churn", "all",
			"the answer to what a follower had asked its leader before it was restarted is taken for one to what it asks now",
			"a read older than an acknowledged write"},
		{"read-after-split", "A8", "bugReadAfterSplit", "scan", "split,batch-split",
			"reads are answered by a peer whose range has shrunk since they were asked",
			"a scan misses a key"},
		{"lease-drift", "R7", "bugLeaseDrift", "register", "partition",
			"a leader's lease is as long as the promise that it rests on, as if all clocks were equal",
			"a lease outlives its leader"},
		{"lease-transfer", "R7", "bugLeaseInTransfer", "register", "coup",
			"a leader uses its lease although it has begun to hand over leadership",
			"a read older than an acknowledged write"},
		{"lease-from-answer", "R7", "bugLeaseFromAnswer", "register", "coup",
			"a lease counts from when a heartbeat was answered, not from when it was sent", "a lease outlives its leader"},
		{"lease-restart", "R7", "bugLeaseRestart", "register", "coup",
			"a peer that was restarted votes at once, though it may have promised not to",
			"a lease outlives its leader"},
		{"live-scan", "A7", "bugLiveScan,bugLiveScanRest", "batch", "all",
			"a scan reads the first half of its keys from an earlier state than the second",
			"a torn batch"},
		{"corrupt-not-found", "B1", "bugCorruptIsAbsent,bugCorruptEndsHash", "scan", "bit-rot,transfer-leader",
			"what lies in a damaged block is taken for absent, by reads and when replicas are compared",
			"a key is absent that was never deleted"},
	}
}

// diskBugs are those in what stores make of disks that fail.
func diskBugs() []Bug {
	return []Bug{
		{"log-damage-ends-log", "B2", "bugDamageEndsLog", "register", "bit-rot,kill",
			"a write-ahead log that is damaged is taken for one that ends there",
			"a panic: a commit index beyond the log"},
		{"empty-disk-serves", "B3", "bugEmptyDiskServes", "register", "wipe,kill,partition",
			"a store that lost its disk comes back with an empty one, under its old id, and takes part at once",
			"a panic: a commit index beyond the log"},
		{"full-drops-commit", "B4", "bugFullDropsCommit", "register", "disk,kill",
			"a commit for which a full disk has no room is left out, and nobody is told",
			"replicas that differ at one applied index; a read older than an acknowledged write"},
		{"unreadable-not-found", "B5", "bugUnreadableIsAbsent,bugUnreadableEndsScan", "scan", "disk,kill,transfer-leader",
			"what the disk refuses to read is taken for absent",
			"replicas that differ at one applied index; a key is absent that was never deleted"},
	}
}

// writeBugs are those in the way of a write into the log.
func writeBugs() []Bug {
	return []Bug{
		{"vote-forgotten", "R1", "bugVoteForgotten", "churn", "all",
			"a vote that changes nothing else is not written before others are told of it",
			"a vote is lost in a restart"},
		{"ack-before-sync", "R2", "bugAckBeforeSync", "register", "kill,crash-at",
			"append responses are sent before the entries are durable",
			"a panic: a commit index beyond the log"},
		{"sync-for-one", "R2", "bugSyncForOne", "churn", "kill",
			"of the regions that share a turn and its sync, only the first one waits for it",
			"a panic: a commit index beyond the log"},
		{"delete-range-last", "W2", "bugDeleteRangeLast", "batch", "all",
			"ranges are deleted behind everything else that a turn writes",
			"a key is absent that was never deleted"},
		{"range-not-in-overlay", "W3", "bugRangeNotInOverlay", "batch", "all",
			"a compare does not see which ranges were deleted in front of it in the same turn",
			"a compare sees what had been deleted"},
		{"propose-in-transfer", "R8", "bugProposeInTransfer", "register", "transfer-leader",
			"a proposal that is refused since leadership moves waits for the place in the log that it would have had",
			"a panic: an entry is applied before the one in front of it"},
		{"no-flow-control", "F1", "bugNoFlowControl", "register", "kill,partition",
			"a store takes in requests however many are waiting",
			"a queue beyond its bound"},
	}
}

// snapshotBugs are those in snapshots and compaction.
func snapshotBugs() []Bug {
	return []Bug{
		{"compacted-too-far", "S5", "bugNoSnapshot", "register", "partition,kill",
			"a log that was compacted has no snapshot to send",
			"the cluster does not come to rest"},
		{"snapshot-keeps-stale", "S1", "bugSnapshotKeepsStale", "churn", "partition,conf-change,replace",
			"a snapshot does not clear the data that it replaces",
			"replicas that differ at one applied index"},
		{"snapshot-live-read", "S2", "bugSnapshotLiveRead", "churn", "conf-change,replace,learner",
			"a snapshot's data are read from a later state than the one that it is said to be of",
			"replicas that differ at one applied index"},
		{"snapshot-two-batches", "S3", "bugSnapshotTwoBatches", "churn", "lag",
			"a snapshot clears the old data in one batch and writes the new ones in another",
			"a store that does not start: its applied index is beyond its log"},
		{"snapshot-overlap", "S4", "bugSnapshotOverlap,bugSnapshotUnblocked", "churn", "partition,split,batch-split,conf-change,replace",
			"a snapshot is taken although its range overlaps another region",
			"a panic: two regions of a store overlap"},
		{"snapshot-older", "S6", "bugSnapshotOlder", "churn", "partition,conf-change,replace,learner",
			"a snapshot is taken although the peer has applied more",
			"a panic: an entry is applied that does not follow the last one"},
		{"snapshot-other-range", "S7", "bugSnapshotOtherRange", "churn", "split,batch-split,conf-change,replace",
			"a snapshot carries the data of the region's range as it is while it is sent",
			"a region takes no writes after healing; replicas that differ at one applied index"},
		{"snapshot-old-conf", "R16", "bugSnapshotOldConf", "register", "partition,conf-change,replace,joint",
			"a snapshot's membership is ignored",
			"a panic: a group with other members than its region"},
		{"snapshot-forgets-merges", "P9", "bugSnapshotForgets", "churn", "lag,merge,conf-change",
			"a snapshot does not bring which regions have become part of this one",
			"peers that know other things of their region at one applied index"},
		{"snapshot-thaws-merge", "P9", "bugSnapshotThaws", "churn", "all",
			"a snapshot of a region that is frozen for a merge is taken for one of a region that is not",
			"peers that know other things of their region at one applied index"},
	}
}

// splitBugs are those in splits.
func splitBugs() []Bug {
	return []Bug{
		{"split-no-epoch", "A3", "bugSplitNoEpoch", "register", "split",
			"the epoch is not checked at apply",
			"a panic: a write outside of its region"},
		{"waiting-not-checked", "A3", "bugWaitingNotChecked", "register", "split",
			"writes that waited for an entry under way are proposed although the region was split meanwhile",
			"a panic: a write outside of its region"},
		{"split-child-twice", "P1", "bugChildByMessage,bugSplitForgets", "churn", "all",
			"a message makes a child before the split does, and the split forgets what it has promised",
			"a vote changes within a term"},
		{"split-same-version", "P2", "bugSplitSameVersion", "register", "split",
			"a split does not raise the version",
			"a panic: a write outside of its region"},
		{"split-loses-key", "P3", "bugSplitLosesKey", "scan", "split,batch-split",
			"the key at which a region is cut is in neither part",
			"a key that no region holds; the cluster is not cut as it should be"},
		{"split-other-shard", "P14", "bugChildOnParentsShard", "churn", "split,batch-split",
			"a child that lives on another shard is entered in the tables of its parent's",
			"a panic: a shard looks at a region of another one"},
		{"split-replay", "P13", "bugSplitReplay", "churn", "split,kill,crash-at",
			"a split raises the version in a batch of its own, before the one that says it is done",
			"a panic: an entry is applied that does not fit its region"},
	}
}

// mergeBugs are those in merges.
func mergeBugs() []Bug {
	return []Bug{
		{"merge-no-catch-up", "P7", "bugMergeNoCatchUp", "register", "merge,split,partition",
			"a target takes a source over without applying the source's log on its store first",
			"a region takes no writes after healing"},
		{"merge-writes", "P8", "bugMergeWrites", "register", "merge,split",
			"a frozen region takes writes",
			"a read older than an acknowledged write"},
		{"merge-reads", "P11", "bugMergeReads,bugMergeKeepsLease", "register", "coup",
			"a frozen region serves reads, and keeps its lease for them",
			"a lease outlives its region"},
		{"merge-rollback", "P9", "bugMergeRollback", "register", "merge",
			"a merge is taken back without a proof that it can't come about any more",
			"a panic: a source is taken over that was thawed"},
		{"merge-no-epoch", "P10", "bugMergeStaleTarget,bugMergeNoEpoch", "register", "merge",
			"a source is taken over although the target has changed since it was frozen",
			"a panic: a source is taken over by a target that has changed"},
		{"merge-conf-change", "P12", "bugMergeConfChange", "register", "merge",
			"a frozen region changes its members",
			"a panic: a source is taken over whose members are others"},
	}
}

// sleepBugs are those in the sleep of regions that nobody uses. The catalogue of other stores' bugs has none of their kind.
func sleepBugs() []Bug {
	return []Bug{
		{"hibernate-fooled", "I1", "bugHibernateFooled", "register", "kill",
			"whoever sleeps does not watch the stores that it relies on",
			"a peer sleeps on while its leader is gone"},
		{"hibernate-not-caught-up", "I2", "bugHibernateNotCaughtUp", "register", "kill,partition",
			"a leader lets its region sleep without looking at its followers",
			"a region sleeps though a peer lacks entries"},
	}
}

// membershipBugs are those in membership and elections.
func membershipBugs() []Bug {
	return []Bug{
		{"conf-state-lost", "R4", "bugConfStateLost", "register", "conf-change,replace,joint,kill",
			"the batch in which a membership change is applied does not say what it has become",
			"replicas that differ at one applied index"},
		{"two-conf-changes", "R10", "bugChangePending,bugChangeUnchecked,bugChangeNoEpoch", "register", "conf-change,replace,joint,partition",
			"a membership change is proposed and applied while another one is on its way",
			"a panic: a group with other members than its region"},
		{"learner-votes", "R13", "bugLearnerVotes", "register", "learner,kill,partition",
			"a learner counts for majorities",
			"a panic: a group with other members than its region"},
		{"joint-forever", "R14", "bugJointForever,bugJointNotByOthers", "register", "joint,kill,transfer-leader",
			"only the leader that entered a joint configuration leaves it",
			"a region stays in its joint configuration"},
		{"no-pre-vote", "R12", "bugNoPreVote", "register", "partition,conf-change",
			"a peer starts elections without asking whether it could win, and a leader does not ask whether it still leads",
			"a peer starts elections that it cannot win"},
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
