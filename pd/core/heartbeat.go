package core

import (
	"bytes"
	"fmt"
	"slices"

	"ordeal/proto/metapb"
	"ordeal/proto/pdpb"
	"ordeal/system/region"
	"ordeal/world"
)

// Change is what a heartbeat did to the belief.
type Change struct {
	// Old is what was believed of the same region before; nil if nothing.
	Old *RegionInfo
	// Now is what is believed of it now: Old if the heartbeat said nothing new.
	Now *RegionInfo
	// Evicted are other regions that the heartbeat proved to be gone or changed, in the order of keys.
	Evicted []*RegionInfo
}

// ProcessHeartbeat believes r unless something newer is known: then it returns ErrStale, and ErrInvalid for a region
// that cannot exist. r must not be modified any more.
//
// Epochs order all states of one region, and versions also order regions that overlap, since whatever takes keys over
// from another region (a split, a merge) does so with a higher version; so a region that was evicted has a higher one, too, if it is
// still there. Within one epoch the leader's term decides. A
// region's terms never go down, so a lower term is refused at a higher epoch too: taking it would put a deposed leader
// back in charge, and its successor reports the same epoch soon.
//
// Most heartbeats say what is known already. Those cost a lookup and a comparison. One that differs only in what goes on
// inside the region, such as its leader or its load, needs no look at its neighbours.
func (c *Cluster) ProcessHeartbeat(r *RegionInfo) (Change, error) {
	old := c.Region(r.ID())
	if old != nil && sameShape(old.Region, r.Region) && r.Term >= old.Term && (r.Leader == nil || isPeer(old.Region, r.Leader)) {
		c.heard(r)
		if sameState(old, r) {
			return Change{Old: old, Now: old}, nil
		}
		r.Region = old.Region // equal, and one less in memory
		c.believe(old, r)
		return Change{Old: old, Now: r}, nil
	}
	if err := r.validate(); err != nil {
		return Change{}, err
	}
	stale := old != nil && (region.StaleEpoch(r.Region.GetRegionEpoch(), old.Region.GetRegionEpoch()) || r.Term < old.Term)
	// gofail: var bugPDStaleHeartbeat struct{}
	// stale = false

	if stale {
		return Change{}, staleError(r, old)
	}
	evicted, err := c.overlapped(r)
	if err != nil {
		return Change{}, err
	}
	for _, o := range evicted {
		c.drop(o)
		c.evicted.add(o)
	}
	c.heard(r)
	c.believe(old, r)
	return Change{Old: old, Now: r, Evicted: evicted}, nil
}

// overlapped returns the other regions that r proves wrong, or ErrStale if it is r that is.
func (c *Cluster) overlapped(r *RegionInfo) ([]*RegionInfo, error) {
	// gofail: var bugPDOverlap struct{}
	// return nil, nil

	var evicted []*RegionInfo
	var newer *RegionInfo
	version := r.Region.GetRegionEpoch().GetVersion()
	c.Ascend(r.Region.GetStartKey(), r.Region.GetEndKey(), func(o *RegionInfo) bool {
		if o.ID() == r.ID() {
			return true
		}
		if version < o.Region.GetRegionEpoch().GetVersion() {
			newer = o
			return false
		}
		evicted = append(evicted, o)
		return true
	})
	if newer != nil {
		return nil, staleError(r, newer)
	}
	if last, ok := c.evicted.version[r.ID()]; ok && version <= last {
		return nil, fmt.Errorf("%w: got %s, which has changed since version %d", ErrStale, r, last)
	}
	return evicted, nil
}

func staleError(r, known *RegionInfo) error {
	return fmt.Errorf("%w: got %s, known %s", ErrStale, r, known)
}

// Reported is when the region of that id was last heard of in this life of the driver; 0 if it was not.
func (c *Cluster) Reported(id uint64) world.Time { return c.reported[id] }

func (c *Cluster) heard(r *RegionInfo) {
	if r.Reported != 0 {
		c.reported[r.ID()] = r.Reported
	}
}

// believe puts r in the place of old, the same region as it was before; nil if it was not known.
func (c *Cluster) believe(old, r *RegionInfo) {
	switch {
	case old == nil:
		c.insert(r)
	case bytes.Equal(old.Region.GetStartKey(), r.Region.GetStartKey()):
		c.replace(r)
	default:
		c.remove(old)
		c.insert(r)
	}
	c.account(old, r)
}

// drop forgets a region.
func (c *Cluster) drop(r *RegionInfo) {
	c.remove(r)
	c.account(r, nil)
	delete(c.reported, r.ID())
}

// sameShape says whether two reports of one region agree on its epoch, range and peers.
func sameShape(a, b *metapb.Region) bool {
	return region.SameEpoch(a.GetRegionEpoch(), b.GetRegionEpoch()) && bytes.Equal(a.GetStartKey(), b.GetStartKey()) &&
		bytes.Equal(a.GetEndKey(), b.GetEndKey()) && slices.EqualFunc(a.GetPeers(), b.GetPeers(), samePeer)
}

// sameState says whether two reports of one shape agree on all the rest.
func sameState(a, b *RegionInfo) bool {
	return a.Term == b.Term && a.Leader.GetId() == b.Leader.GetId() && (a.Leader == nil) == (b.Leader == nil) &&
		a.ApproximateSize == b.ApproximateSize && a.ApproximateKeys == b.ApproximateKeys && a.Load == b.Load &&
		slices.EqualFunc(a.Pending, b.Pending, samePeer) && slices.EqualFunc(a.Down, b.Down, sameDown)
}

func samePeer(a, b *metapb.Peer) bool {
	return a.GetId() == b.GetId() && a.GetStoreId() == b.GetStoreId() && a.GetRole() == b.GetRole()
}

func sameDown(a, b *pdpb.PeerStats) bool {
	return samePeer(a.GetPeer(), b.GetPeer()) && a.GetDownSeconds() == b.GetDownSeconds()
}
