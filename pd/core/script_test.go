package core_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"ordeal/pd/core"
	"ordeal/pd/internal/pdtest"
	"ordeal/proto/metapb"
	"ordeal/proto/pdpb"
	"ordeal/world"
)

// The scripts in testdata/scripts feed news to one Cluster each. Commands:
//
//	put-store id=N addr=A [state=Up|Offline|Tombstone] [label=KEY:VALUE]
//	store-heartbeat id=N [capacity=N] [available=N]
//	boot
//	advance by=DURATION
//	heartbeat          regions below, one a line
//	lookup             keys below; "-" is the empty key
//	regions | stores
func TestScripts(t *testing.T) {
	t.Parallel()
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		s := &script{cluster: core.NewCluster(core.Liveness{
			DisconnectAfter: 3 * time.Second, DownAfter: 10 * time.Second,
		})}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			out := s.run(t, d)
			if err := consistent(s.cluster, s.now); err != nil {
				t.Fatalf("%s: %v", d.Pos, err)
			}
			return out
		})
	})
}

type script struct {
	cluster *core.Cluster
	now     world.Time
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	var id uint64
	d.MaybeScanArgs(t, "id", &id)
	switch d.Cmd {
	case "put-store":
		var addr, state string
		d.MaybeScanArgs(t, "addr", &addr)
		d.MaybeScanArgs(t, "state", &state)
		label := ""
		d.MaybeScanArgs(t, "label", &label)
		meta := &metapb.Store{Id: id, Address: addr, State: metapb.StoreState(metapb.StoreState_value[state])}
		if key, value, ok := strings.Cut(label, ":"); ok {
			meta.Labels = []*metapb.StoreLabel{{Key: key, Value: value}}
		}
		return verdict(s.cluster.PutStore(meta, s.now))
	case "store-heartbeat":
		stats := &pdpb.StoreStats{StoreId: id}
		d.MaybeScanArgs(t, "capacity", &stats.Capacity)
		d.MaybeScanArgs(t, "available", &stats.Available)
		return verdict(s.cluster.HeartbeatStore(stats, s.now))
	case "boot":
		s.cluster.Boot(s.now)
		return s.stores()
	case "advance":
		var by string
		d.ScanArgs(t, "by", &by)
		step, err := time.ParseDuration(by)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		s.now = s.now.Add(step)
		return s.stores()
	case "heartbeat":
		return s.heartbeats(t, d)
	case "lookup":
		return s.lookups(d)
	case "regions":
		return lines(s.cluster.Scan(nil, nil, 0))
	case "stores":
		return s.stores()
	}
	d.Fatalf(t, "unknown command %s", d.Cmd)
	return ""
}

func (s *script) heartbeats(t *testing.T, d *datadriven.TestData) string {
	var out strings.Builder
	for line := range strings.Lines(d.Input) {
		r, err := pdtest.Region(line)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		change, err := s.cluster.ProcessHeartbeat(r)
		if err == nil && change.Now == change.Old {
			out.WriteString("ok, nothing new\n")
			continue
		}
		out.WriteString(verdict(err))
		for _, e := range change.Evicted {
			fmt.Fprintf(&out, "  evicted %s\n", e)
		}
	}
	return out.String()
}

func (s *script) lookups(d *datadriven.TestData) string {
	var out strings.Builder
	for key := range strings.FieldsSeq(d.Input) {
		found := "nothing"
		if r := s.cluster.RegionByKey([]byte(strings.TrimPrefix(key, "-"))); r != nil {
			found = r.String()
		}
		fmt.Fprintf(&out, "%s: %s\n", key, found)
	}
	return out.String()
}

func (s *script) stores() string {
	var out strings.Builder
	for _, info := range s.cluster.Stores(s.now) {
		fmt.Fprintln(&out, &info)
	}
	return out.String()
}

func verdict(err error) string {
	if err != nil {
		return err.Error() + "\n"
	}
	return "ok\n"
}

func lines(regions []*core.RegionInfo) string {
	var out strings.Builder
	for _, r := range regions {
		fmt.Fprintln(&out, r)
	}
	return out.String()
}

// consistent checks the invariants that hold whatever news came: regions are ordered and do not overlap, both indexes
// agree, and the counts and the regions of each store, which are kept as news comes, equal those of a recount.
func consistent(c *core.Cluster, now world.Time) error {
	all := c.Scan(nil, nil, 0)
	counts := map[uint64]core.Counts{}
	roles := map[string][]uint64{}
	for i, r := range all {
		if i > 0 && !ordered(all[i-1], r) {
			return fmt.Errorf("%s and %s overlap", all[i-1], r)
		}
		if c.Region(r.ID()) != r || c.RegionByKey(r.Region.GetStartKey()) != r || c.At(i) != r {
			return fmt.Errorf("indexes disagree on %s", r)
		}
		for _, p := range r.Region.GetPeers() {
			n := counts[p.GetStoreId()]
			n.Regions++
			n.Size += r.ApproximateSize
			n.Weight += core.Weight(r.ApproximateSize)
			n.WriteLoad += r.Load.WriteBytes
			role := core.RoleFollower
			switch {
			case r.Leader.GetId() == p.GetId():
				n.Leaders++
				n.LeaderSize += r.ApproximateSize
				n.ReadLoad += r.Load.ReadBytes
				role = core.RoleLeader
			case p.GetRole() == metapb.PeerRole_Learner:
				n.Learners++
				role = core.RoleLearner
			}
			key := fmt.Sprint(p.GetStoreId(), role)
			roles[key] = append(roles[key], r.ID())
			if slices.ContainsFunc(r.Pending, func(q *metapb.Peer) bool { return q.GetId() == p.GetId() }) {
				n.Pending++
				key = fmt.Sprint(p.GetStoreId(), core.RolePending)
				roles[key] = append(roles[key], r.ID())
			}
			counts[p.GetStoreId()] = n
		}
	}
	if c.RegionCount() != len(all) {
		return fmt.Errorf("%d regions counted, %d found", c.RegionCount(), len(all))
	}
	for _, s := range c.Stores(now) {
		if s.Counts != counts[s.ID()] {
			return fmt.Errorf("store %d: counts %+v kept, %+v recounted", s.ID(), s.Counts, counts[s.ID()])
		}
	}
	return sameRoles(c.Snapshot(now), roles)
}

func sameRoles(s *core.Snapshot, want map[string][]uint64) error {
	for i := range s.Stores() {
		id := s.Stores()[i].ID()
		for _, role := range []core.Role{core.RoleLeader, core.RoleFollower, core.RoleLearner, core.RolePending} {
			var got []uint64
			s.AscendOf(id, role, 0, func(r *core.RegionInfo) bool {
				got = append(got, r.ID())
				return true
			})
			if !slices.Equal(got, want[fmt.Sprint(id, role)]) || s.CountOf(id, role) != len(got) {
				return fmt.Errorf("store %d, role %d: regions %v kept, %v recounted", id, role, got, want[fmt.Sprint(id, role)])
			}
		}
	}
	return nil
}

func ordered(a, b *core.RegionInfo) bool {
	end := a.Region.GetEndKey()
	return len(end) > 0 && string(end) <= string(b.Region.GetStartKey())
}
