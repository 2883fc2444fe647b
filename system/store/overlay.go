package store

import (
	"ordeal/system/engine"
	"ordeal/system/region"
)

// overlay holds the data that the turn's batch will write, so that commands see what earlier commands of the same turn
// did. It is emptied with every commit.
type overlay struct {
	// values are what was written to single keys, after any range that they lie in was deleted.
	values map[string]overlayValue
	// deleted are ranges, as in a request.
	deleted []keyRange
}

type overlayValue struct {
	value  []byte
	exists bool
}

type keyRange struct{ start, end []byte }

// reset forgets everything; its memory is used again.
func (o *overlay) reset() {
	clear(o.values)
	o.deleted = o.deleted[:0]
}

// read returns what key holds, counting what the turn wrote, or an error if that can't be trusted.
func (s *Store) read(key []byte) ([]byte, bool, error) {
	if v, ok := s.fresh.values[string(key)]; ok {
		return v.value, v.exists, nil
	}
	for _, r := range s.fresh.deleted {
		if region.InRange(key, r.start, r.end) {
			return nil, false, nil
		}
	}
	return s.eng.Read(engine.DataKey(key))
}

func (s *Store) put(key, value []byte) {
	s.fresh.values[string(key)] = overlayValue{value: value, exists: true}
	s.batch.Put(engine.DataKey(key), value)
}

func (s *Store) del(key []byte) {
	s.fresh.values[string(key)] = overlayValue{}
	s.batch.Delete(engine.DataKey(key))
}

// delRange deletes [start, end), in which an empty end is the end of the key space. The batch keeps the order of what is
// done to a key, and so does the overlay: what the turn wrote before is forgotten, what it writes later counts.
func (s *Store) delRange(start, end []byte) {
	// gofail: var bugRangeNotInOverlay struct{}
	// if lo, hi := engine.DataRange(start, end); true {
	// 	s.batch.DeleteRange(lo, hi)
	// 	return
	// }

	//tidy:maporder which keys are forgotten does not depend on the order
	for key := range s.fresh.values {
		if region.InRange([]byte(key), start, end) {
			delete(s.fresh.values, key)
		}
	}
	s.fresh.deleted = append(s.fresh.deleted, keyRange{start, end})
	lo, hi := engine.DataRange(start, end)
	s.batch.DeleteRange(lo, hi)
}
