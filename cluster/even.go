package cluster

import (
	"fmt"
	"slices"

	"ordeal/pd"
	"ordeal/pd/core"
	"ordeal/proto/metapb"
	"ordeal/system/region"
)

// Uneven says which two stores differ by more than what one move would mend, or "" if none do: in the weight of their
// regions by twice the heaviest region and a tolerance. Only stores that may stay count, and where labels say which places
// stores have, only those of which one may have a region of the other one without its peers standing nearer together.
func Uneven(m *pd.Member, tolerancePercent int64, labels []string) string {
	stores := staying(m)
	heaviest, sum := int64(1), int64(0)
	for _, r := range m.Regions() {
		heaviest = max(heaviest, core.Weight(r.ApproximateSize))
	}
	for _, s := range stores {
		sum += s.Counts.Weight
	}
	slack := sum / int64(max(len(stores), 1)) * tolerancePercent / 100
	for _, hi := range stores {
		for _, lo := range stores {
			if hi.Counts.Weight-lo.Counts.Weight > 2*heaviest+slack && mayGive(m, stores, &hi, &lo, labels) {
				return fmt.Sprintf("%s and %s", &hi, &lo)
			}
		}
	}
	return ""
}

// Crowded says which region has a peer that could stand farther from the others, or "" if there is none.
func Crowded(m *pd.Member, labels []string) string {
	if len(labels) == 0 {
		return ""
	}
	stores := staying(m)
	for _, r := range m.Regions() {
		for _, p := range r.Region.GetPeers() {
			for _, s := range stores {
				if region.FindPeer(r.Region, s.ID()) == nil && nearness(stores, r.Region, p, s.ID(), labels) < nearness(stores, r.Region, p, p.GetStoreId(), labels) {
					return fmt.Sprintf("%s has a peer on store %d that would stand farther apart on store %d", r, p.GetStoreId(), s.ID())
				}
			}
		}
	}
	return ""
}

// staying are the stores that regions may live on.
func staying(m *pd.Member) []core.StoreInfo {
	return slices.DeleteFunc(m.Stores(), func(s core.StoreInfo) bool { return s.State > core.StoreDown })
}

// mayGive says whether a region has a peer on hi and might as well have it on lo.
func mayGive(m *pd.Member, stores []core.StoreInfo, hi, lo *core.StoreInfo, labels []string) bool {
	return slices.ContainsFunc(m.Regions(), func(r *core.RegionInfo) bool {
		p := region.FindPeer(r.Region, hi.ID())
		return p != nil && region.FindPeer(r.Region, lo.ID()) == nil &&
			nearness(stores, r.Region, p, lo.ID(), labels) <= nearness(stores, r.Region, p, hi.ID(), labels)
	})
}

// nearness prints how near a peer of r would stand to the others on a store, such that texts sort as nearness does: how many
// of them share its first label, how many also the second, and so on. Stores without a label share it with everybody.
func nearness(stores []core.StoreInfo, r *metapb.Region, p *metapb.Peer, on uint64, labels []string) string {
	place := func(id uint64) *core.StoreInfo {
		if i := slices.IndexFunc(stores, func(s core.StoreInfo) bool { return s.ID() == id }); i >= 0 {
			return &stores[i]
		}
		return &core.StoreInfo{}
	}
	shared := make([]byte, len(labels))
	for _, q := range r.GetPeers() {
		if q.GetId() == p.GetId() {
			continue
		}
		for i, label := range labels {
			a, b := place(on).Label(label), place(q.GetStoreId()).Label(label)
			if a != "" && b != "" && a != b {
				break
			}
			shared[i]++
		}
	}
	return string(shared)
}
