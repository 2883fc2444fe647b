// Package clienttest has a cluster for the tests of clients: stores, regions and a placement driver in memory, behind
// the same world.Proc and the same bytes as a real cluster, in virtual time and from one seed.
//
// It has no replication: a region's data is in one place and its leader is whoever it says. What it has is everything
// that makes a client's life hard: requests and replies that get lost or come late, stores that are down, leaders that
// move, regions that split, and a placement driver that learns of it late. Every write that takes effect is counted, so
// that a test can hold what the client said against what happened.
package clienttest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"time"

	"github.com/tidwall/btree"
	"google.golang.org/protobuf/proto"

	"ordeal/proto/metapb"
	"ordeal/system/region"
	"ordeal/world"
)

// PDAddr is where the placement driver is.
var PDAddr = world.Addr{Node: 100}

// replicas is how many peers each region has, if there are as many stores.
const replicas = 3

// Faults are probabilities from 0 to 1, each for one request.
type Faults struct {
	// LoseRequest: it never arrives. LoseReply: it is served, but the caller will not know.
	LoseRequest, LoseReply float64
	// Slow: a message takes up to 3 s.
	Slow float64
	// Busy: the store refuses with ServerIsBusy.
	Busy float64
	// Undetermined: the store serves a write, or does not, and answers that it cannot say which.
	Undetermined float64
	// Forget: the store answers that it has done a write, and has not. It makes the cluster a wrong one.
	Forget float64
}

// Cluster is the whole cluster and its clock.
type Cluster struct {
	Faults Faults
	// Applied counts how often each written value took effect.
	Applied map[string]int

	rand   *rand.Rand
	now    world.Time
	seq    uint64
	events queue

	stores  int
	crashed map[world.NodeID]bool
	// regions are in the order of their keys; known is what the placement driver believes.
	regions []*group
	known   []*group
	nextID  uint64
}

// group is a region with its leader and its data.
type group struct {
	meta   *metapb.Region
	leader *metapb.Peer
	data   *btree.Map[string, []byte]
	index  uint64
}

// New returns a cluster of some stores, with ids from 1 up, cut into regions at borders, which ascend.
func New(seed uint64, stores int, borders ...[]byte) *Cluster {
	c := &Cluster{
		Applied: map[string]int{},
		rand:    rand.New(rand.NewPCG(seed, 0)),
		stores:  stores,
		crashed: map[world.NodeID]bool{},
		nextID:  1001,
	}
	first := &metapb.Region{Id: c.id(), RegionEpoch: &metapb.RegionEpoch{ConfVer: 1, Version: 1}}
	for i := range min(replicas, stores) {
		first.Peers = append(first.Peers, &metapb.Peer{Id: c.id(), StoreId: uint64(i + 1)})
	}
	c.regions = []*group{{meta: first, leader: first.Peers[0], data: &btree.Map[string, []byte]{}}}
	for _, b := range borders {
		c.Split(b)
	}
	for _, g := range c.regions {
		g.leader = g.meta.Peers[c.rand.IntN(len(g.meta.Peers))]
	}
	c.Report()
	return c
}

func (c *Cluster) id() uint64 { c.nextID++; return c.nextID - 1 }

// Split cuts the region that holds key at key; it does nothing if a region begins there.
func (c *Cluster) Split(key []byte) {
	i := c.at(key)
	left := c.regions[i]
	if bytes.Equal(left.meta.GetStartKey(), key) {
		return
	}
	// Regions are replaced, never modified: requests and the placement driver may still hold the old ones.
	old := left.meta
	left.meta = region.Clone(old)
	left.meta.EndKey = key
	left.meta.RegionEpoch.Version++
	right := &group{meta: region.Clone(left.meta), data: &btree.Map[string, []byte]{}, index: left.index}
	right.meta.Id, right.meta.StartKey, right.meta.EndKey = c.id(), key, old.EndKey
	for _, p := range right.meta.Peers {
		p.Id = c.id()
	}
	right.leader = region.FindPeer(right.meta, left.leader.GetStoreId())
	left.data.Ascend(string(key), func(k string, v []byte) bool {
		right.data.Set(k, v)
		return true
	})
	for _, k := range right.data.Keys() {
		left.data.Delete(k)
	}
	c.regions = slices.Insert(c.regions, i+1, right)
}

// Merge makes the region that holds key part of the one behind it, if there is one.
func (c *Cluster) Merge(key []byte) {
	i := c.at(key)
	if i+1 == len(c.regions) {
		return
	}
	source, target := c.regions[i], c.regions[i+1]
	old := target.meta
	target.meta = region.Clone(old)
	target.meta.StartKey = source.meta.GetStartKey()
	// The source's version rises when it is frozen, and the merged region is newer than both.
	target.meta.RegionEpoch.Version = max(source.meta.GetRegionEpoch().GetVersion()+1, old.GetRegionEpoch().GetVersion()) + 1
	source.data.Ascend("", func(k string, v []byte) bool {
		target.data.Set(k, v)
		return true
	})
	c.regions = slices.Delete(c.regions, i, i+1)
}

// MoveLeader makes another peer the leader of the region that holds key.
func (c *Cluster) MoveLeader(key []byte) {
	g := c.regions[c.at(key)]
	others := slices.DeleteFunc(slices.Clone(g.meta.GetPeers()), func(p *metapb.Peer) bool { return p.GetId() == g.leader.GetId() })
	if len(others) > 0 {
		g.leader = others[c.rand.IntN(len(others))]
	}
}

// MovePeer replaces a follower of the region that holds key by a new peer on a store that has none.
func (c *Cluster) MovePeer(key []byte) {
	g := c.regions[c.at(key)]
	var from *metapb.Peer
	for _, p := range g.meta.GetPeers() {
		if p.GetId() != g.leader.GetId() {
			from = p
		}
	}
	for s := uint64(1); s <= uint64(c.stores) && from != nil; s++ {
		if region.FindPeer(g.meta, s) == nil {
			g.meta = region.Clone(g.meta)
			region.RemovePeer(g.meta, from.GetStoreId())
			g.meta.Peers = append(g.meta.Peers, &metapb.Peer{Id: c.id(), StoreId: s})
			g.meta.RegionEpoch.ConfVer += 2
			return
		}
	}
}

// Report lets the placement driver see how things are; otherwise it believes what it saw last.
func (c *Cluster) Report() {
	c.known = nil
	for _, g := range c.regions {
		c.known = append(c.known, &group{meta: g.meta, leader: g.leader})
	}
}

// Crash takes a store down; what it leads is led by another store from then on, if one is up. Restart ends that.
func (c *Cluster) Crash(store world.NodeID) {
	c.crashed[store] = true
	for _, g := range c.regions {
		for _, p := range g.meta.GetPeers() {
			if c.crashed[world.NodeID(g.leader.GetStoreId())] && !c.crashed[world.NodeID(p.GetStoreId())] {
				g.leader = p
			}
		}
	}
}

// Restart brings a store back.
func (c *Cluster) Restart(store world.NodeID) { delete(c.crashed, store) }

// Trouble does something bad every so often, at a key that key draws, until the clock shows until. Then everything heals:
// no faults, all stores up, and the placement driver knows all regions.
func (c *Cluster) Trouble(every, until time.Duration, key func(*rand.Rand) []byte) {
	if c.now.Add(every) >= world.Time(until) {
		c.Faults = Faults{}
		for s := range c.stores {
			c.Restart(world.NodeID(s + 1))
		}
		c.Report()
		return
	}
	c.At(every, func() {
		k := key(c.rand)
		switch c.rand.IntN(10) {
		case 0, 1:
			c.Split(k)
		case 2, 3:
			c.MovePeer(k)
		case 4:
			c.Crash(world.NodeID(c.rand.IntN(c.stores) + 1))
		case 5:
			c.Restart(world.NodeID(c.rand.IntN(c.stores) + 1))
		case 6:
			c.Report()
		case 7:
			c.Merge(k)
		default:
			c.MoveLeader(k)
		}
		c.Trouble(every, until, key)
	})
}

// Value returns what key holds.
func (c *Cluster) Value(key []byte) (value []byte, found bool) {
	return c.regions[c.at(key)].data.Get(string(key))
}

// at returns the place of the region that holds key.
func (c *Cluster) at(key []byte) int { return find(c.regions, key) }

func find(groups []*group, key []byte) int {
	return sort.Search(len(groups), func(i int) bool {
		return bytes.Compare(groups[i].meta.GetStartKey(), key) > 0
	}) - 1
}

func (c *Cluster) down(to world.Addr) bool { return c.crashed[to.Node] }

func marshal(m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("clienttest: marshal %v: %v", m, err))
	}
	return b
}

func unmarshal(b []byte, m proto.Message) {
	if err := proto.Unmarshal(b, m); err != nil {
		panic(fmt.Sprintf("clienttest: unmarshal %T: %v", m, err))
	}
}
