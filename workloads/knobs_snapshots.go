package workloads

import (
	"math/rand/v2"

	"ordeal/system/store"
)

// snapshotKnobs are the sizes of chunks and windows, in bytes and chunks, the rate of a store in bytes a tick, and how many
// snapshots it sends and receives at a time; and how many ticks pass between two comparisons of a region's replicas.
type snapshotKnobs struct {
	chunk, window, rate, sending, receiving int

	check int
}

// drawSnapshots draws small chunks in half of the runs, so that a snapshot of the little that a run writes has many of them,
// and in half of the runs a rate at which it takes long enough for something to happen meanwhile.
func drawSnapshots(seed uint64) snapshotKnobs {
	rng := rand.New(rand.NewPCG(seed, 0x54ea305))
	k := snapshotKnobs{chunk: 64 << rng.IntN(13), window: 1 << rng.IntN(4), rate: 8 << 20, sending: 1 + rng.IntN(8), receiving: 1 + rng.IntN(4)}
	if rng.IntN(2) == 0 {
		k.rate = 1 << 10 << rng.IntN(5)
	}
	if rng.IntN(2) == 0 {
		k.check = 8 << rng.IntN(5)
	}
	return k
}

func (k snapshotKnobs) configure(c *store.Config) {
	c.SnapshotChunkBytes, c.SnapshotWindow, c.SnapshotBytesPerTick = k.chunk, k.window, k.rate
	c.SnapshotsSendingMax, c.SnapshotsReceivingMax = k.sending, k.receiving
	c.ConsistencyCheckTicks = k.check
}
