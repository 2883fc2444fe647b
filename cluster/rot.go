package cluster

import (
	"fmt"
	"slices"

	"ordeal/nemesis"
	"ordeal/pd/core"
	"ordeal/proto/metapb"
	"ordeal/system/engine"
	"ordeal/system/region"
	"ordeal/system/store"
	"ordeal/world"
)

// rot is a block of a store's disk that was damaged.
type rot struct {
	on    world.NodeID
	block *engine.Block
	what  string
	// quarantined is how many replicas the store has taken out of service since.
	quarantined int
	// repaired is set when all of the store's replicas could be read again and the block was in no table any more.
	repaired bool
}

// Rot implements nemesis.Target.
func (c *Sim) Rot(n world.NodeID, regions []uint64, block uint64) (what string, err error) {
	s := c.store(n)
	if s == nil {
		return "", fmt.Errorf("there is no store %d", n)
	}
	peers := c.views(s)
	if _, err := c.Crash(n); err != nil {
		return "", err
	}
	var b *engine.Block
	s.disk.Aside(func() {
		b, err = s.disk.Rot(block, func(b *engine.Block) bool {
			hit := meeting(peers, b)
			return len(hit) > 0 && !slices.ContainsFunc(hit, func(id uint64) bool { return !slices.Contains(regions, id) })
		})
	})
	if b != nil {
		what = fmt.Sprintf("damaged %s at %d, keys %s to %s of regions %d", b.Table, b.From,
			region.FormatKey(engine.UserKey(b.First)), region.FormatKey(engine.UserKey(b.Last)), meeting(peers, b))
		c.rots = append(c.rots, &rot{on: n, block: b, what: what})
	}
	if err != nil {
		return what, err
	}
	return what, c.Restart(n)
}

// meeting returns the regions that may have keys in a block.
func meeting(peers []store.PeerView, b *engine.Block) (ids []uint64) {
	for _, v := range peers {
		if v.Initialised && b.Meets(engine.DataRange(v.Region.GetStartKey(), v.Region.GetEndKey())) {
			ids = append(ids, v.Region.GetId())
		}
	}
	return ids
}

// Damages implements nemesis.Target.
func (c *Sim) Damages() []nemesis.Damage {
	out := c.lossDamages()
	for _, r := range c.rots {
		d := nemesis.Damage{Store: r.on, What: r.what, Quarantined: r.quarantined}
		s := c.store(r.on)
		r.repaired = r.repaired || s.lost // there is another damage for that
		if !r.repaired && c.World.Up(r.on) {
			d.Unnoticed = s.unreadable()
			whole := len(d.Unnoticed) == 0 && len(s.store.Quarantined()) == 0
			d.Hidden = whole && s.disk.Has(r.block)
			r.repaired = whole && !d.Hidden
		}
		d.Repaired = r.repaired
		out = append(out, d)
	}
	return out
}

// unreadable returns the regions whose replicas on the store, in service, have data that can't be read.
func (s *simStore) unreadable() (ids []uint64) {
	for _, v := range s.store.Peers() {
		if _, _, err := s.hash(v.Region); v.Initialised && err != nil {
			ids = append(ids, v.Region.GetId())
		}
	}
	return ids
}

// Rotten says whether somebody who reads the region on a store may have come to a damaged block there.
func (c *Sim) Rotten(on world.NodeID, r *metapb.Region) bool {
	return slices.ContainsFunc(c.rots, func(x *rot) bool {
		return x.on == on && x.block.Meets(engine.DataRange(r.GetStartKey(), r.GetEndKey()))
	})
}

// countQuarantined has the replicas counted that stores take out of service, beside what then does with them.
func (c *Sim) countQuarantined(then func(uint64, *metapb.Region, uint64, string)) func(uint64, *metapb.Region, uint64, string) {
	return func(on uint64, r *metapb.Region, peer uint64, why string) {
		for i := len(c.rots) - 1; i >= 0; i-- {
			if c.rots[i].on == world.NodeID(on) {
				c.rots[i].quarantined++
				break
			}
		}
		if then != nil {
			then(on, r, peer, why)
		}
	}
}

// damaged says whether a store's disk was damaged.
func (c *Sim) damaged(n world.NodeID) bool {
	return slices.ContainsFunc(c.rots, func(r *rot) bool { return r.on == n })
}

// Ails implements nemesis.Target.
func (c *Sim) Ails(id uint64) string {
	all := currentOf(c.knowledge())
	i := slices.IndexFunc(all, func(r current) bool { return r.region.GetId() == id })
	if i < 0 {
		return fmt.Sprintf("there is no region %d", id)
	}
	return c.ailing(all[i])
}

// AilsOn implements nemesis.Target.
func (c *Sim) AilsOn(n world.NodeID) string {
	if !slices.ContainsFunc(c.PD().Stores(), func(s core.StoreInfo) bool { return s.ID() == uint64(n) }) {
		return fmt.Sprintf("the placement driver does not know %s yet, and could not be told of its loss", storeName(n))
	}
	for _, r := range currentOf(c.knowledge()) {
		if region.FindPeer(r.region, uint64(n)) == nil {
			continue
		}
		if why := c.ailing(r); why != "" {
			return fmt.Sprintf("region %d: %s", r.region.GetId(), why)
		}
	}
	return ""
}

func (c *Sim) ailing(r current) string {
	id := r.region.GetId()
	if r.leader == 0 || r.frozen {
		return "it has no leader, or is about to be merged"
	}
	if c.isChanging(id) {
		return "its replicas are about to change"
	}
	// A replica too many is taken away soon, and it may be one that is well.
	if n := len(r.region.GetPeers()); n != c.cfg.Replicas {
		return fmt.Sprintf("it has %d replicas, and is to have %d", n, c.cfg.Replicas)
	}
	for _, m := range r.region.GetPeers() {
		s := c.store(world.NodeID(m.GetStoreId()))
		if s == nil || !c.World.Up(s.id) {
			return storeName(world.NodeID(m.GetStoreId())) + " is down"
		}
		if !region.Votes(m) || s.store.ChangePending(id) {
			return "its replicas are about to change"
		}
		peers := s.store.Peers()
		j := slices.IndexFunc(peers, func(v store.PeerView) bool { return v.Peer == m.GetId() && v.Initialised })
		if j < 0 {
			return storeName(s.id) + " has no data of it"
		}
		if _, _, err := s.hash(peers[j].Region); err != nil {
			return fmt.Sprintf("%s: %v", storeName(s.id), err)
		}
	}
	return ""
}
