package core

import (
	"slices"

	"ordeal/world"
)

// Snapshot is a belief at one moment. It never changes, whatever happens to the Cluster it was taken from.
type Snapshot struct {
	regionTree
	now    world.Time
	stores []StoreInfo
}

// Snapshot takes one. The cost is that of the stores; regions are shared.
func (c *Cluster) Snapshot(now world.Time) *Snapshot {
	return &Snapshot{regionTree: c.copy(), now: now, stores: c.Stores(now)}
}

// Now is when the snapshot was taken.
func (s *Snapshot) Now() world.Time { return s.now }

// Stores returns all stores, tombstones included, by id. The slice must not be modified.
func (s *Snapshot) Stores() []StoreInfo { return s.stores }

// Store returns the store of that id, or nil.
func (s *Snapshot) Store(id uint64) *StoreInfo {
	i, found := slices.BinarySearchFunc(s.stores, id, func(info StoreInfo, id uint64) int {
		switch {
		case info.ID() < id:
			return -1
		case info.ID() > id:
			return 1
		default:
			return 0
		}
	})
	if !found {
		return nil
	}
	return &s.stores[i]
}
