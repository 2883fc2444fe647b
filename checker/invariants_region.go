package checker

import (
	"cmp"
	"fmt"
	"slices"

	"ordeal/world"
)

// keyRange is [start, end); an empty end is the end of the key space.
type keyRange struct {
	start, end string
}

func (r keyRange) String() string {
	end := "end"
	if r.end != "" {
		end = name(r.end)
	}
	return fmt.Sprintf("[%s, %s)", name(r.start), end)
}

// String prints the epoch as conf_ver and version.
func (e Epoch) String() string { return fmt.Sprintf("conf_ver %d, version %d", e.ConfVer, e.Version) }

// RegionChanged: a store's peer has this region from now on. peers are the ids of its members. A peer without a
// snapshot has no region yet: version 0 is passed over.
func (v *Invariants) RegionChanged(store world.NodeID, region uint64, start, end []byte, confVer, version uint64, peers []uint64) {
	if version == 0 {
		return
	}
	r, p := v.region(region), v.peer(store, region)
	next := Epoch{confVer, version}
	if confVer < p.epoch.ConfVer || version < p.epoch.Version {
		v.fail(checkEpoch, "store %d: the epoch of region %d went back from (%s) to (%s)", store, region, p.epoch, next)
	}
	p.epoch = next
	has := keyRange{string(start), string(end)}
	if known := r.ranges.put(version, has, versionsMax); known != has {
		v.fail(checkRange, "region %d has two ranges in version %d: %s, and %s on store %d", region, version, known, has, store)
	}
	members := slices.Clone(peers)
	slices.Sort(members)
	if known := r.members.put(confVer, members, versionsMax); !slices.Equal(known, members) {
		v.fail(checkMembers, "region %d has two sets of peers in conf_ver %d: %v, and %v on store %d", region, confVer, known, members, store)
	}
}

// RegionLoaded: a store came back and found a region with this epoch on its disk. It may be older than what the store
// had before.
func (v *Invariants) RegionLoaded(store world.NodeID, region, confVer, version uint64) {
	v.peer(store, region).epoch = Epoch{confVer, version}
}

// RegionView is a region as one of its peers sees it that takes itself for the leader.
type RegionView struct {
	Store  world.NodeID
	Region uint64
	// Start and End bound the region: [Start, End), with no end if End is empty.
	Start, End       []byte
	ConfVer, Version uint64
	Term             uint64
}

// CheckKeySpace checks that the current regions cover all keys, each once. It is given what all leaders say; of
// several that speak for one region the one with the newest epoch counts. It is meant for a cluster at rest: while a
// split is on its way, a new region may have no leader yet.
func (v *Invariants) CheckKeySpace(views []RegionView) {
	regions := currentRegions(views)
	if len(regions) == 0 {
		v.fail(checkKeySpace, "there is no region at all")
		return
	}
	next, ended := "", false // what is covered so far ends before next, or nowhere
	var before *RegionView
	for i := range regions {
		r := &regions[i]
		start := string(r.Start)
		switch {
		case ended || start < next:
			v.fail(checkKeySpace, "two regions overlap: %s and %s", before, r)
		case start > next:
			v.fail(checkKeySpace, "no region holds %s: the next is %s", keyRange{next, start}, r)
		}
		if len(r.End) == 0 {
			ended, before = true, r
		} else if !ended && (before == nil || string(r.End) > next) {
			next, before = string(r.End), r
		}
	}
	if !ended {
		v.fail(checkKeySpace, "no region holds %s: the last is %s", keyRange{next, ""}, before)
	}
}

// String names the region for messages.
func (r *RegionView) String() string {
	return fmt.Sprintf("region %d %s (%s, store %d)", r.Region, keyRange{string(r.Start), string(r.End)},
		Epoch{r.ConfVer, r.Version}, r.Store)
}

// currentRegions is the newest view of each region, by start key.
func currentRegions(views []RegionView) []RegionView {
	views = slices.Clone(views)
	slices.SortStableFunc(views, func(a, b RegionView) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(b.Version, a.Version),
			cmp.Compare(b.ConfVer, a.ConfVer), cmp.Compare(b.Term, a.Term))
	})
	views = slices.CompactFunc(views, func(a, b RegionView) bool { return a.Region == b.Region })
	slices.SortStableFunc(views, func(a, b RegionView) int { return cmp.Compare(string(a.Start), string(b.Start)) })
	return views
}

// Inconsistent: a store's peer found that a majority of its region has other data, or another region, than it has itself.
func (v *Invariants) Inconsistent(store world.NodeID, region, index, hash, majority uint64) {
	v.fail(checkHashes, "region %d at applied index %d: store %d has hash %016x, a majority has %016x", region, index, store, hash, majority)
}

// Quarantined: a store took a peer out of service because its data can't be trusted. damaged says whether somebody damaged
// them.
func (v *Invariants) Quarantined(store world.NodeID, region, peer uint64, damaged bool, why string) {
	if !damaged {
		v.fail(checkIntact, "store %d quarantined peer %d of region %d, whose data are fine: %s", store, peer, region, why)
	}
}

// CheckRepaired checks, in a cluster at rest, that a store has noticed the damage to its disk and replaced what it has lost:
// unreadable are the regions of those of its peers in service that can't read their data.
func (v *Invariants) CheckRepaired(store world.NodeID, what string, unreadable []uint64) {
	if len(unreadable) > 0 {
		v.fail(checkRepaired, "store %d can't read data of its peers of regions %d, and goes on with them: %s", store, unreadable, what)
	}
}

// StateHash: a store's peer has data with this hash and number of pairs after it applied the entry at index, or a
// snapshot as of it. Whoever applied as much has the same.
func (v *Invariants) StateHash(store world.NodeID, region, index, hash uint64, pairs int) {
	has := ReplicaHash{Store: store, Region: region, Applied: index, Hash: hash, Pairs: pairs}
	if known := v.region(region).states.put(index, has, statesMax); known.Hash != hash || known.Pairs != pairs {
		v.CheckHashes([]ReplicaHash{known, has})
	}
}

// RegionState: this is what a store's peer has after it applied the entry at index beside its data. changed says that this entry
// made it so; else the peer found it on its disk or in a snapshot, and then it is what the last change up to there has made.
func (v *Invariants) RegionState(store world.NodeID, region, index uint64, changed bool, state string) {
	known := &v.region(region).regions
	has := regionState{store: store, state: state}
	i, found := known.find(index)
	switch {
	case changed:
		if first := known.put(index, has, statesMax); first.state != state {
			v.fail(checkState, "region %d at applied index %d: store %d has %s, store %d has %s", region, index, first.store, first.state, store, state)
		}
		return
	case !found && i == 0:
		return // nobody remembers what it was then
	case !found:
		i--
	}
	if last := known.value[i]; last.state != state {
		v.fail(checkState, "region %d: what the entry at %d made of it on store %d is %s; store %d, which has applied %d, has %s",
			region, known.at[i], last.store, last.state, store, index, state)
	}
}

// ReplicaHash is the hash of a peer's data at an applied index.
type ReplicaHash struct {
	Store   world.NodeID
	Region  uint64
	Applied uint64
	Hash    uint64
	Pairs   int
}

// CheckHashes checks that peers of a region that have applied equally much hold equal data.
func (v *Invariants) CheckHashes(hashes []ReplicaHash) {
	hashes = slices.Clone(hashes)
	slices.SortStableFunc(hashes, func(a, b ReplicaHash) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Applied, b.Applied), cmp.Compare(a.Store, b.Store))
	})
	for i := 1; i < len(hashes); i++ {
		a, b := &hashes[i-1], &hashes[i]
		if a.Region == b.Region && a.Applied == b.Applied && (a.Hash != b.Hash || a.Pairs != b.Pairs) {
			v.fail(checkHashes, "region %d at applied index %d: store %d has %d pairs with hash %016x, store %d has %d pairs with hash %016x",
				a.Region, a.Applied, a.Store, a.Pairs, a.Hash, b.Store, b.Pairs, b.Hash)
		}
	}
}
