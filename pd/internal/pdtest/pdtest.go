// Package pdtest lets tests of the placement driver say what a cluster looks like. It reads regions from the one-line form
// that they print in, so that golden scripts and tables go in as they come out.
package pdtest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"ordeal/pd/core"
	"ordeal/proto/metapb"
	"ordeal/proto/pdpb"
	"ordeal/system/region"
)

var regionLine = regexp.MustCompile(`^r(\d+) \[([^,]*),([^)]*)\) v(\d+) c(\d+) \{([^}]*)\}(.*)$`)

// Region reads what core.RegionInfo.String prints, for plain keys only.
func Region(line string) (*core.RegionInfo, error) {
	m := regionLine.FindStringSubmatch(strings.TrimSpace(line))
	if m == nil {
		return nil, fmt.Errorf("region %q: want such as r1001 [a,m) v2 c3 {s1:1002,s2:1003} leader=1", line)
	}
	r := &core.RegionInfo{Region: &metapb.Region{
		Id: number(m[1]), StartKey: []byte(m[2]), EndKey: []byte(m[3]),
		RegionEpoch: &metapb.RegionEpoch{Version: number(m[4]), ConfVer: number(m[5])},
	}}
	for peer := range strings.SplitSeq(m[6], ",") {
		if peer == "" {
			continue
		}
		store, id, ok := strings.Cut(strings.TrimPrefix(peer, "s"), ":")
		if !ok {
			return nil, fmt.Errorf("peer %q: want such as s1:1002", peer)
		}
		id, role, _ := strings.Cut(id, "(")
		r.Region.Peers = append(r.Region.Peers, &metapb.Peer{
			Id: number(id), StoreId: number(store), Role: metapb.PeerRole(metapb.PeerRole_value[strings.TrimSuffix(role, ")")]),
		})
	}
	for _, attr := range strings.Fields(m[7]) {
		if err := set(r, attr); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func set(r *core.RegionInfo, attr string) error {
	name, value, _ := strings.Cut(attr, "=")
	switch name {
	case "leader":
		r.Leader = peerOn(r, value)
	case "term":
		r.Term = number(value)
	case "size":
		r.ApproximateSize = number(value)
	case "keys":
		r.ApproximateKeys = number(value)
	case "read":
		r.Load.ReadBytes = number(value)
	case "write":
		r.Load.WriteBytes = number(value)
	case "pending":
		for store := range strings.SplitSeq(value, ",") {
			r.Pending = append(r.Pending, peerOn(r, store))
		}
	case "down":
		for store := range strings.SplitSeq(value, ",") {
			r.Down = append(r.Down, &pdpb.PeerStats{Peer: peerOn(r, store)})
		}
	default:
		return fmt.Errorf("attribute %q: want leader, term, size, keys, read, write, pending or down", attr)
	}
	return nil
}

// peerOn invents a peer where there is none: tests want to send nonsense as well.
func peerOn(r *core.RegionInfo, store string) *metapb.Peer {
	if p := region.FindPeer(r.Region, number(store)); p != nil {
		return p
	}
	return &metapb.Peer{Id: 9999, StoreId: number(store)}
}

// number reads what the expressions above have found to be digits, or nonsense as 0.
func number(s string) uint64 {
	n, _ := strconv.ParseUint(s, 10, 64)
	return n
}

// MustRegion is Region for lines that are part of a test's source.
func MustRegion(line string) *core.RegionInfo {
	r, err := Region(line)
	if err != nil {
		panic(err)
	}
	return r
}

// Store returns the store of that id at its customary address.
func Store(id uint64) *metapb.Store {
	return &metapb.Store{Id: id, Address: fmt.Sprintf("%d/0", id)}
}
