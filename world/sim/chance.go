package sim

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/cespare/xxhash/v2"

	"ordeal/world"
)

// derive turns the seed, a purpose and what it is for into a number that has nothing to do with any other such number.
// Streams seeded with it do not depend on the order in which nodes, links and procs come to be.
func derive(seed uint64, purpose string, ids ...uint64) uint64 {
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, 96), seed)
	b = append(b, purpose...)
	b = append(b, 0) // keeps a purpose from running into the ids
	for _, id := range ids {
		b = binary.LittleEndian.AppendUint64(b, id)
	}
	return xxhash.Sum64(b)
}

// stream is a random source of its own for one purpose.
func stream(seed uint64, purpose string, ids ...uint64) *rand.Rand {
	s := derive(seed, purpose, ids...)
	return rand.New(rand.NewPCG(s, derive(s, purpose)))
}

// chance is true with probability p. It draws nothing when p is 0.
func chance(rng *rand.Rand, p float64) bool {
	return p > 0 && rng.Float64() < p
}

// between draws uniformly from low to high, both included.
func between(rng *rand.Rand, low, high time.Duration) time.Duration {
	if low == high {
		return low
	}
	return low + time.Duration(rng.Int64N(int64(high-low)+1))
}

// clockOffsetMax bounds how far a node's clock is ahead of the world's. Hours, so that no code that compares the clocks
// of two machines can work by luck.
const clockOffsetMax = 4 * time.Hour

// nodeClock is what a machine believes the time to be. It belongs to the machine, so it survives crashes.
type nodeClock struct {
	offset time.Duration
}

func newNodeClock(seed uint64, id world.NodeID) nodeClock {
	return nodeClock{offset: between(stream(seed, "clock", uint64(id)), 0, clockOffsetMax)}
}

// read returns what the clock shows at the time t of the world. It is the only place that knows how the two relate.
func (c nodeClock) read(t world.Time) world.Time {
	return t.Add(c.offset)
}
