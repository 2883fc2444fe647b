package pd

import (
	"bytes"

	"google.golang.org/protobuf/proto"

	"ordeal/pd/core"
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/world"
)

// emptyStore decides that a store is to be emptied, or that it is not after all. The checkers see to the rest, and
// buryEmpty to the end. It is refused if fewer stores would be left than a region has replicas.
func (m *Member) emptyStore(req *ordealpb.EmptyStoreRequest) error {
	s, known := m.cluster.Store(req.GetStoreId(), m.now)
	if !known {
		return refuse(pdpb.ErrorType_ENTRY_NOT_FOUND, "store %d is not known", req.GetStoreId())
	}
	state := metapb.StoreState_Offline
	if req.GetCancel() {
		state = metapb.StoreState_Up
	} else if left := m.storesThatStay(req.GetStoreId()); left < m.cfg.Replicas {
		return refuse(pdpb.ErrorType_INVALID_VALUE, "without store %d there are %d stores, and regions have %d replicas: "+
			"add a store first", req.GetStoreId(), left, m.cfg.Replicas)
	}
	if s.State == core.StoreTombstone {
		return core.ErrStoreTombstone
	}
	if s.Meta.GetState() == state {
		return nil
	}
	m.offlineSince[req.GetStoreId()] = m.now
	return m.setState(s.Meta, state)
}

// storesThatStay counts those besides one store that regions can live on.
func (m *Member) storesThatStay(without uint64) int {
	n := 0
	for _, s := range m.cluster.Stores(m.now) {
		if s.ID() != without && (s.State == core.StoreUp || s.State == core.StoreDisconnected) {
			n++
		}
	}
	return n
}

func (m *Member) setState(s *metapb.Store, state metapb.StoreState) error {
	next := proto.Clone(s).(*metapb.Store)
	next.State = state
	if err := m.cluster.PutStore(next, m.now); err != nil {
		return err
	}
	m.saveStore(next)
	return nil
}

// buryEmpty makes tombstones of stores that were to be emptied and are. That a store has nothing is only known when all of
// the key space is, from leaders that have reported since the decision: what was read from the disk may be old.
func (m *Member) buryEmpty() {
	for _, s := range m.cluster.Stores(m.now) {
		if s.State != core.StoreOffline || s.Counts.Regions > 0 || !m.allReportedSince(m.offlineSince[s.ID()]) {
			continue
		}
		if err := m.setState(s.Meta, metapb.StoreState_Tombstone); err != nil {
			panic("pd: a store that is known can't become a tombstone: " + err.Error())
		}
		delete(m.offlineSince, s.ID())
	}
}

// allReportedSince says whether leaders of regions that cover all keys have reported after since, in this life.
func (m *Member) allReportedSince(since world.Time) bool {
	next, whole := []byte{}, false
	m.cluster.Ascend(nil, nil, func(r *core.RegionInfo) bool {
		at := m.cluster.Reported(r.ID())
		if !bytes.Equal(r.Region.GetStartKey(), next) || at == 0 || at <= since {
			return false
		}
		next = r.Region.GetEndKey()
		whole = len(next) == 0
		return true
	})
	return whole
}
