package store

import (
	"time"

	"ordeal/raft"
)

// newLeases is what the groups of a store know of its clock, or nil if there are no leases. raft.Leases has the argument
// for the numbers.
func newLeases(cfg Config) *raft.Leases {
	if !cfg.LeaseReads {
		return nil
	}
	promise := time.Duration(cfg.ElectionTicks-1) * cfg.TickInterval
	length := time.Duration(float64(promise) / (1 + cfg.ClockDrift))
	// gofail: var bugLeaseDrift struct{}
	// length = promise

	return &raft.Leases{Length: length, Promise: promise}
}

// setClock tells the groups the time of the turn.
func (s *Store) setClock() {
	if s.leases == nil {
		return
	}
	s.leases.Now = s.now
	if !s.booted {
		s.leases.SilentUntil = s.now.Add(s.leases.Promise)
	}
}
