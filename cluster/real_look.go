package cluster

import (
	"fmt"

	"ordeal/nemesis"
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/system/client"
	"ordeal/system/region"
	"ordeal/system/store"
	"ordeal/world"
)

// look asks every peer of every region for what it knows, one after the other. Which regions there are is the placement
// driver's word; while it is silent, its last one stands, and the error says so.
func (c *Real) look(p world.Proc) ([]knowledge, error) {
	cl := newClient(p, client.Options{CallTimeout: realAdminTimeout, OpTimeout: realAdminTimeout})
	regions, silent := c.listRegions(cl)
	all := make([]knowledge, c.cfg.Stores)
	for i, id := range c.cfg.storeNodes() {
		all[i] = knowledge{store: id, up: c.Up(id)}
	}
	for _, r := range regions {
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
	return all, silent
}

// listRegions asks the placement driver for the regions. With an error they are those of its last answer.
func (c *Real) listRegions(cl *client.Client) ([]*metapb.Region, error) {
	infos, err := cl.Regions()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		return c.known, err
	}
	c.known = nil
	for _, r := range infos {
		c.known = append(c.known, r.GetRegion())
	}
	return c.known, nil
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

// currents looks at the cluster from outside of all procs.
func (c *Real) currents() []current {
	var all []knowledge
	err := c.Do(ProbeNode, "look", func(p world.Proc) error {
		// What the stores say is of use even if the placement driver says nothing.
		all, _ = c.look(p)
		return nil
	})
	if err != nil {
		return nil
	}
	return currentOf(all)
}

// region returns the current description of a region, or nil.
func (c *Real) region(p world.Proc, id uint64) *metapb.Region {
	all, _ := c.look(p)
	return findRegion(currentOf(all), id)
}

// Regions implements nemesis.Target. It asks the cluster, so it takes a moment, and more of it where nobody answers.
func (c *Real) Regions() []nemesis.Region { return regionsOf(c.currents()) }
