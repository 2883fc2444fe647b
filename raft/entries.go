package raft

import "math"

// Entries returns the entries of the log behind after, up to and including to. It reports false if the log does not hold all
// of them: they are compacted, or not there yet.
func (g *Group) Entries(after, to uint64) ([]*Entry, bool) {
	if after >= to {
		return nil, true
	}
	es, err := g.log.Entries(after+1, to+1, math.MaxUint64)
	return es, err == nil
}
