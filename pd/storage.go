package pd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"ordeal/pd/core"
	"ordeal/proto/metapb"
	"ordeal/system/engine"
	"ordeal/system/region"
)

// What the driver keeps, by name. In the log before anybody is told: the cluster, which says that it has been bootstrapped;
// the bounds of ids and timestamps; stores. In the log some time after: regions, since their leaders report them again anyway.
const (
	keyCluster   = "cluster"
	keyIDs       = "ids"
	keyTSO       = "tso"
	prefixStore  = "store/"
	prefixRegion = "region/"
)

func numberedKey(prefix string, id uint64) []byte {
	return binary.BigEndian.AppendUint64(engine.PDKey(prefix), id)
}

// load reads what is applied.
func (m *Member) load() error {
	if raw, ok := m.rep.eng.Get(engine.PDKey(keyIDs)); ok {
		if len(raw) != 8 {
			return fmt.Errorf("bound of ids: got %d bytes, want 8", len(raw))
		}
		m.ids.bound = binary.BigEndian.Uint64(raw)
		m.ids.next = m.ids.bound + 1
		// gofail: var bugIDReuse struct{}
		// m.ids.next = firstID

	}
	if raw, ok := m.rep.eng.Get(engine.PDKey(keyTSO)); ok {
		if len(raw) != 8 {
			return fmt.Errorf("bound of timestamps: got %d bytes, want 8", len(raw))
		}
		m.clock.resume(int64(binary.BigEndian.Uint64(raw)))
	}
	if raw, ok := m.rep.eng.Get(engine.PDKey(keyCluster)); ok {
		var c metapb.Cluster
		if err := proto.Unmarshal(raw, &c); err != nil {
			return fmt.Errorf("cluster: %w", err)
		}
		if c.GetId() != m.cfg.ClusterID {
			return fmt.Errorf("the disk belongs to cluster %d, this is a driver of cluster %d", c.GetId(), m.cfg.ClusterID)
		}
		m.bootstrapped = true
	}
	if err := m.loadPolicy(); err != nil {
		return err
	}
	err := loadAll(m.rep.eng, prefixStore, func(s *metapb.Store) error { return m.cluster.PutStore(s, 0) })
	if err != nil {
		return err
	}
	// Regions are written some at a time, so those on the disk may be of different moments and overlap. The newest
	// are right, the rest will be reported again.
	return loadAll(m.rep.eng, prefixRegion, func(r *metapb.Region) error {
		change, err := m.cluster.ProcessHeartbeat(&core.RegionInfo{Region: r})
		if errors.Is(err, core.ErrStale) {
			m.dirty[r.GetId()] = true
			return nil
		}
		m.evicted(change)
		return err
	})
}

// loadAll reads all messages under a prefix, by id.
func loadAll[T any, M interface {
	*T
	proto.Message
}](eng *engine.Engine, prefix string, take func(M) error) error {
	var err error
	start, end := engine.PDRange(prefix)
	eng.Scan(start, end, func(key, value []byte) bool {
		msg := M(new(T))
		if err = proto.Unmarshal(value, msg); err == nil {
			err = take(msg)
		}
		if err != nil {
			err = fmt.Errorf("key %q: %w", key, err)
		}
		return err == nil
	})
	return err
}

// saveIDs, saveTSO, saveCluster and saveStore write with the turn's entry, before anything that the turn says leaves.
func (m *Member) saveIDs(bound uint64) {
	m.outbox.put(engine.PDKey(keyIDs), binary.BigEndian.AppendUint64(nil, bound))
}

func (m *Member) saveTSO(bound int64) {
	m.outbox.put(engine.PDKey(keyTSO), binary.BigEndian.AppendUint64(nil, uint64(bound)))
}

func (m *Member) saveCluster() {
	c := &metapb.Cluster{Id: m.cfg.ClusterID, MaxPeerCount: uint32(m.cfg.Replicas)}
	m.outbox.put(engine.PDKey(keyCluster), mustMarshal(c))
}

func (m *Member) saveStore(s *metapb.Store) {
	m.outbox.put(numberedKey(prefixStore, s.GetId()), mustMarshal(s))
}

// changed remembers what a heartbeat made different from the disk.
func (m *Member) changed(r *metapb.Region, c core.Change) {
	if c.Old == nil || !region.SameEpoch(c.Old.Region.GetRegionEpoch(), r.GetRegionEpoch()) {
		m.dirty[r.GetId()] = true
	}
	m.evicted(c)
}

func (m *Member) evicted(c core.Change) {
	for _, e := range c.Evicted {
		m.dirty[e.ID()] = true
	}
}

// flush writes some of the regions that differ from the log.
func (m *Member) flush() {
	if len(m.dirty) == 0 {
		return
	}
	ids := slices.Sorted(maps.Keys(m.dirty))
	for _, id := range ids[:min(len(ids), regionFlushMax)] {
		key := numberedKey(prefixRegion, id)
		if r := m.cluster.Region(id); r != nil {
			m.outbox.put(key, mustMarshal(r.Region))
		} else {
			m.outbox.remove(key)
		}
		delete(m.dirty, id)
	}
}

func mustMarshal(msg proto.Message) []byte {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(msg)
	if err != nil {
		panic(fmt.Sprintf("pd: marshal %T %v: %v", msg, msg, err))
	}
	return b
}
