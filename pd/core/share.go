package core

import (
	"bytes"
	"math/rand/v2"

	"github.com/tidwall/btree"

	"ordeal/proto/metapb"
)

// Role is what a peer is for its region. A peer that lags is pending beside whatever else it is.
type Role uint8

// The roles.
const (
	RoleLeader Role = iota
	// RoleFollower votes, or is about to, and does not lead as far as is known.
	RoleFollower
	RoleLearner
	RolePending
	rolesCount
)

// roles is a set of them.
type roles uint8

func (s roles) has(r Role) bool { return s&(1<<r) != 0 }

// rolesOn returns the roles of r's peer on a store; none if there is no such peer or no r.
func rolesOn(r *RegionInfo, store uint64) roles {
	if r == nil {
		return 0
	}
	for _, p := range r.Region.GetPeers() {
		if p.GetStoreId() == store {
			return rolesOf(r, p)
		}
	}
	return 0
}

func rolesOf(r *RegionInfo, p *metapb.Peer) roles {
	s := roles(1 << RoleFollower)
	switch {
	case r.LeaderStore() == p.GetStoreId():
		s = 1 << RoleLeader
	case p.GetRole() == metapb.PeerRole_Learner:
		s = 1 << RoleLearner
	}
	if len(r.Pending) > 0 && r.IsPending(p.GetId()) {
		s |= 1 << RolePending
	}
	return s
}

// share is what regions have on one store.
type share struct {
	counts Counts
	byRole [rolesCount]roleTree
}

// account changes the shares of all stores on which a region has, or had, peers. Either of its two states may be nil.
// Where a peer keeps its role and the region its start, the trees stay as they are.
func (c *Cluster) account(old, now *RegionInfo) {
	same := old != nil && now != nil && bytes.Equal(old.Region.GetStartKey(), now.Region.GetStartKey())
	if old != nil {
		for _, p := range old.Region.GetPeers() {
			store := c.shares[p.GetStoreId()]
			had := rolesOf(old, p)
			store.counts.add(old, had, -1)
			var keeps roles
			if same {
				keeps = rolesOn(now, p.GetStoreId())
			}
			store.change(old, had&^keeps, roleTree.delete)
		}
	}
	if now != nil {
		for _, p := range now.Region.GetPeers() {
			store := c.shares[p.GetStoreId()]
			if store == nil {
				store = new(share)
				c.shares[p.GetStoreId()] = store
			}
			has := rolesOf(now, p)
			store.counts.add(now, has, 1)
			if same {
				has &^= rolesOn(old, p.GetStoreId())
			}
			store.change(now, has, roleTree.set)
		}
	}
	if old == nil {
		return
	}
	for _, p := range old.Region.GetPeers() {
		if s := c.shares[p.GetStoreId()]; s != nil && s.counts == (Counts{}) {
			delete(c.shares, p.GetStoreId())
		}
	}
}

func (s *share) change(r *RegionInfo, in roles, fn func(roleTree, *RegionInfo) roleTree) {
	for role := range rolesCount {
		if in.has(role) {
			s.byRole[role] = fn(s.byRole[role], r)
		}
	}
}

// add adds a region whose peer on the store has the roles, or takes it away with by = -1.
func (n *Counts) add(r *RegionInfo, has roles, by int) {
	n.Regions += by
	n.Size += uint64(by) * r.ApproximateSize // by = -1 wraps, which subtracts
	n.Weight += int64(by) * Weight(r.ApproximateSize)
	n.WriteLoad += uint64(by) * r.Load.WriteBytes
	if has.has(RoleLeader) {
		n.Leaders += by
		n.LeaderSize += uint64(by) * r.ApproximateSize
		n.ReadLoad += uint64(by) * r.Load.ReadBytes
	}
	if has.has(RoleLearner) {
		n.Learners += by
	}
	if has.has(RolePending) {
		n.Pending += by
	}
}

// roleTree holds the regions of which a store has a peer in one role, by start key. It names them by id, so that it stays
// as it is while what goes on inside of them changes. The zero value is empty.
type roleTree struct {
	live *btree.BTreeG[roleItem]
	// frozen is a copy that snapshots share; nil if live has changed since it was made.
	frozen *btree.BTreeG[roleItem]
}

type roleItem struct {
	start []byte
	id    uint64
}

func (t roleTree) set(r *RegionInfo) roleTree {
	if t.live == nil {
		less := func(a, b roleItem) bool { return bytes.Compare(a.start, b.start) < 0 }
		t.live = btree.NewBTreeGOptions(less, btree.Options{NoLocks: true})
	}
	t.live.Set(roleItem{start: r.Region.GetStartKey(), id: r.ID()})
	t.frozen = nil
	return t
}

func (t roleTree) delete(r *RegionInfo) roleTree {
	t.live.Delete(roleItem{start: r.Region.GetStartKey()})
	t.frozen = nil
	return t
}

// freeze returns the tree as it is now, nil if it is empty.
func (t *roleTree) freeze() *btree.BTreeG[roleItem] {
	if t.frozen == nil && t.live != nil {
		t.frozen = t.live.Copy()
	}
	return t.frozen
}

// roleTrees are frozen, by role.
type roleTrees [rolesCount]*btree.BTreeG[roleItem]

func (s *share) freeze() roleTrees {
	var out roleTrees
	for role := range s.byRole {
		out[role] = s.byRole[role].freeze()
	}
	return out
}

// view is freeze without a copy.
func (s *share) view() roleTrees {
	var out roleTrees
	for role := range s.byRole {
		out[role] = s.byRole[role].live
	}
	return out
}

// RandomOf returns a random one of the regions that start in [start, end) and of which the store has a peer in that role,
// or nil if there is none. An empty end is the end of the key space.
func (s *Snapshot) RandomOf(rng *rand.Rand, store uint64, role Role, start, end []byte) *RegionInfo {
	t := s.rolesOf(store)[role]
	if t == nil {
		return nil
	}
	lo, hi := bounds(t, start, end, func(it roleItem) []byte { return it.start })
	if lo >= hi {
		return nil
	}
	it, _ := t.GetAt(lo + rng.IntN(hi-lo))
	return s.Region(it.id)
}

// AscendOf calls fn for the regions of which the store has a peer in that role, in the order of keys from the n-th on and
// around the end, until it has been called for all or returns false.
func (s *Snapshot) AscendOf(store uint64, role Role, n int, fn func(*RegionInfo) bool) {
	t := s.rolesOf(store)[role]
	if t == nil || t.Len() == 0 {
		return
	}
	first, _ := t.GetAt(n % t.Len())
	going := true
	visit := func(it roleItem) bool {
		going = fn(s.Region(it.id))
		return going
	}
	t.Ascend(first, visit)
	if !going {
		return
	}
	t.Scan(func(it roleItem) bool { return bytes.Compare(it.start, first.start) < 0 && visit(it) })
}

// CountOf returns of how many regions the store has a peer in that role.
func (s *Snapshot) CountOf(store uint64, role Role) int {
	if t := s.rolesOf(store)[role]; t != nil {
		return t.Len()
	}
	return 0
}
