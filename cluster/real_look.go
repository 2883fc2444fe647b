package cluster

import (
	"errors"
	"fmt"
	"slices"

	"ordeal/nemesis"
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/system/client"
	"ordeal/system/region"
	"ordeal/system/store"
	"ordeal/world"
)

// look asks the placement driver for the regions, and every peer of each, one after the other, for what it knows. While
// the driver is silent, nobody can be found: what the last look saw stands, and the error says so.
func (c *Real) look(p world.Proc) ([]knowledge, error) {
	cl := newClient(p, c.cfg.drivers(), client.Options{CallTimeout: realAdminTimeout, OpTimeout: realAdminTimeout})
	regions, err := []*pdpb.Region(nil), errors.New("the placement driver is down")
	if slices.ContainsFunc(c.PDs(), c.Up) {
		regions, err = cl.Regions()
	}
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.seen, err
	}
	all := make([]knowledge, c.cfg.Stores)
	for i, id := range c.cfg.storeNodes() {
		all[i] = knowledge{store: id, up: c.Up(id)}
	}
	for _, info := range regions {
		r := info.GetRegion()
		for _, m := range r.GetPeers() {
			if m.GetStoreId() < 1 || m.GetStoreId() > uint64(c.cfg.Stores) {
				return nil, fmt.Errorf("%s has a peer on store %d, which is not of this cluster", region.Format(r), m.GetStoreId())
			}
			k := &all[m.GetStoreId()-1]
			if !k.up {
				continue
			}
			// A peer that does not answer is one of which nothing is known.
			if status, its, err := cl.Status(r, m); err == nil && its != nil {
				k.peers = append(k.peers, viewOf(m, its, status))
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = all
	return all, nil
}

// viewOf is a peer as it described itself.
func viewOf(m *metapb.Peer, r *metapb.Region, st *ordealpb.RegionStatus) store.PeerView {
	v := store.PeerView{
		Region: r, Peer: m.GetId(), Initialised: true,
		Leader: st.GetLeader().GetId() == m.GetId(), Term: st.GetTerm(), Truncated: st.GetTruncatedIndex(),
	}
	v.Applied.Index = st.GetAppliedIndex()
	return v
}

// restless says what keeps a cluster that was looked at from being at rest, or nothing.
func (c *Real) restless(all []knowledge) string {
	// The placement driver may not have heard of a region that was just split off.
	regions := currentOf(all)
	next := []byte{}
	for i, r := range regions {
		if string(r.region.GetStartKey()) != string(next) {
			return "no region is known from key " + region.FormatKey(next)
		}
		next = r.region.GetEndKey()
		if len(next) == 0 && i < len(regions)-1 {
			return region.Format(r.region) + " has no end but is not the last region"
		}
	}
	if len(regions) == 0 || len(next) > 0 {
		return "no region is known from key " + region.FormatKey(next)
	}
	return settled(all, c.cfg.Replicas)
}

// region returns the current description of a region, or nil.
func (c *Real) region(p world.Proc, id uint64) *metapb.Region {
	all, _ := c.look(p)
	return findRegion(currentOf(all), id)
}

// Regions implements nemesis.Target. It asks the cluster, so it takes a moment, and more of it where nobody answers; while
// the placement driver is silent, it returns what it did before.
func (c *Real) Regions() []nemesis.Region {
	var all []knowledge
	err := c.Do(ProbeNode, "look", func(p world.Proc) error {
		all, _ = c.look(p)
		return nil
	})
	if err != nil {
		return nil
	}
	return regionsOf(currentOf(all))
}
