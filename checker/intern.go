package checker

import (
	"math/bits"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// interner numbers strings from 1, in the order in which they come. It is an open-addressing table
// and no map, since nothing is ever deleted, how many come is known in time, and one table serves key after key.
type interner struct {
	// slots holds the upper half of a string's hash above its number; 0 is free.
	slots []uint64
	// names has the string of each number; that of 0 is empty.
	names []string
	// recent has, by their hashes, numbers of strings that came lately, most of which come again soon: what fits into the
	// processor's caches. It may be wrong, and what names says counts.
	recent [recentSize]uint32
}

const recentSize = 1 << 12

// reset forgets all strings and makes room for so many.
func (n *interner) reset(room int) {
	size := 1 << bits.Len(uint(max(room+room/2, 8)))
	if cap(n.slots) < size {
		n.slots = make([]uint64, size)
	} else {
		n.slots = n.slots[:size]
		clear(n.slots)
	}
	clear(n.names)
	n.names = append(slices.Grow(n.names[:0], room+1), "")
}

// number is the number of a string, which gets one if it has none yet.
func (n *interner) number(s string) uint32 {
	h := xxhash.Sum64String(s)
	recent := &n.recent[h%recentSize]
	if id := *recent; id > 0 && int(id) < len(n.names) && n.names[id] == s {
		return id
	}
	*recent = n.find(s, h)
	return *recent
}

func (n *interner) find(s string, h uint64) uint32 {
	mask := uint64(len(n.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		e := n.slots[i]
		if e == 0 {
			return n.add(s, h, i)
		}
		if e>>32 == h>>32 && n.names[uint32(e)] == s {
			return uint32(e)
		}
	}
}

func (n *interner) add(s string, h, slot uint64) uint32 {
	id := uint32(len(n.names))
	n.names = append(n.names, s)
	n.slots[slot] = h>>32<<32 | uint64(id)
	if 4*len(n.names) > 3*len(n.slots) {
		n.grow()
	}
	return id
}

func (n *interner) grow() {
	n.slots = make([]uint64, 2*len(n.slots))
	mask := uint64(len(n.slots) - 1)
	for id, s := range n.names[1:] {
		h := xxhash.Sum64String(s)
		i := h & mask
		for n.slots[i] != 0 {
			i = (i + 1) & mask
		}
		n.slots[i] = h>>32<<32 | uint64(id+1)
	}
}
