package schedule

import (
	"fmt"

	"ordeal/pd/core"
	"ordeal/system/region"
)

// Filter says why a store is no candidate; empty if it is one. Filters are tried in order and the first reason counts.
type Filter func(in Input, s *core.StoreInfo) string

// receivingSnapshotsMax is how many snapshots a store may be receiving to be given another peer.
const receivingSnapshotsMax = 4

// notUp excludes stores that are not up, for they can be given nothing.
func notUp(_ Input, s *core.StoreInfo) string {
	if s.State != core.StoreUp {
		return s.State.String()
	}
	return ""
}

// occupied excludes stores that enough operators touch already.
func occupied(in Input, s *core.StoreInfo) string {
	if in.Running.full(s.ID()) {
		return fmt.Sprintf("has %d operators", in.Running.stores[s.ID()].operators)
	}
	return ""
}

// overloaded excludes stores that say so themselves, or are busy taking snapshots in.
func overloaded(_ Input, s *core.StoreInfo) string {
	switch n := s.Stats.GetReceivingSnapCount(); {
	case s.Stats.GetIsBusy():
		return "busy"
	case n >= receivingSnapshotsMax:
		return fmt.Sprintf("receives %d snapshots", n)
	default:
		return ""
	}
}

// targetFilters are those for a store that is to be given a new peer of any region.
var targetFilters = []Filter{notUp, occupied, overloaded}

// reject returns the first reason against a store.
func reject(in Input, s *core.StoreInfo, filters ...Filter) string {
	for _, f := range filters {
		if why := f(in, s); why != "" {
			return why
		}
	}
	return ""
}

// Explain says for each store, by id, why it cannot be given a new peer of r; empty if it can.
func Explain(in Input, r *core.RegionInfo) []string {
	stores := in.Snapshot.Stores()
	out := make([]string, len(stores))
	for i := range stores {
		out[i] = in.rejectTarget(r, &stores[i])
	}
	return out
}

func (in Input) rejectTarget(r *core.RegionInfo, s *core.StoreInfo) string {
	if region.FindPeer(r.Region, s.ID()) != nil {
		return "has a peer"
	}
	return reject(in, s, targetFilters...)
}

// bestTarget chooses the store for a new peer of r: of the candidates the one with the fewest regions, and of those the
// one with the lowest id. Zero means there is none.
func (in Input) bestTarget(r *core.RegionInfo) uint64 {
	var best *core.StoreInfo
	stores := in.Snapshot.Stores()
	for i := range stores {
		s := &stores[i]
		if in.rejectTarget(r, s) == "" && (best == nil || in.regionCount(s) < in.regionCount(best)) {
			best = s
		}
	}
	if best == nil {
		return 0
	}
	return best.ID()
}
