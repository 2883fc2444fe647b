// Package core is what the placement driver believes of its cluster: which stores there are, and which region holds
// which keys on which of them.
//
// Belief is made of news, and news is old. Heartbeats are lost, doubled, delayed and reordered, and a leader that was
// deposed long ago goes on reporting. A Cluster therefore takes a heartbeat only if nothing it already believes
// contradicts it by a higher epoch or term, and drops what the heartbeat proves wrong. Two properties follow: regions
// never overlap, and what is believed of a region never goes back. There may be gaps, which mean that nobody has
// reported yet what is there; a lookup in a gap finds nothing.
//
// A Cluster changes; a Snapshot of it does not, costs little to take, and is what placement is decided on.
package core

import (
	"errors"
	"fmt"

	"github.com/tidwall/btree"

	"ordeal/proto/metapb"
	"ordeal/proto/pdpb"
	"ordeal/world"
)

// Errors of a Cluster. News that causes one changes nothing.
var (
	// ErrStale: something newer is already known. The sender is behind and will learn so from its own group.
	ErrStale = errors.New("stale region heartbeat")
	// ErrInvalid: the message describes something that cannot exist. Its sender has a bug.
	ErrInvalid = errors.New("invalid message")
	// ErrUnknownStore: the store was never registered, and must be before it reports.
	ErrUnknownStore = errors.New("unknown store")
	// ErrStoreTombstone: the store is gone for good. It has to start anew with an empty disk and another id.
	ErrStoreTombstone = errors.New("store is a tombstone")
	// ErrDuplicateStore: the address belongs to another store, or the store id to another address.
	ErrDuplicateStore = errors.New("duplicate store")
)

// Cluster is the current belief. The zero value is not usable.
type Cluster struct {
	regionTree
	liveness Liveness
	stores   btree.Map[uint64, *storeRecord]
	// shares are what regions have on each store, whether it is registered or not.
	shares  map[uint64]*share
	evicted evictions
	// reported is when each region was last heard of in this life. It is no part of what is believed: a report that says
	// nothing new changes nothing else.
	reported map[uint64]world.Time
}

// evictionsMax is how many of the latest evictions are remembered.
const evictionsMax = 4096

// evictions remembers which regions were proved to be gone, or to have changed, and at which version. Without it a late
// heartbeat of a region that has become part of another one could come back where that one has just left a gap.
type evictions struct {
	version map[uint64]uint64
	order   []uint64
}

func (e *evictions) add(r *RegionInfo) {
	if _, known := e.version[r.ID()]; !known {
		e.order = append(e.order, r.ID())
	}
	e.version[r.ID()] = max(e.version[r.ID()], r.Region.GetRegionEpoch().GetVersion())
	if len(e.order) > evictionsMax {
		delete(e.version, e.order[0])
		e.order = e.order[1:]
	}
}

// NewCluster returns a belief in nothing.
func NewCluster(l Liveness) *Cluster {
	return &Cluster{regionTree: newRegionTree(), liveness: l, shares: make(map[uint64]*share),
		evicted: evictions{version: make(map[uint64]uint64)}, reported: make(map[uint64]world.Time)}
}

// Boot says that the driver's life begins now. Stores read from disk have not had a chance to report: their silence is
// counted from here, so that a restart of the driver never makes a store look dead.
func (c *Cluster) Boot(now world.Time) {
	c.stores.Scan(func(_ uint64, rec *storeRecord) bool {
		if !rec.heard {
			rec.lastSeen = now
		}
		return true
	})
}

// PutStore registers a store or changes what is known of it, meta.State included; meta must not be modified any more.
// It returns ErrInvalid, ErrDuplicateStore or ErrStoreTombstone.
func (c *Cluster) PutStore(meta *metapb.Store, now world.Time) error {
	if meta.GetId() == 0 || meta.GetAddress() == "" {
		return fmt.Errorf("%w: a store needs an id and an address, got id %d, address %q", ErrInvalid,
			meta.GetId(), meta.GetAddress())
	}
	old, known := c.stores.Get(meta.GetId())
	if known && old.meta.GetState() == metapb.StoreState_Tombstone {
		return fmt.Errorf("%w: store %d", ErrStoreTombstone, meta.GetId())
	}
	if known && old.meta.GetAddress() != meta.GetAddress() {
		return fmt.Errorf("%w: store %d is at %s, not at %s", ErrDuplicateStore, meta.GetId(),
			old.meta.GetAddress(), meta.GetAddress())
	}
	var err error
	c.stores.Scan(func(id uint64, rec *storeRecord) bool {
		alive := rec.meta.GetState() != metapb.StoreState_Tombstone
		if alive && id != meta.GetId() && rec.meta.GetAddress() == meta.GetAddress() {
			err = fmt.Errorf("%w: address %s of store %d belongs to store %d", ErrDuplicateStore,
				meta.GetAddress(), meta.GetId(), id)
		}
		return err == nil
	})
	if err != nil {
		return err
	}
	rec := &storeRecord{meta: meta, lastSeen: now}
	if known {
		rec.stats, rec.lastSeen, rec.heard, rec.slow = old.stats, old.lastSeen, old.heard, old.slow
	}
	c.stores.Set(meta.GetId(), rec)
	return nil
}

// HeartbeatStore takes a store's account of itself. It returns ErrUnknownStore or ErrStoreTombstone.
func (c *Cluster) HeartbeatStore(stats *pdpb.StoreStats, now world.Time) error {
	rec, known := c.stores.Get(stats.GetStoreId())
	switch {
	case !known:
		return fmt.Errorf("%w: store %d", ErrUnknownStore, stats.GetStoreId())
	case rec.meta.GetState() == metapb.StoreState_Tombstone:
		return fmt.Errorf("%w: store %d", ErrStoreTombstone, stats.GetStoreId())
	}
	if rec.heard {
		rec.slow.report(now.Sub(rec.lastSeen), c.liveness)
	}
	rec.stats, rec.lastSeen, rec.heard = stats, now, true
	return nil
}

// Store returns a store as it is now; ok is false if it is unknown.
func (c *Cluster) Store(id uint64, now world.Time) (s StoreInfo, ok bool) {
	rec, ok := c.stores.Get(id)
	if !ok {
		return StoreInfo{}, false
	}
	return c.liveness.judge(rec, c.countsOf(id), now), true
}

// Stores returns all stores as they are now, tombstones included, by id.
func (c *Cluster) Stores(now world.Time) []StoreInfo {
	out := make([]StoreInfo, 0, c.stores.Len())
	c.stores.Scan(func(id uint64, rec *storeRecord) bool {
		out = append(out, c.liveness.judge(rec, c.countsOf(id), now))
		return true
	})
	return out
}

func (c *Cluster) countsOf(store uint64) Counts {
	if n := c.shares[store]; n != nil {
		return n.counts
	}
	return Counts{}
}
