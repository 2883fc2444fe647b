package checker

import "ordeal/world"

// Names of the invariants of merges.
const (
	checkMerge  = "a region ends once"
	checkFrozen = "a merged region ends where it was frozen"
)

// mergeTruth is what stores said of the merges of one region. Each is named by the log entry that froze the region.
type mergeTruth struct {
	// thawed says who took which merge back, rollbacksMax of the latest.
	thawed memory[world.NodeID]
	// into is the region that swallowed it, 0 if none did, at commit, as by said first.
	into, commit uint64
	by           world.NodeID
}

// rollbacksMax is how many of its latest merges that were taken back are remembered for a region.
const rollbacksMax = 64

// MergePrepared: a store's peer of a region was frozen by the log entry at commit. Stores that lag may say so long after
// the region has ended elsewhere.
func (v *Invariants) MergePrepared(store world.NodeID, region, commit uint64) {
	if m := &v.region(region).merge; m.into != 0 && commit > m.commit {
		v.fail(checkMerge, "store %d froze region %d at %d, but store %d had made it, frozen at %d, a part of region %d",
			store, region, commit, m.by, m.commit, m.into)
	}
}

// MergeRolledBack: a store's peer of a region, frozen by the log entry at commit, was thawed.
func (v *Invariants) MergeRolledBack(store world.NodeID, region, commit uint64) {
	m := &v.region(region).merge
	if m.into != 0 && commit >= m.commit {
		v.fail(checkMerge, "store %d thawed region %d, frozen at %d, but store %d had made it, frozen at %d, a part of region %d",
			store, region, commit, m.by, m.commit, m.into)
	}
	m.thawed.put(commit, store, rollbacksMax)
}

// Merged: a store made its peer of source, frozen by the log entry at commit, a part of its peer of region into.
func (v *Invariants) Merged(store world.NodeID, into, source, commit uint64) {
	m := &v.region(source).merge
	if i, found := m.thawed.find(commit); found {
		v.fail(checkMerge, "store %d made region %d, frozen at %d, a part of region %d, but store %d had thawed it",
			store, source, commit, into, m.thawed.value[i])
	}
	if m.into != 0 && (m.into != into || m.commit != commit) {
		v.fail(checkMerge, "store %d made region %d, frozen at %d, a part of region %d, but store %d had made it, frozen at %d, a part of region %d",
			store, source, commit, into, m.by, m.commit, m.into)
	}
	if p := v.peer(store, source); p.inOrder && p.applied < commit {
		v.fail(checkFrozen, "store %d made region %d, which had applied entry %d and was frozen at %d, a part of region %d",
			store, source, p.applied, commit, into)
	}
	if m.into == 0 {
		m.into, m.commit, m.by = into, commit, store
	}
}
