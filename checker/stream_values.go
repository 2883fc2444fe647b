package checker

import "github.com/cespare/xxhash/v2"

// streamValue is a value that a key may hold, or that an operation speaks of which may still act.
type streamValue struct {
	name string
	hash uint32
	// writer is the step that writes it, if that may still act; cad the conditional delete of unknown outcome that was
	// invoked first of those that expect it, or none.
	writer, cad int32
	writing     writing
	// used is false where there is no value at present.
	used bool
	// needed is for forget.
	needed bool
}

// streamValues are the values of one key by number and by name. Numbers that were forgotten are given out again.
type streamValues struct {
	// list is by number. What stands for absent is not used.
	list []streamValue
	free []value
	// slots is an open-addressing table of numbers by name, at most half full; 0 is free.
	slots []uint32
}

// at is a value by its number, good until the next is numbered, or nil for absent and anything.
func (v *streamValues) at(id value) *streamValue {
	if id == absent || id == anything {
		return nil
	}
	return &v.list[id]
}

// len is how many there are.
func (v *streamValues) len() int { return max(0, len(v.list)-1-len(v.free)) }

// number is that of a value, which gets one if it has none yet.
func (v *streamValues) number(name string) value {
	hash := uint32(xxhash.Sum64String(name))
	if mask := uint32(len(v.slots) - 1); len(v.slots) > 0 {
		for at := hash & mask; v.slots[at] != 0; at = (at + 1) & mask {
			if known := &v.list[v.slots[at]]; known.hash == hash && known.name == name {
				return v.slots[at]
			}
		}
	}
	if len(v.list) == 0 {
		v.list = make([]streamValue, 1, 6)
	}
	id := value(len(v.list))
	if n := len(v.free); n > 0 {
		id, v.free = v.free[n-1], v.free[:n-1]
	} else {
		v.list = append(v.list, streamValue{})
	}
	v.list[id] = streamValue{name: name, hash: hash, writer: none, cad: none, used: true}
	if 2*v.len() > len(v.slots) {
		v.index()
	} else {
		v.slot(id)
	}
	return id
}

// index makes the table anew.
func (v *streamValues) index() {
	size := 8
	for size < 3*v.len() {
		size *= 2
	}
	if size <= len(v.slots) && len(v.slots) <= 4*size {
		clear(v.slots)
	} else {
		v.slots = make([]uint32, size)
	}
	for id := range v.list {
		if v.list[id].used {
			v.slot(value(id))
		}
	}
}

// slot puts a value into the table.
func (v *streamValues) slot(id value) {
	mask := uint32(len(v.slots) - 1)
	at := v.list[id].hash & mask
	for v.slots[at] != 0 {
		at = (at + 1) & mask
	}
	v.slots[at] = id
}

// need marks a value as one that is not to be forgotten.
func (v *streamValues) need(id value) {
	if known := v.at(id); known != nil {
		known.needed = true
	}
}

// sweep forgets all that are not marked, and takes the marks away.
func (v *streamValues) sweep() {
	for id := range v.list {
		switch known := &v.list[id]; {
		case known.needed:
			known.needed = false
		case known.used:
			*known = streamValue{}
			v.free = append(v.free, value(id))
		}
	}
	v.index()
}
