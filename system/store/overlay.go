package store

import "ordeal/system/engine"

// overlay holds the data that the turn's batch will write, so that commands see what earlier commands of the same turn
// did. It is emptied with every commit.
type overlay map[string]overlayValue

type overlayValue struct {
	value  []byte
	exists bool
}

// read returns what key holds, counting what the turn wrote.
func (s *Store) read(key []byte) ([]byte, bool) {
	if v, ok := s.fresh[string(key)]; ok {
		return v.value, v.exists
	}
	return s.eng.Get(engine.DataKey(key))
}

func (s *Store) put(key, value []byte) {
	s.fresh[string(key)] = overlayValue{value: value, exists: true}
	s.batch.Put(engine.DataKey(key), value)
}

func (s *Store) del(key []byte) {
	s.fresh[string(key)] = overlayValue{}
	s.batch.Delete(engine.DataKey(key))
}
