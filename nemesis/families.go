package nemesis

import (
	"fmt"
	"slices"
	"strings"
)

// effect is what a family takes from a cluster, and so what its heal gives back.
type effect uint8

const (
	effectInstant  effect = iota // done at once, nothing to heal
	effectNetwork                // links; messages cut are its evidence
	effectStores                 // stores' power
	effectBoth                   // links, and then a store's power
	effectPD                     // the placement driver's power
	effectMessages               // messages; what was done to them is its evidence
	effectStaff                  // a store that is to leave, for which another one must come
	effectJoint                  // regions' joint configurations, and stores' power
	effectDisk                   // data on stores' disks
	effectPause                  // nodes' time; what waited for them is its evidence
	effectWeather                // links' quality; what was done to messages is its evidence
	effectFsync                  // disks' time, and nodes' power; fsyncs that were touched are its evidence
	effectOther                  // that of another fault
)

// Family is a kind of fault that can be chosen by name.
type Family struct {
	// Name is what -nemesis takes.
	Name string
	// About is one line for people.
	About string
	// Weight is how often the family is drawn, relative to the others, before a seed skews it.
	Weight int

	effect    effect
	storesMin int // with fewer stores it could never bite
	draw      func(*drawer) Fault
}

// Families returns every family in the order in which schedules are drawn from them.
func Families() []Family {
	return []Family{
		{"partition", "cut links: halves, one store, a leader, one way", 6, effectNetwork, 2, drawPartition},
		{"kill", "power loss of one store, a leader or all at once", 4, effectStores, 1, drawKill},
		{"transfer-leader", "leaders hand over to another replica", 4, effectInstant, 2, drawTransferLeader},
		{"conf-change", "replicas are added, removed and replaced", 4, effectInstant, 2, drawConfChange},
		{"joint", "voters are replaced through a joint configuration", 3, effectJoint, 2, drawJoint},
		{"learner", "replicas without a vote come, are promoted, demoted, removed", 2, effectInstant, 2, drawLearner},
		{"replace", "a replica moves to another store", 3, effectInstant, 2, drawReplace},
		{"split", "regions split", 3, effectInstant, 1, drawSplit},
		{"batch-split", "regions are cut at several keys at once", 2, effectInstant, 1, drawBatchSplit},
		{"merge", "neighbours become one region", 3, effectInstant, 1, drawMerge},
		{"coup", "a region passes to others, of which its leader hears nothing", 2, effectNetwork, 3, drawCoup},
		{"lag", "a store is left behind, and loses power in the middle of a snapshot", 2, effectBoth, 3, drawLag},
		{"crash-at", "power loss, a stall or an error at a failpoint in the code", 3, effectStores, 3, drawCrashAt},
		{"bit-rot", "a block of a store's data, or its log, is damaged", 2, effectDisk, 3, drawBitRot},
		{"wipe", "a store loses its disk, and a new one joins", 1, effectStaff, 3, drawWipe},
		{"decommission", "a store is emptied and leaves, and another one joins", 1, effectStaff, 2, drawDecommission},
		{"pd-kill", "power loss of the placement driver: its leader, a member, all", 1, effectPD, 1, drawKillPD},
		{"pd-partition", "a member of the placement driver, or all, cut off from others or from stores", 1, effectNetwork, 1, drawPDPartition},
		{"pd-leader-transfer", "the placement driver's leader hands over", 1, effectInstant, 1, drawTransferPD},
		{"pd-replay", "reports to the placement driver, and its orders, late, doubled, out of order, and from long ago", 1, effectMessages, 1, drawPDReplay},
		{"pd-storm", "a burst of operators ordered of the placement driver", 1, effectInstant, 2, drawPDStorm},
		{"pause", "a store, a leader, a member of the placement driver, or all stores stand still", 3, effectPause, 1, drawPause},
		{"restart", "stores restart one after the other, or one again and again", 1, effectInstant, 3, drawRestart},
		{"net", "links of a node, or all, lose, double, reorder and delay", 2, effectWeather, 1, drawNet},
		{"disk", "fsyncs take long, do not end, or fail; disks are full, or can't be read", 2, effectFsync, 1, drawDisk},
		{"clock", "clocks jump forward, or run faster and slower", 1, effectInstant, 1, drawClock},
		{"when", "faults that wait for a state of a region, or for a failpoint", 4, effectOther, 3, drawWhen},
	}
}

// ParseFamilies reads a list of names joined by commas, or all, or none. The result is in the order of Families, so
// that the order of the list does not matter to a seed.
func ParseFamilies(list string) ([]Family, error) {
	families := Families()
	allowed := make([]string, len(families))
	for i, f := range families {
		allowed[i] = f.Name
	}
	switch strings.TrimSpace(list) {
	case "all":
		return families, nil
	case "none":
		return nil, nil
	}
	var chosen []string
	for _, name := range strings.Split(list, ",") {
		name = strings.TrimSpace(name)
		if name == "all" || name == "none" {
			return nil, fmt.Errorf("nemesis %q stands alone, it cannot be part of the list %q", name, list)
		}
		if !slices.Contains(allowed, name) {
			return nil, fmt.Errorf("unknown nemesis %q: want all, none, or a list of %s", name, strings.Join(allowed, ","))
		}
		chosen = append(chosen, name)
	}
	return slices.DeleteFunc(families, func(f Family) bool { return !slices.Contains(chosen, f.Name) }), nil
}

// Unavailable says why faults of the family cannot be drawn for such a cluster, empty if they can.
func (f Family) Unavailable(stores int, o Options) string {
	if stores < f.storesMin {
		return fmt.Sprintf("%s needs %s, there are %d", f.Name, plural(uint64(f.storesMin), "store"), stores)
	}
	if f.Name == (CrashAt{}).Name() && len(o.CrashPoints) == 0 {
		return "crash-at needs crash points: build with the failpoint overlay"
	}
	if f.Name == (Lag{}).Name() && len(snapshotPoints(o.CrashPoints)) == 0 {
		return "lag needs crash points of snapshots: build with the failpoint overlay"
	}
	if f.Name == (When{}).Name() && len(o.States) == 0 {
		return "when needs states that can be seen: there are none"
	}
	if f.Name == (TransferPD{}).Name() && o.PDs < 2 {
		return "pd-leader-transfer needs 2 members of the placement driver, there is 1"
	}
	return ""
}

// effectOf returns what a fault takes; a fault of no known family is trusted to be over at once.
func effectOf(fault Fault) effect {
	fault = inner(fault)
	for _, f := range Families() {
		if f.Name == fault.Name() {
			return f.effect
		}
	}
	return effectInstant
}
