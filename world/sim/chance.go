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
	// fast is by how many parts per million the clock runs faster than the world's.
	fast int64
}

// newNodeClock draws a clock that is up to drift faster than the world's. Most are at one extreme or the other,
// since what breaks code that trusts clocks is a slow one among fast ones.
func newNodeClock(seed uint64, id world.NodeID, drift float64) nodeClock {
	rng := stream(seed, "clock", uint64(id))
	c := nodeClock{offset: between(rng, 0, clockOffsetMax)}
	if most := int64(drift * million); most > 0 {
		switch rng.IntN(8) {
		case 0, 1, 2:
		case 3, 4, 5, 6:
			c.fast = most
		default:
			c.fast = rng.Int64N(most + 1)
		}
	}
	return c
}

const million = 1_000_000

// read returns what the clock shows at the time t of the world. This and lasts are the only ones that know how the two
// relate. The sum is made in two parts, so that it does not overflow.
func (c nodeClock) read(t world.Time) world.Time {
	gain := int64(t)/million*c.fast + int64(t)%million*c.fast/million
	return t.Add(c.offset) + world.Time(gain)
}

// lasts returns how long it takes in the world until the clock has moved on by d, rounded up: no timer is early on the
// clock of its node by more than a nanosecond.
func (c nodeClock) lasts(d time.Duration) time.Duration {
	if c.fast == 0 || d <= 0 {
		return d
	}
	rate := int64(million) + c.fast
	whole, rest := int64(d)/rate, int64(d)%rate
	return time.Duration(whole*million + (rest*million+rate-1)/rate)
}
