package store

import (
	"cmp"
	"slices"

	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/system/region"
)

// Whether a region was swallowed by another one can't be read off their ranges: the other one may have split since. So
// every region remembers whom it, or one that it was merged from or split off from, has swallowed. The memory is a part of
// the region: all of its peers have the same one at the same index, snapshots carry it, and children inherit it.

// swallowed returns what m knows of the end of a region, or nil.
func swallowed(m *ordealpb.Merged, id uint64) *ordealpb.MergedRegion {
	i, found := slices.BinarySearchFunc(m.GetRegions(), id, func(e *ordealpb.MergedRegion, id uint64) int {
		return cmp.Compare(e.GetId(), id)
	})
	if !found {
		return nil
	}
	return m.GetRegions()[i]
}

// remember returns the memory of a region that has just swallowed one with the memory theirs. What is too much is
// forgotten, the merges of the lowest versions first: they are the ones that nobody can be in doubt of any more.
func remember(ours, theirs *ordealpb.Merged, last *ordealpb.MergedRegion) *ordealpb.Merged {
	all := append(slices.Clone(ours.GetRegions()), theirs.GetRegions()...)
	all = append(all, last)
	byID := func(a, b *ordealpb.MergedRegion) int { return cmp.Compare(a.GetId(), b.GetId()) }
	slices.SortFunc(all, byID)
	all = slices.CompactFunc(all, func(a, b *ordealpb.MergedRegion) bool { return a.GetId() == b.GetId() })
	m := &ordealpb.Merged{Forgotten: max(ours.GetForgotten(), theirs.GetForgotten())}
	if drop := len(all) - MaxMerged; drop > 0 {
		slices.SortFunc(all, func(a, b *ordealpb.MergedRegion) int {
			return cmp.Or(cmp.Compare(a.GetVersion(), b.GetVersion()), byID(a, b))
		})
		m.Forgotten = max(m.GetForgotten(), all[drop-1].GetVersion())
		all = all[drop:]
		slices.SortFunc(all, byID)
	}
	m.Regions = all
	return m
}

// mergedVersion is the version of a target that has swallowed a source: newer than both.
func mergedVersion(source, target uint64) uint64 { return max(source, target) + 1 }

// judgeMerge says what a state of region r, which remembers m, proves of the merge of source, at version since it is
// frozen, into target as it was when source prepared. The argument is in docs/decisions/0013-merge.md: a CommitMerge is
// applied only at exactly target's epoch; who owns a key at a later version descends from who owned it at an earlier one,
// and has inherited its memory.
func judgeMerge(r *metapb.Region, m *ordealpb.Merged, source, version uint64, target *metapb.Region) ordealpb.MergeAnswer_Outcome {
	if swallowed(m, source) != nil {
		return ordealpb.MergeAnswer_MERGED
	}
	if target == nil || m.GetForgotten() >= mergedVersion(version, target.GetRegionEpoch().GetVersion()) {
		return ordealpb.MergeAnswer_UNKNOWN
	}
	now, then := r.GetRegionEpoch(), target.GetRegionEpoch()
	same := r.GetId() == target.GetId() && now.GetConfVer() > then.GetConfVer()
	if same || now.GetVersion() > then.GetVersion() && (r.GetId() == target.GetId() || region.Contains(r, target.GetStartKey())) {
		return ordealpb.MergeAnswer_NOT_MERGED
	}
	return ordealpb.MergeAnswer_UNKNOWN
}
