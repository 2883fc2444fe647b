package checker

import (
	"time"

	"ordeal/world"
)

// Slept: a store lets the leader of a region sleep, which has applied its log up to index, the end. peers are the stores
// of all of the region's peers. Each must have applied as much at some time: one that lags would go on lagging, since
// nobody tells it. What a crash took from it since does not count; it comes back awake.
func (v *Invariants) Slept(store world.NodeID, region, index uint64, peers []world.NodeID) {
	for _, s := range peers {
		if p := v.peer(s, region); p.most < index {
			v.fail(checkSleep, "store %d let region %d sleep at index %d, but store %d has only applied up to %d",
				store, region, index, s, p.most)
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
