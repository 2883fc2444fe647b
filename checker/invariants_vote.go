package checker

import "ordeal/world"

// entryAt is where an entry lies in a log.
type entryAt struct {
	index, term uint64
}

// Campaigned: a peer voted for itself in a term. It is told before the hard state that says so.
func (v *Invariants) Campaigned(store world.NodeID, region, term uint64) {
	p := v.peer(store, region)
	if term <= p.campaigned {
		return
	}
	p.campaigned = term
	if p.campaigns++; p.campaigns == campaignsMax {
		v.fail(checkCampaigns, "store %d started %d elections of region %d in a row, up to term %d, and won none of them",
			store, p.campaigns, region, term)
	}
}

// ChangeProposed: a leader put a membership change into its log at an index, having applied so much of it. The one before
// must be applied by then: two changes at once need no common majority.
func (v *Invariants) ChangeProposed(store world.NodeID, region, index, term, applied uint64) {
	r := v.region(region)
	if r.change.term == term && r.change.index > applied {
		v.fail(checkOneChange, "store %d, region %d: a change of the membership was put into the log at %d, while that at %d is not applied: %d is",
			store, region, index, r.change.index, applied)
	}
	r.change = entryAt{index, term}
}
