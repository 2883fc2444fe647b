package store

import (
	"fmt"
	"strconv"

	"google.golang.org/protobuf/proto"

	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/system/engine"
)

// A store whose disk was lost must not come back with an empty one under its old id. Others take it for the store that it was:
// they would have its peers vote, and acknowledge entries, a second time. From its disk alone it can't tell that it is not
// new. So an empty disk draws a number, which the placement driver keeps with the store's id, and a store with another
// number is refused: it needs a new id. Until the driver has registered it for the first time, a store takes no part in anything.

// loadIdent checks that the disk is this store's, or marks an empty one.
func (s *Store) loadIdent() error {
	v, ok := s.eng.Get(engine.StoreIdentKey())
	id := &ordealpb.StoreIdent{ClusterId: s.cfg.ClusterID, StoreId: s.cfg.StoreID, DiskId: s.env.Nonce}
	if !ok {
		s.keepIdent(id)
		// Nobody may hear of the number before it is durable: a crash would take it back.
		s.node.shards[s.cfg.shardOf(FirstRegion)].unsynced = true
		return nil
	}
	if err := proto.Unmarshal(v, id); err != nil {
		return fmt.Errorf("store %d: ident on disk: %w", s.cfg.StoreID, err)
	}
	if id.GetStoreId() != s.cfg.StoreID || id.GetClusterId() != s.cfg.ClusterID {
		return fmt.Errorf("store %d of cluster %d: the disk belongs to store %d of cluster %d",
			s.cfg.StoreID, s.cfg.ClusterID, id.GetStoreId(), id.GetClusterId())
	}
	s.node.ident = id
	s.node.admitted.Store(id.GetRegistered() || id.GetDiskId() == 0)
	return nil
}

func (s *Store) keepIdent(id *ordealpb.StoreIdent) {
	s.node.ident = id
	s.batch.Put(engine.StoreIdentKey(), mustMarshal(id))
	s.commit()
	// gofail: var bugEmptyDiskServes struct{}
	// s.node.admitted.Store(true)
}

// admitted says whether the store may take part in what regions do.
func (s *Store) admitted() bool { return s.node.admitted.Load() }

// diskLabel is the store's value of region.DiskLabel.
func (s *Store) diskLabel() string { return strconv.FormatUint(s.node.ident.GetDiskId(), 16) }

// onRegistered hears whether the placement driver has registered the store. It is the registrar who asks.
func (s *Store) onRegistered(resp *pdpb.PutStoreResponse) {
	bad := resp.GetHeader().GetError()
	if bad != nil {
		s.pd.refused = true
		if f := s.cfg.Listener.Refused; f != nil && !s.admitted() {
			f(s.cfg.StoreID, bad.GetMessage())
		}
		return
	}
	s.pd.registered, s.pd.refused = true, false
	if !s.admitted() {
		id := proto.Clone(s.node.ident).(*ordealpb.StoreIdent)
		id.Registered = true
		s.keepIdent(id)
		s.node.admitted.Store(true)
	}
	s.register()
}
