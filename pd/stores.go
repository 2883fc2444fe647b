package pd

import (
	"google.golang.org/protobuf/proto"

	"ordeal/pd/core"
	"ordeal/proto/metapb"
	"ordeal/proto/pdpb"
	"ordeal/system/region"
)

// bootstrap takes the first region and its store, once in the life of a cluster. The region must cover all keys.
func (m *Member) bootstrap(req *pdpb.BootstrapRequest) error {
	r := req.GetRegion()
	switch {
	case m.bootstrapped:
		return refuse(pdpb.ErrorType_ALREADY_BOOTSTRAPPED, "the cluster is bootstrapped")
	case len(r.GetStartKey()) > 0 || len(r.GetEndKey()) > 0:
		return refuse(pdpb.ErrorType_INVALID_VALUE, "the first region must cover all keys, got %s", region.Format(r))
	case region.FindPeer(r, req.GetStore().GetId()) == nil:
		return refuse(pdpb.ErrorType_INVALID_VALUE, "store %d has no peer of %s", req.GetStore().GetId(), region.Format(r))
	}
	// A trial first: what is refused must leave nothing behind.
	if _, err := core.NewCluster(core.Liveness{}).ProcessHeartbeat(&core.RegionInfo{Region: r}); err != nil {
		return err
	}
	if err := m.putStore(req.GetStore()); err != nil {
		return err
	}
	if _, err := m.cluster.ProcessHeartbeat(&core.RegionInfo{Region: r}); err != nil {
		return err
	}
	m.ids.skip(r.GetId(), m.saveIDs)
	for _, p := range r.GetPeers() {
		m.ids.skip(p.GetId(), m.saveIDs)
	}
	m.outbox.put(numberedKey(prefixRegion, r.GetId()), mustMarshal(r))
	m.saveCluster()
	m.bootstrapped = true
	return nil
}

// putStore registers a store, or a new life of one: the driver's own decisions about it stay. Stores may register before
// there is a cluster to be a store of, so that whoever is first to bootstrap it does not matter.
func (m *Member) putStore(s *metapb.Store) error {
	old, known := m.cluster.Store(s.GetId(), m.now)
	if known {
		if err := sameDisk(old.Meta, s); err != nil {
			return err
		}
		s.State = old.Meta.GetState()
		if proto.Equal(s, old.Meta) && s.GetState() != metapb.StoreState_Tombstone {
			return nil // nothing to write
		}
	} else if s.GetState() != metapb.StoreState_Up {
		return refuse(pdpb.ErrorType_INVALID_VALUE, "store %d is new and can't be %s", s.GetId(), s.GetState())
	}
	if err := m.cluster.PutStore(s, m.now); err != nil {
		return err
	}
	m.saveStore(s)
	return nil
}

func (m *Member) getStore(req *pdpb.GetStoreRequest) (*pdpb.GetStoreResponse, error) {
	s, known := m.cluster.Store(req.GetStoreId(), m.now)
	if !known {
		return nil, refuse(pdpb.ErrorType_ENTRY_NOT_FOUND, "store %d is not known", req.GetStoreId())
	}
	return &pdpb.GetStoreResponse{Store: s.Meta, Stats: s.Stats}, nil
}

func (m *Member) getAllStores(req *pdpb.GetAllStoresRequest) *pdpb.GetAllStoresResponse {
	resp := &pdpb.GetAllStoresResponse{}
	for _, s := range m.cluster.Stores(m.now) {
		if s.State != core.StoreTombstone || !req.GetExcludeTombstoneStores() {
			resp.Stores = append(resp.Stores, s.Meta)
		}
	}
	return resp
}

func (m *Member) allocID(req *pdpb.AllocIDRequest) (*pdpb.AllocIDResponse, error) {
	n := max(req.GetCount(), 1)
	if n > allocCountMax {
		return nil, refuse(pdpb.ErrorType_INVALID_VALUE, "asked for %d ids, at most %d are given at a time", n, allocCountMax)
	}
	first := m.ids.take(uint64(n), m.saveIDs)
	return &pdpb.AllocIDResponse{Id: first + uint64(n) - 1, Count: n}, nil
}

// sameDisk refuses a store that comes with another disk than the one it was registered with: that one held its promises.
func sameDisk(old, s *metapb.Store) error {
	label := func(s *metapb.Store) string {
		for _, l := range s.GetLabels() {
			if l.GetKey() == region.DiskLabel {
				return l.GetValue()
			}
		}
		return ""
	}
	if was, is := label(old), label(s); was != "" && was != is {
		return refuse(pdpb.ErrorType_DUPLICATED_ENTRY, "store %d is known with disk %s, and this is disk %q: what it promised is not on it, "+
			"so it needs a new id; tell the driver to empty store %d if its disk is lost", s.GetId(), was, is, s.GetId())
	}
	return nil
}
