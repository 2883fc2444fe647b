package workloads

import (
	"math/rand/v2"

	"ordeal/system/store"
)

// sizes are the bounds of a store and its regions. They are drawn small in many runs, so that what happens at a bound
// happens often.
type sizes struct {
	rightDerive bool
	logBytes    uint64
	cacheBytes  uint64
	waitingMax  int
	promoteLag  uint64
	splitKeys   uint64
	// mergeBytes and mergeRest are the bound and the rest of the merge check, lookBytes what a tick may look at.
	mergeBytes uint64
	mergeRest  int
	lookBytes  int
	// measure has sizes looked at for the driver.
	measure bool
}

// drawSizes has a source of its own, so that another size does not change what else a seed draws.
func drawSizes(cfg Config) sizes {
	rng := rand.New(rand.NewPCG(cfg.Seed, 0x51ce5))
	s := plainSizes()
	s.rightDerive = rng.IntN(2) == 0
	if rng.IntN(3) == 0 {
		s.logBytes = 1 << (10 + rng.IntN(5))
	}
	if rng.IntN(2) == 0 {
		s.cacheBytes = 256 << rng.IntN(6)
	}
	if rng.IntN(4) == 0 {
		s.waitingMax = 1 + rng.IntN(8)
	}
	if rng.IntN(3) == 0 {
		s.promoteLag = 1 << rng.IntN(6)
	}
	s.lookBytes = 1 << (10 + rng.IntN(11))
	if cfg.Workload == "churn" {
		if rng.IntN(2) == 0 {
			s.splitKeys = 32 << rng.IntN(3)
		}
		if rng.IntN(2) == 0 {
			s.mergeBytes, s.mergeRest = 1<<(10+rng.IntN(3)), 10+rng.IntN(60)
		}
	}
	return s
}

// plainSizes are those of a store that nobody has configured.
func plainSizes() sizes {
	def := store.DefaultConfig()
	return sizes{
		logBytes: def.LogBytesMax, cacheBytes: def.LogCacheBytes, waitingMax: def.WaitingMax, promoteLag: def.PromoteLagMax,
		lookBytes: def.LookBytesPerTick,
	}
}

func (s sizes) apply(c *store.Config) {
	c.RightDerive = s.rightDerive
	c.LogBytesMax, c.LogCacheBytes = s.logBytes, s.cacheBytes
	c.WaitingMax = s.waitingMax
	c.PromoteLagMax = s.promoteLag
	c.RegionSplitKeys, c.RegionMergeBytes, c.LookBytesPerTick = s.splitKeys, s.mergeBytes, s.lookBytes
	c.MeasureSizes = s.measure
	if s.mergeBytes > 0 {
		c.MergeRestTicks = s.mergeRest
	}
}
