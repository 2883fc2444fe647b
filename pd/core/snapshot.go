package core

import (
	"cmp"
	"slices"

	"ordeal/world"
)

// Snapshot is a belief at one moment. It never changes, whatever happens to the Cluster it was taken from.
type Snapshot struct {
	regionTree
	now    world.Time
	stores []StoreInfo
	// roles are what regions have on each store, in the order of stores.
	roles []roleTrees
}

// Snapshot takes one. The cost is that of the stores; regions are shared.
func (c *Cluster) Snapshot(now world.Time) *Snapshot {
	s := &Snapshot{regionTree: c.copy(), now: now, stores: c.Stores(now)}
	s.roles = make([]roleTrees, len(s.stores))
	for i := range s.stores {
		if has := c.shares[s.stores[i].ID()]; has != nil {
			s.roles[i] = has.freeze()
		}
	}
	return s
}

// View is a Snapshot that costs less and holds only until c changes: it shares what c goes on changing. It is for whoever
// decides at once, within one turn of an actor.
func (c *Cluster) View(now world.Time) *Snapshot {
	s := &Snapshot{regionTree: c.regionTree, now: now, stores: c.Stores(now)}
	s.roles = make([]roleTrees, len(s.stores))
	for i := range s.stores {
		if has := c.shares[s.stores[i].ID()]; has != nil {
			s.roles[i] = has.view()
		}
	}
	return s
}

// Now is when the snapshot was taken.
func (s *Snapshot) Now() world.Time { return s.now }

// Stores returns all stores, tombstones included, by id. The slice must not be modified.
func (s *Snapshot) Stores() []StoreInfo { return s.stores }

// Store returns the store of that id, or nil.
func (s *Snapshot) Store(id uint64) *StoreInfo {
	if i, found := s.find(id); found {
		return &s.stores[i]
	}
	return nil
}

func (s *Snapshot) rolesOf(id uint64) *roleTrees {
	if i, found := s.find(id); found {
		return &s.roles[i]
	}
	return &roleTrees{}
}

func (s *Snapshot) find(id uint64) (i int, found bool) {
	return slices.BinarySearchFunc(s.stores, id, func(info StoreInfo, id uint64) int { return cmp.Compare(info.ID(), id) })
}
