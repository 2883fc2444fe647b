package schedule

import (
	"fmt"
	"slices"

	"ordeal/pd/core"
	"ordeal/system/region"
)

// Filter says why a store is no candidate; empty if it is one. Filters are tried in order and the first reason counts.
type Filter func(in Input, s *core.StoreInfo) string

// receivingSnapshotsMax is how many snapshots a store may be receiving to be given another peer.
const receivingSnapshotsMax = 4

// notUp excludes stores that are not up, for they can be given nothing.
func notUp(_ Input, s *core.StoreInfo) string {
	// gofail: var bugPDDownTarget struct{}
	// return ""

	if s.State != core.StoreUp {
		return s.State.String()
	}
	return ""
}

// occupied excludes stores that enough operators touch already, handing those that enough handovers do.
func occupied(in Input, s *core.StoreInfo) string { return in.full(s, laneMoves) }
func handing(in Input, s *core.StoreInfo) string  { return in.full(s, laneHandovers) }

func (in Input) full(s *core.StoreInfo, l lane) string {
	if in.Running.full(s.ID(), l) {
		return fmt.Sprintf("has %d %s", in.Running.stores[s.ID()].operators[l], l)
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

// lowSpace excludes stores that are nearly full.
func lowSpace(_ Input, s *core.StoreInfo) string {
	if s.LowSpace() {
		return fmt.Sprintf("has %d of %d B left", s.Stats.GetAvailable(), s.Stats.GetCapacity())
	}
	return ""
}

// slow excludes stores that report late again and again.
func slow(_ Input, s *core.StoreInfo) string {
	if s.SlowScore >= core.SlowScoreBad {
		return fmt.Sprintf("is slow (%d of %d)", s.SlowScore, core.SlowScoreMax)
	}
	return ""
}

// takesNone excludes stores that have been given enough peers lately, givesNone those that have lost enough.
func takesNone(in Input, s *core.StoreInfo) string {
	t := in.Running.tokens
	if t != nil && !t.adds[s.ID()].has(t.add, 1, in.Snapshot.Now()) {
		return "was given peers a short while ago"
	}
	return ""
}

func givesNone(in Input, s *core.StoreInfo) string {
	t := in.Running.tokens
	if t != nil && !t.removes[s.ID()].has(t.remove, 1, in.Snapshot.Now()) {
		return "lost peers a short while ago"
	}
	return ""
}

// noLeaders excludes stores that are being relieved of leaders.
func noLeaders(in Input, s *core.StoreInfo) string {
	if slices.Contains(in.Rules.NoLeaders, s.ID()) {
		return "must not lead"
	}
	return ""
}

// targetFilters are those for a store that is to be given a new peer of a region that needs one; even ones those for a
// store that is to be given one just to be even.
var (
	targetFilters = []Filter{notUp, occupied, overloaded, lowSpace}
	evenFilters   = []Filter{notUp, occupied, overloaded, lowSpace, slow, takesNone}
)

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

// bestTarget chooses the store for a new peer of r: of the candidates those that stand farthest from the other peers, of
// those the one with the least on it, and of those the one with the lowest id. Zero means there is none.
func (in Input) bestTarget(r *core.RegionInfo) uint64 { return in.bestTargetFor(r, 0) }

// bestTargetFor is bestTarget for a peer that takes the place of the one on another store.
func (in Input) bestTargetFor(r *core.RegionInfo, instead uint64) uint64 {
	var best *core.StoreInfo
	apart := 0
	stores := in.Snapshot.Stores()
	for i := range stores {
		s := &stores[i]
		if in.rejectTarget(r, s) != "" {
			continue
		}
		d := in.isolation(r, s.ID(), instead)
		if best == nil || d > apart || (d == apart && in.weightOn(s) < in.weightOn(best)) {
			best, apart = s, d
		}
	}
	if best == nil {
		return 0
	}
	return best.ID()
}
