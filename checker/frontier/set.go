package frontier

import "math/bits"

// config is a configuration: a state and who has acted.
type config struct {
	state uint64
	// acted has a bit for each slot.
	acted [slotsMax / 64]uint64
	// used counts the operations of mode Alike that have acted.
	used uint32
}

func (c *config) has(slot uint8) bool { return c.acted[slot/64]&(1<<(slot%64)) != 0 }
func (c *config) mark(slot uint8)     { c.acted[slot/64] |= 1 << (slot % 64) }
func (c *config) erase(slot uint8)    { c.acted[slot/64] &^= 1 << (slot % 64) }

// hash mixes all but used, by multiplications whose halves are folded (as wyhash does).
func (c *config) hash() uint64 {
	mix := func(a, b uint64) uint64 {
		hi, lo := bits.Mul64(a, b)
		return hi ^ lo
	}
	h := mix(c.state^0x9e3779b97f4a7c15, c.acted[0]^0xbf58476d1ce4e5b9)
	return mix(h^0x94d049bb133111eb, c.acted[1]^0xd6e8feb86659fd93)
}

// set holds configurations, of those that differ only in used the one that has used fewest. It is a hash table with
// linear probing, whose clear costs what was in it.
type set struct {
	table []uint32 // 1 + place in list, 0 is empty
	list  []config
	at    []uint32 // where each is in table
}

const setSizeMin = 64

func newSet() *set { return &set{table: make([]uint32, setSizeMin)} }

func (s *set) len() int { return len(s.list) }

// all goes through the configurations in the order in which they came.
func (s *set) all(yield func(config) bool) {
	for i := range s.list {
		if !yield(s.list[i]) {
			return
		}
	}
}

func (s *set) clear() {
	for _, at := range s.at {
		s.table[at] = 0
	}
	s.list, s.at = s.list[:0], s.at[:0]
}

// find is where c is in the table, or would be.
func (s *set) find(c *config) uint64 {
	mask := uint64(len(s.table) - 1)
	for at := c.hash() & mask; ; at = (at + 1) & mask {
		n := s.table[at]
		if n == 0 {
			return at
		}
		if other := &s.list[n-1]; other.state == c.state && other.acted == c.acted {
			return at
		}
	}
}

// add puts c in and says whether that is news: it was not there, or only with more used.
func (s *set) add(c config) bool {
	at := s.find(&c)
	if n := s.table[at]; n != 0 {
		other := &s.list[n-1]
		if other.used <= c.used {
			return false
		}
		other.used = c.used
		return true
	}
	s.list, s.at = append(s.list, c), append(s.at, uint32(at))
	s.table[at] = uint32(len(s.list))
	if 2*len(s.list) > len(s.table) {
		s.grow()
	}
	return true
}

func (s *set) grow() {
	s.table = make([]uint32, 2*len(s.table))
	for i := range s.list {
		at := s.find(&s.list[i])
		s.table[at], s.at[i] = uint32(i+1), uint32(at)
	}
}
