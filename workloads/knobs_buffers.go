package workloads

import (
	"math/rand/v2"

	"ordeal/cluster"
	"ordeal/raft"
)

// buffers are bounds that a run hardly ever meets if they are as large as usual, so each is tiny in some runs.
type buffers struct {
	// barriers is how many turns of a shard may wait for the disk.
	barriers int
	// ops and opsBytes bound what shares a log entry.
	ops, opsBytes int
	// messageBytes, applyBytes and inflight are those of raft.Bounds.
	messageBytes, applyBytes uint64
	inflight                 int
	// ids is how many ids the placement driver promises at a time, regionsPerTick how many regions it looks at in a tick.
	ids            uint64
	regionsPerTick int
	// entries is how many entries with writes a leader has under way. One is usual, so here a run draws more.
	entries int
}

// Each bound is tiny in one of tinyOdds runs; the number of turns that wait for the disk, beyond which a store goes deaf, in one
// of deafOdds.
const (
	tinyOdds = 3
	deafOdds = 8
	// fewRegionsMax is with how many regions stores may be made deaf so soon, and the driver be so slow in looking at them: of more, all
	// of which speak at every tick, a store would hear next to nothing, and the driver would not see in minutes that one lacks something.
	fewRegionsMax = 16
)

// drawBuffers has a source of its own, so that another bound does not change what else a seed draws.
func drawBuffers(seed uint64, regions int) buffers {
	rng := rand.New(rand.NewPCG(seed, 0xb0ffe25))
	b := plainBuffers()
	if rng.IntN(deafOdds) == 0 {
		if few := 2 << rng.IntN(4); regions <= fewRegionsMax {
			b.barriers = few
		}
	}
	if rng.IntN(tinyOdds) == 0 {
		b.ops = 1 << rng.IntN(4)
	}
	if rng.IntN(tinyOdds) == 0 {
		b.opsBytes = 64 << rng.IntN(6)
	}
	if rng.IntN(tinyOdds) == 0 {
		b.messageBytes = 64 << rng.IntN(8)
	}
	if rng.IntN(tinyOdds) == 0 {
		b.applyBytes = 64 << rng.IntN(8)
	}
	if rng.IntN(tinyOdds) == 0 {
		b.inflight = 1 << rng.IntN(4)
	}
	if rng.IntN(tinyOdds) == 0 {
		b.ids = 1 << rng.IntN(6)
	}
	if rng.IntN(tinyOdds) == 0 {
		if few := 1 << rng.IntN(4); regions <= fewRegionsMax {
			b.regionsPerTick = few
		}
	}
	b.entries = 1 << rng.IntN(5)
	return b
}

// plainBuffers are those of a cluster that nobody has configured.
func plainBuffers() buffers {
	def := cluster.DefaultConfig()
	return buffers{
		barriers: def.Store.BarriersMax, ops: def.Store.OpsPerEntryMax, opsBytes: def.Store.OpsBytesPerEntryMax,
		messageBytes: def.Store.Append.MessageBytes, applyBytes: def.Store.Append.ApplyBytes, inflight: def.Store.Append.InflightMessages,
		ids: def.PD.IDBatch, regionsPerTick: def.PD.RegionsPerTick,
		entries: def.Store.EntriesInFlightMax,
	}
}

func (b buffers) configure(c *cluster.Config) {
	c.Store.BarriersMax, c.Store.OpsPerEntryMax, c.Store.OpsBytesPerEntryMax = b.barriers, b.ops, b.opsBytes
	c.Store.Append = raft.Bounds{MessageBytes: b.messageBytes, ApplyBytes: b.applyBytes, InflightMessages: b.inflight}
	c.Store.EntriesInFlightMax = b.entries
	c.PD.IDBatch, c.PD.RegionsPerTick = b.ids, b.regionsPerTick
}
