package traffic

import "fmt"

// grid is how many buckets the keys are spread over: every key of a workload begins with the name of one, in hexadecimal
// digits that sort as the buckets do. Where there are no more regions than coarse buckets, keys have two digits (k00 to
// kff), beyond that four, so that each region has some buckets of its own.
type grid int

const (
	coarse grid = 1 << 8
	fine   grid = 1 << 16
	// RegionsMax is the largest number of regions that the keys can be cut into: a quarter of the fine buckets, so that
	// the bucket in front of a border belongs to the region in front of it.
	RegionsMax = 1 << 14
)

// gridFor is the grid of keys that are cut into so many regions.
func gridFor(regions int) grid {
	if regions <= int(coarse) {
		return coarse
	}
	return fine
}

// key returns the first key of a bucket, followed by rest. Buckets beyond the last one start over.
func (g grid) key(bucket int, rest string) string {
	digits := 2
	if g == fine {
		digits = 4
	}
	return fmt.Sprintf("k%0*x", digits, bucket%int(g)) + rest
}

// stride is by how many buckets the next generation of a key lies further on: about a seventh of all of them, and a number
// that has no factor in common with how many there are, so that generations come by every bucket.
func (g grid) stride() int {
	if g == coarse {
		return 37
	}
	return 37*int(fine/coarse) + 1
}

// home is the bucket of a generation of a slot: slots stay evenly spread.
func (g grid) home(slot, slots, generation int) int { return slot*int(g)/slots + generation*g.stride() }

// hotBuckets are those of the first generation of every slot.
func hotBuckets(k Knobs) []int {
	var buckets []int
	for slot := range k.HotKeys {
		buckets = append(buckets, gridFor(k.Regions).home(slot, k.HotKeys, 0))
	}
	return buckets
}

// SplitKeys returns the n-1 borders that cut the keys of all workloads into n regions of about the same number of keys.
// n is from 1 to RegionsMax.
func SplitKeys(n int) [][]byte {
	var keys [][]byte
	for _, bucket := range borders(n) {
		keys = append(keys, []byte(gridFor(n).key(bucket, "")))
	}
	return keys
}

// borders are the buckets at which the regions but the first begin.
func borders(n int) []int {
	if n < 1 || n > RegionsMax {
		panic(fmt.Sprintf("traffic: cannot cut keys into %d regions, want 1 to %d", n, RegionsMax))
	}
	var buckets []int
	for i := 1; i < n; i++ {
		buckets = append(buckets, i*int(gridFor(n))/n)
	}
	return buckets
}

// mix spreads numbers over all 64 bits, the same numbers in the same way in every run.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return x ^ (x >> 31)
}

// KeySet is what the clients of a run know in common about keys: which are hot at the moment, which are retired, and
// all that were ever used. In the simulated world, where only one client runs at a time, they share one. It is not safe
// for concurrent use: in the real world each client has its own. That costs nothing but some contention, because names
// of keys depend only on the workload, the slot and the generation, so that clients meet at the same keys as long as
// they are about equally fast.
type KeySet struct {
	slots   []slot
	retired []string
	used    []string
	// seen and groups are only looked up.
	seen   map[string]struct{}
	groups map[string]*wholeness
}

// slot is the place of a hot key, or of a group of them, whose keys change with each generation.
type slot struct {
	generation, ops int
}

// NewKeySet returns an empty one.
func NewKeySet() *KeySet {
	return &KeySet{seen: map[string]struct{}{}, groups: map[string]*wholeness{}}
}

// Used returns all keys that were ever used, in the order of their first use. It must not be modified.
func (s *KeySet) Used() []string { return s.used }

func (s *KeySet) use(key string) {
	if _, ok := s.seen[key]; !ok {
		s.seen[key] = struct{}{}
		s.used = append(s.used, key)
	}
}

// turn counts an operation on a slot and returns the slot's generation. Every rotateAfter operations there is a new one;
// rotated says that this is its first. The first generations of slots differ in length, so that they do not all end at
// the same time.
func (s *KeySet) turn(i, slots, rotateAfter int) (generation int, rotated bool) {
	for len(s.slots) < slots {
		s.slots = append(s.slots, slot{ops: len(s.slots) * rotateAfter / slots})
	}
	sl := &s.slots[i]
	if sl.ops >= rotateAfter {
		sl.ops, rotated = 0, true
		sl.generation++
	}
	sl.ops++
	return sl.generation, rotated
}

func (s *KeySet) retire(keys ...string) { s.retired = append(s.retired, keys...) }
