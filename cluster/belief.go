package cluster

import (
	"bytes"
	"fmt"

	"ordeal/nemesis"
	"ordeal/pd/core"
	"ordeal/system/region"
)

// Believed says in what the placement driver is wrong about the regions, or "" if in nothing: which there are, their ranges
// and epochs, their peers and who leads them. It may be behind for a while, but not for ever.
func (c *Sim) Believed() string {
	if c.PDLeader() == 0 {
		return "no member of the placement driver leads"
	}
	return disbelief(c.Regions(), c.PD().Regions())
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
