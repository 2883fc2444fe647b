package schedule

// Kind says who wanted an operator.
type Kind string

// The kinds.
const (
	KindReplica       Kind = "replica"
	KindIsolation     Kind = "isolation"
	KindJointState    Kind = "joint-state"
	KindSplit         Kind = "split"
	KindMerge         Kind = "merge"
	KindBalanceRegion Kind = "balance-region"
	KindBalanceLeader Kind = "balance-leader"
	KindHotRegion     Kind = "hot-region"
	KindScatter       Kind = "scatter"
	KindEvictLeader   Kind = "evict-leader"
	KindGrantLeader   Kind = "grant-leader"
	// KindOrdered is what people ask for.
	KindOrdered Kind = "ordered"
)

// Priority orders operators that want the same region: a higher one takes the place of a lower one.
type Priority uint8

// The priorities, from the lowest.
const (
	// PriorityEven is for what makes a cluster more even.
	PriorityEven Priority = iota
	// PriorityShape is for what gives regions the shape they should have: size, place, number of peers.
	PriorityShape
	// PriorityRepair is for what makes a region safe again.
	PriorityRepair
)

// Priority returns the kind's.
func (k Kind) Priority() Priority {
	switch k {
	case KindReplica, KindJointState:
		return PriorityRepair
	case KindIsolation, KindSplit, KindMerge, KindEvictLeader, KindGrantLeader, KindOrdered:
		return PriorityShape
	default:
		return PriorityEven
	}
}
