package store

import (
	"slices"

	"ordeal/proto/metapb"
	"ordeal/raft"
	"ordeal/system/engine"
)

// PeerView is what a store knows of one of its peers, for those who look at a cluster from outside.
type PeerView struct {
	Region  *metapb.Region
	Peer    uint64
	Leader  bool
	Term    uint64
	Applied raft.ID
	// Last and Commit are indexes of the log.
	Last, Commit uint64
	// Truncated is the last entry that the log no longer holds.
	Truncated uint64
	// Initialised says whether the peer knows its region.
	Initialised bool
	// Merging says whether the region is frozen; Merged are regions that are known to be no more.
	Merging bool
	Merged  []uint64
	// Asleep says that the peer gets no ticks, relying on Leads, the store that led the region when it fell asleep.
	Asleep bool
	Leads  uint64
}

// Peers lists the store's peers by region id.
func (s *Store) Peers() []PeerView {
	vs := make([]PeerView, 0, len(s.order))
	for _, p := range s.order {
		v := PeerView{
			Region: p.region, Peer: p.meta.GetId(), Leader: p.group.IsLeader(), Term: p.group.Term(), Applied: p.applied,
			Last: p.group.LastIndex(), Commit: p.group.CommitIndex(),
			Truncated: p.group.Truncated().Index, Initialised: p.initialised(), Merging: p.merging(),
			Asleep: p.rest.asleep, Leads: p.leader().GetStoreId(),
		}
		for _, e := range p.merged.GetRegions() {
			v.Merged = append(v.Merged, e.GetId())
		}
		vs = append(vs, v)
	}
	return vs
}

// ChangePending says whether a peer of the region here has a membership change in its log that it has not applied: it may still
// come about, whoever waits for it or not.
func (n *Node) ChangePending(id uint64) bool {
	p := n.shards[n.shards[0].cfg.shardOf(id)].peers[id]
	if p == nil {
		return false
	}
	entries, ok := p.group.Entries(p.applied.Index, p.group.LastIndex())
	return !ok || slices.ContainsFunc(entries, raft.IsConfChange)
}

// Quarantined lists the regions whose peers on this store are quarantined.
func (n *Node) Quarantined() (regions []uint64) {
	for _, s := range n.shards {
		for _, o := range s.outcasts {
			regions = append(regions, o.region.GetId())
		}
	}
	slices.Sort(regions)
	return regions
}

// HashRegion hashes the data that this store holds in a region's range; pairs is their number. It tells replicas with
// equal applied indexes from unequal ones. It fails if they can't be read.
func (s *Store) HashRegion(r *metapb.Region) (hash uint64, pairs int, err error) {
	lo, hi := engine.DataRange(r.GetStartKey(), r.GetEndKey())
	v := s.eng.View()
	defer v.Close()
	return v.Hash(lo, hi)
}
