package client

import (
	"bytes"
	"slices"
	"sort"

	"ordeal/proto/kvrpcpb"
	"ordeal/proto/metapb"
	"ordeal/system/region"
)

// entry is what the client believes of one region. The region is never modified.
type entry struct {
	region *metapb.Region
	// leader is the peer to ask.
	leader *metapb.Peer
	// asked counts the peers that were asked in vain since one of them answered.
	asked int
}

// newEntry believes leader to lead; without one it begins with the region's first peer.
func newEntry(r *metapb.Region, leader *metapb.Peer) *entry {
	if leader.GetStoreId() == 0 && len(r.GetPeers()) > 0 {
		leader = r.GetPeers()[0]
	}
	return &entry{region: r, leader: leader}
}

// context names the region, its epoch and the peer in a request.
func (e *entry) context() *kvrpcpb.Context {
	return &kvrpcpb.Context{RegionId: e.region.GetId(), RegionEpoch: e.region.GetRegionEpoch(), Peer: e.leader}
}

// next turns to another peer and reports false once all of them have been asked.
func (e *entry) next() bool {
	peers := e.region.GetPeers()
	if len(peers) == 0 {
		return false
	}
	at := slices.IndexFunc(peers, func(p *metapb.Peer) bool { return p.GetId() == e.leader.GetId() })
	e.leader = peers[(at+1)%len(peers)]
	e.asked++
	return e.asked < len(peers)
}

// cache holds regions that do not overlap, in the order of their keys. A region is replaced only by newer knowledge;
// what is not covered must be asked for.
type cache struct {
	entries []*entry
}

// find returns the entry whose region holds key, or nil.
func (c *cache) find(key []byte) *entry {
	// i is the first region that begins behind key.
	i := sort.Search(len(c.entries), func(i int) bool {
		return bytes.Compare(c.entries[i].region.GetStartKey(), key) > 0
	})
	if i == 0 || !region.Contains(c.entries[i-1].region, key) {
		return nil
	}
	return c.entries[i-1]
}

// insert takes e in place of all that it overlaps, unless any of that is newer than e or known in the same epoch. It
// reports whether it took e.
func (c *cache) insert(e *entry) bool {
	start, end := e.region.GetStartKey(), e.region.GetEndKey()
	from := sort.Search(len(c.entries), func(i int) bool {
		last := c.entries[i].region.GetEndKey()
		return len(last) == 0 || bytes.Compare(last, start) > 0
	})
	to := from
	for to < len(c.entries) && (len(end) == 0 || bytes.Compare(c.entries[to].region.GetStartKey(), end) < 0) {
		if !replaces(e.region, c.entries[to].region) {
			return false
		}
		to++
	}
	c.entries = slices.Replace(c.entries, from, to, e)
	return true
}

// replaces reports whether r is newer than old, which it overlaps. Two regions that share keys descend from each other,
// and a change of range raises the version, so versions are comparable even between two regions; conf_ver is not.
func replaces(r, old *metapb.Region) bool {
	if r.GetId() == old.GetId() {
		e, o := r.GetRegionEpoch(), old.GetRegionEpoch()
		return !region.StaleEpoch(e, o) && !region.SameEpoch(e, o)
	}
	return r.GetRegionEpoch().GetVersion() > old.GetRegionEpoch().GetVersion()
}

// forget drops e, if it is still there.
func (c *cache) forget(e *entry) {
	if i := slices.Index(c.entries, e); i >= 0 {
		c.entries = slices.Delete(c.entries, i, i+1)
	}
}
