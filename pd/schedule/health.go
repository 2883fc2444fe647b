package schedule

import (
	"fmt"
	"slices"

	"ordeal/pd/core"
	"ordeal/proto/metapb"
)

// healthy reports whether a voter can be counted on: its store reports, and its leader sees it keep up.
func healthy(s *core.Snapshot, r *core.RegionInfo, p *metapb.Peer) bool {
	store := s.Store(p.GetStoreId())
	return p.GetRole() == metapb.PeerRole_Voter && store != nil && store.Alive &&
		!r.IsPending(p.GetId()) && !r.IsDown(p.GetId())
}

// allHealthy reports whether every peer is healthy. Regions that are not are left to the checkers.
func allHealthy(s *core.Snapshot, r *core.RegionInfo) bool {
	for _, p := range r.Region.GetPeers() {
		if !healthy(s, r, p) {
			return false
		}
	}
	return true
}

func quorum(voters int) int { return voters/2 + 1 }

// quorumHazard says why r must not lose the voters with the ids of without and gain added new ones, which are
// taken to be healthy once they are there. The healthy ones must be a quorum before the change, or it could not be
// committed, and of those that there will be after it, or nothing could. It is the one place that decides whether a
// membership change may cost a region its quorum.
func quorumHazard(s *core.Snapshot, r *core.RegionInfo, without []uint64, added int) string {
	// gofail: var bugPDLastHealthy struct{}
	// return ""

	voters, up, votersAfter, upAfter := 0, 0, added, added
	for _, p := range r.Region.GetPeers() {
		if p.GetRole() == metapb.PeerRole_Learner {
			continue
		}
		stays := !slices.Contains(without, p.GetId())
		voters++
		if stays {
			votersAfter++
		}
		if healthy(s, r, p) {
			up++
			if stays {
				upAfter++
			}
		}
	}
	if up < quorum(voters) {
		return fmt.Sprintf("only %d of %d voters are healthy", up, voters)
	}
	if upAfter < quorum(votersAfter) {
		return fmt.Sprintf("only %d of %d voters would be healthy after it", upAfter, votersAfter)
	}
	return ""
}
