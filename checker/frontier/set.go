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

// set holds configurations, of those that differ only in used the one that has used fewest. A few are looked through; more
// are in a hash table with linear probing, whose clear costs what was in it.
type set struct {
	list  []config
	table []uint32 // 1 + place in list, 0 is empty
	at    []uint32 // where each is in table, if any is
}

const (
	setSizeMin = 64
	// scannedMax is how many are looked through.
	scannedMax = 8
)

func (s *set) len() int { return len(s.list) }

func (s *set) clear() {
	for _, at := range s.at {
		s.table[at] = 0
	}
	s.list, s.at = s.list[:0], s.at[:0]
}

// find is what is in the set instead of c, or nil, and where c would be in the table, if there is one.
func (s *set) find(c *config) (other *config, at uint32) {
	if len(s.at) == 0 {
		for i := range s.list {
			if s.list[i].like(c) {
				return &s.list[i], 0
			}
		}
		return nil, 0
	}
	mask := uint32(len(s.table) - 1)
	for at = uint32(c.hash()) & mask; s.table[at] != 0; at = (at + 1) & mask {
		if other = &s.list[s.table[at]-1]; other.like(c) {
			return other, at
		}
	}
	return nil, at
}

// like says whether two configurations differ in used at most.
func (c *config) like(other *config) bool {
	return other.state == c.state && other.acted == c.acted
}

// add puts c in and says whether that is news: it was not there, or only with more used.
func (s *set) add(c config) bool {
	other, at := s.find(&c)
	if other != nil {
		if other.used <= c.used {
			return false
		}
		other.used = c.used
		return true
	}
	s.list = append(s.list, c)
	switch {
	case len(s.list) <= scannedMax:
	case len(s.at) == 0 || 2*len(s.list) > len(s.table):
		s.index()
	default:
		s.at = append(s.at, at)
		s.table[at] = uint32(len(s.list))
	}
	return true
}

// index puts all into a table that is large enough.
func (s *set) index() {
	if 2*len(s.list) > len(s.table) {
		s.table = make([]uint32, max(setSizeMin, 2*len(s.table)))
	}
	s.at = s.at[:0]
	mask := uint32(len(s.table) - 1)
	for i := range s.list {
		at := uint32(s.list[i].hash()) & mask
		for s.table[at] != 0 {
			at = (at + 1) & mask
		}
		s.at, s.table[at] = append(s.at, at), uint32(i+1)
	}
}
