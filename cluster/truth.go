package cluster

import (
	"fmt"
	"sort"

	"ordeal/nemesis"
	"ordeal/proto/metapb"
	"ordeal/system/region"
	"ordeal/system/store"
	"ordeal/world"
)

// current is one region as the freshest of its peers knows it.
type current struct {
	region *metapb.Region
	// leader is the store whose peer leads with the highest term; 0 if none does.
	leader world.NodeID
	term   uint64
	// frozen says whether that leader waits for the region to be merged.
	frozen bool
}

// knowledge is what one store knows of its peers.
type knowledge struct {
	store world.NodeID
	up    bool
	peers []store.PeerView
	// quarantined are the regions of its peers that are out of service.
	quarantined []uint64
}

// knowledge is what all stores know that are not lost, or knew when they went down.
func (c *Sim) knowledge() []knowledge {
	all := make([]knowledge, 0, len(c.stores))
	for _, s := range c.stores {
		if s.lost {
			continue
		}
		k := knowledge{store: s.id, up: c.World.Up(s.id), peers: c.views(s)}
		if k.up {
			k.quarantined = s.store.Quarantined()
		}
		all = append(all, k)
	}
	return all
}

// currentOf gathers the regions from what stores know, by start key: of each the description with the highest epoch,
// and the leader with the highest term. A region that some peer knows to have become part of another one is none any more.
func currentOf(all []knowledge) []current {
	byID := map[uint64]int{}
	ended := map[uint64]bool{}
	for _, k := range all {
		for _, v := range k.peers {
			for _, id := range v.Merged {
				ended[id] = true
			}
		}
	}
	var out []current
	for _, k := range all {
		for _, v := range k.peers {
			if !v.Initialised || ended[v.Region.GetId()] {
				continue
			}
			i, ok := byID[v.Region.GetId()]
			if !ok {
				i = len(out)
				byID[v.Region.GetId()] = i
				out = append(out, current{region: v.Region})
			}
			out[i].see(k.store, v, k.up)
		}
	}
	sort.SliceStable(out, func(i, j int) bool {
		return string(out[i].region.GetStartKey()) < string(out[j].region.GetStartKey())
	})
	return out
}

func (r *current) see(on world.NodeID, v store.PeerView, up bool) {
	if region.StaleEpoch(r.region.GetRegionEpoch(), v.Region.GetRegionEpoch()) {
		r.region = v.Region
	}
	if up && v.Leader && v.Term > r.term {
		r.leader, r.term, r.frozen = on, v.Term, v.Merging
	}
}

// Regions implements nemesis.Target.
func (c *Sim) Regions() []nemesis.Region { return regionsOf(currentOf(c.knowledge())) }

// regionsOf describes regions to a nemesis.
func regionsOf(all []current) []nemesis.Region {
	var out []nemesis.Region
	for _, r := range all {
		n := nemesis.Region{
			ID: r.region.GetId(), Start: r.region.GetStartKey(), End: r.region.GetEndKey(),
			ConfVer: r.region.GetRegionEpoch().GetConfVer(), Version: r.region.GetRegionEpoch().GetVersion(),
			Leader: r.leader, Term: r.term, Joint: region.Joint(r.region),
		}
		for _, m := range r.region.GetPeers() {
			n.Peers = append(n.Peers, nemesis.Peer{
				ID: m.GetId(), Store: world.NodeID(m.GetStoreId()), Learner: m.GetRole() == metapb.PeerRole_Learner,
				Demoting: m.GetRole() == metapb.PeerRole_DemotingVoter,
			})
		}
		out = append(out, n)
	}
	return out
}

// region returns the current description of a region, or nil.
func (c *Sim) region(id uint64) *metapb.Region { return findRegion(currentOf(c.knowledge()), id) }

func findRegion(all []current, id uint64) *metapb.Region {
	for _, r := range all {
		if r.region.GetId() == id {
			return r.region
		}
	}
	return nil
}

// Replica is the data of one region on one store.
type Replica struct {
	Store   world.NodeID
	Region  uint64
	Applied uint64
	Hash    uint64
	Pairs   int
}

// Replicas hashes every initialised replica on every store that is up and can read it, by region and store.
func (c *Sim) Replicas() []Replica {
	var out []Replica
	for _, s := range c.stores {
		if !c.World.Up(s.id) {
			continue
		}
		for _, v := range s.store.Peers() {
			if !v.Initialised {
				continue
			}
			h, n, err := s.hash(v.Region)
			if err != nil {
				continue // damaged, and not noticed: Damages tells
			}
			out = append(out, Replica{Store: s.id, Region: v.Region.GetId(), Applied: v.Applied.Index, Hash: h, Pairs: n})
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Region < out[j].Region })
	return out
}

// Log is how far one peer has applied its log, and how much of it was cut off in front.
type Log struct {
	Store              world.NodeID
	Region             uint64
	Applied, Truncated uint64
}

// Logs describes the log of every initialised peer on every store that is up, by store and region.
func (c *Sim) Logs() []Log {
	var out []Log
	for _, s := range c.stores {
		if !c.World.Up(s.id) {
			continue
		}
		for _, v := range s.store.Peers() {
			if v.Initialised {
				out = append(out, Log{Store: s.id, Region: v.Region.GetId(), Applied: v.Applied.Index, Truncated: v.Truncated})
			}
		}
	}
	return out
}

// Settled says what keeps the cluster from being at rest; see settled.
func (c *Sim) Settled() string { return settled(c.knowledge(), c.cfg.Replicas) }

// settled says what keeps a cluster from being at rest: every region has a leader and as many replicas as it should,
// all of them voters, on stores that are up and agree on region and applied index, and no store has a peer too many
// or one that is quarantined. It
// returns "" when nothing does.
func settled(all []knowledge, replicas int) string {
	count := map[uint64]int{}
	applied := map[uint64]uint64{}
	regions := map[uint64]*metapb.Region{}
	now := currentOf(all)
	for _, r := range now {
		if r.leader == 0 {
			return region.Format(r.region) + " has no leader"
		}
		if len(r.region.GetPeers()) != replicas || region.Voters(r.region) != replicas || region.Joint(r.region) {
			return region.Format(r.region) + " has not the replicas that it should have"
		}
		if r.frozen {
			return region.Format(r.region) + " is about to be merged"
		}
		regions[r.region.GetId()] = r.region
	}
	for _, k := range all {
		if !k.up {
			return storeName(k.store) + " is down"
		}
		if len(k.quarantined) > 0 {
			return fmt.Sprintf("%s has a quarantined peer of region %d", storeName(k.store), k.quarantined[0])
		}
		for _, v := range k.peers {
			id := v.Region.GetId()
			r := regions[id]
			switch {
			case !v.Initialised:
				return fmt.Sprintf("%s has an empty peer %d of region %d, %s", storeName(k.store), v.Peer, id, region.Format(r))
			case region.FindPeerByID(r, v.Peer) == nil:
				return fmt.Sprintf("%s has peer %d, which left %s", storeName(k.store), v.Peer, region.Format(r))
			case !region.SameEpoch(v.Region.GetRegionEpoch(), r.GetRegionEpoch()):
				return fmt.Sprintf("peer %d on %s lags behind %s", v.Peer, storeName(k.store), region.Format(r))
			}
			if count[id]++; count[id] > 1 && applied[id] != v.Applied.Index {
				return "peers have not applied alike in " + region.Format(r)
			}
			applied[id] = v.Applied.Index
		}
	}
	for _, r := range now {
		if count[r.region.GetId()] != replicas {
			return "a store lacks its peer of " + region.Format(r.region)
		}
	}
	return ""
}
