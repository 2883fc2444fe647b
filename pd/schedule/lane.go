package schedule

// lane is what an operator is counted with. Moving a peer makes work for disks and the network for as long as its data take;
// handing leadership over is a message. Counted together, handovers would wait for moves in all the time in which stores
// become even, though that is when they are needed most. PD does the same: it counts operators that only hand over against a
// limit of their own, and gives stores limits for added and removed peers only.
type lane uint8

const (
	laneMoves     lane = iota // peers come or go, or regions are cut or merged
	laneHandovers             // nothing but leadership moves
	lanes
)

// lane returns the operator's.
func (o *Operator) lane() lane {
	for _, step := range o.Steps {
		if _, ok := step.(TransferLeader); !ok {
			return laneMoves
		}
	}
	return laneHandovers
}

// String is for reasons.
func (l lane) String() string {
	if l == laneHandovers {
		return "handovers"
	}
	return "operators"
}

// most returns how many operators of a lane there may be, in all and for one store.
func (l Limits) most(of lane) (all, perStore int) {
	if of == laneHandovers {
		return l.HandoversMax, l.HandoversPerStoreMax
	}
	return l.OperatorsMax, l.OperatorsPerStoreMax
}

// traffic is how many operators there are in a lane, in all and touching each store.
type traffic struct {
	all      int
	perStore map[uint64]int
}

func (t *traffic) enter(o *Operator) {
	t.all++
	for _, store := range o.stores() {
		t.perStore[store]++
	}
}

func (t *traffic) leave(o *Operator) {
	t.all--
	for _, store := range o.stores() {
		if t.perStore[store]--; t.perStore[store] == 0 {
			delete(t.perStore, store)
		}
	}
}
