package workloads

// driverBugs are those in the placement driver.
func driverBugs() []Bug {
	return []Bug{
		{"pd-stale-heartbeat", "D1", "bugPDStaleHeartbeat", "churn", "split,conf-change,transfer-leader",
			"the driver believes heartbeats that are older than what it knows"},
		{"pd-overlap", "D2", "bugPDOverlap", "churn", "split,batch-split,merge",
			"the driver does not compare a region with those that it overlaps"},
		{"pd-operator-epoch", "D3", "bugPDOperatorEpoch,bugCommandNoEpoch", "churn", "split,conf-change,replace",
			"operators go on, and leaders carry them out, whatever has become of the region"},
		{"pd-id-reuse", "D4", "bugIDReuse", "churn", "pd-kill",
			"a driver that boots gives ids again"},
		{"pd-tso-back", "D5", "bugTSOBack", "register", "pd-kill",
			"timestamps that are ahead of the clock are not promised to the disk"},
		{"pd-unfenced", "D11", "bugPDUnfenced", "register", "pd-partition,pd-leader-transfer",
			"a leader of the driver answers without asking a quorum whether it still leads"},
		{"pd-early-leader", "D12", "bugPDEarlyLeader", "register", "pd-kill,pd-partition,pd-leader-transfer",
			"a member comes to lead the driver before it has applied what its predecessors promised"},
		{"pd-last-healthy", "D6", "bugPDLastHealthy,bugQuorumDanger", "churn", "kill,partition",
			"nobody asks whether enough healthy peers are left when one is removed"},
		{"pd-no-tolerance", "D7", "bugPDNoTolerance", "churn", "split",
			"balance moves what is more than half of the difference"},
		{"pd-pending-moved", "D8", "bugPDPendingMoved", "churn", "kill,split",
			"balance moves regions whose peers are not well"},
		{"pd-down-target", "D9", "bugPDDownTarget,bugPDDownPlace", "churn", "kill,partition",
			"peers and leaders are moved to stores that are down"},
		{"pd-no-timeout", "D10", "bugPDNoTimeout", "churn", "all",
			"operators have no end of time"},
	}
}
