package checker

import (
	"time"

	"ordeal/world"
)

// Member is a peer of a region, and where it is.
type Member struct {
	Store world.NodeID
	Peer  uint64
}

// Slept: a store lets the leader of a region sleep, which has applied its log up to index, the end, and believes in these
// members. Each must have applied as much at some time: one that lags would go on lagging, since nobody tells it. What a
// crash took from it since does not count; it comes back awake. Nor does it count if it has been destroyed since: then the leader
// has stood still while another one was elected, and falls asleep of what it was told before.
func (v *Invariants) Slept(store world.NodeID, region, index uint64, members []Member) {
	for _, m := range members {
		if p := v.peer(m.Store, region); p.tombstone < m.Peer && p.most < index {
			v.fail(checkSleep, "store %d let region %d sleep at index %d, but store %d has only applied up to %d",
				store, region, index, m.Store, p.most)
			return
		}
	}
}

// Asleep: a store's peer sleeps in trust of a leader whose store has been down for a time. Beyond limit it should have
// noticed.
func (v *Invariants) Asleep(store world.NodeID, region uint64, leader world.NodeID, down, limit time.Duration) {
	if down > limit {
		v.fail(checkOversleep, "region %d sleeps on store %d, though store %d, which led it, has been down for %v, and %v should be enough",
			region, store, leader, down, limit)
	}
}
