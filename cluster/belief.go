package cluster

import (
	"bytes"
	"fmt"
	"slices"

	"ordeal/nemesis"
	"ordeal/pd"
	"ordeal/pd/core"
	"ordeal/system/region"
)

// Believed says in what the placement driver is wrong about the regions, or "" if in nothing: which there are, their ranges
// and epochs, their peers and who leads them. It may be behind for a while, but not for ever.
func (c *Sim) Believed() string {
	if !c.World.Up(PDNode) {
		return "the placement driver is down"
	}
	return disbelief(c.Regions(), c.pd.Regions())
}

func disbelief(truth []nemesis.Region, belief []*core.RegionInfo) string {
	if len(truth) != len(belief) {
		return fmt.Sprintf("%d regions are known to the driver, and there are %d", len(belief), len(truth))
	}
	for i, t := range truth {
		b := belief[i]
		e := b.Region.GetRegionEpoch()
		switch {
		case t.ID != b.ID() || !bytes.Equal(t.Start, b.Region.GetStartKey()) || !bytes.Equal(t.End, b.Region.GetEndKey()):
			return fmt.Sprintf("the driver believes in %s where region %d [%s,%s) is", b, t.ID, region.FormatKey(t.Start), region.FormatKey(t.End))
		case t.Version != e.GetVersion() || t.ConfVer != e.GetConfVer():
			return fmt.Sprintf("the driver believes in %s, which is at version %d and conf_ver %d", b, t.Version, t.ConfVer)
		case uint64(t.Leader) != b.LeaderStore():
			return fmt.Sprintf("the driver believes in %s, which store %d leads", b, t.Leader)
		}
		for _, p := range t.Peers {
			if q := region.FindPeerByID(b.Region, p.ID); q == nil || q.GetStoreId() != uint64(p.Store) {
				return fmt.Sprintf("the driver believes in %s, which has peer %d on store %d", b, p.ID, p.Store)
			}
		}
	}
	return ""
}

// Uneven says which two stores differ by more than what one move would mend, or "" if none do: in the weight of their
// regions by twice the heaviest region and a tolerance. Stores must be up.
func Uneven(m *pd.Member, tolerancePercent int64) string {
	stores := m.Stores()
	heaviest, sum := int64(1), int64(0)
	for _, r := range m.Regions() {
		heaviest = max(heaviest, core.Weight(r.ApproximateSize))
	}
	stores = slices.DeleteFunc(stores, func(s core.StoreInfo) bool { return s.State > core.StoreDown }) // those may leave as they like
	lo, hi := 0, 0
	for i, s := range stores {
		sum += s.Counts.Weight
		if s.Counts.Weight < stores[lo].Counts.Weight {
			lo = i
		}
		if s.Counts.Weight > stores[hi].Counts.Weight {
			hi = i
		}
	}
	slack := sum / int64(max(len(stores), 1)) * tolerancePercent / 100
	if len(stores) > 0 && stores[hi].Counts.Weight-stores[lo].Counts.Weight > 2*heaviest+slack {
		return fmt.Sprintf("%s and %s", &stores[hi], &stores[lo])
	}
	return ""
}
