package schedule

import (
	"cmp"
	"slices"

	"ordeal/pd/core"
	"ordeal/proto/metapb"
	"ordeal/system/region"
)

// led reports whether somebody is there to carry a plan for r out.
func (in Input) led(r *core.RegionInfo) bool {
	leader := in.Snapshot.Store(r.LeaderStore())
	return leader != nil && leader.Alive
}

// bestFollower chooses who should lead instead of the leader: of the healthy followers on stores that may lead, the one
// whose store leads least. It is none of those on the stores without, and zero means there is none.
func (in Input) bestFollower(r *core.RegionInfo, without ...uint64) uint64 {
	var best *core.StoreInfo
	for _, p := range r.Region.GetPeers() {
		s := in.Snapshot.Store(p.GetStoreId())
		if p.GetId() == r.Leader.GetId() || !healthy(in.Snapshot, r, p) || s.State != core.StoreUp ||
			slices.Contains(without, s.ID()) {
			continue
		}
		if best == nil || in.worseLeader(s) < in.worseLeader(best) ||
			(in.worseLeader(s) == in.worseLeader(best) && in.leaderCount(s) < in.leaderCount(best)) {
			best = s
		}
	}
	if best == nil {
		return 0
	}
	return best.ID()
}

// worseLeader is 0 for a store that may lead, and 1 for one that had better not.
func (in Input) worseLeader(s *core.StoreInfo) uint64 { return one(noLeaders(in, s) != "") }

// move plans to replace the peer on from by a new one on to: the new one first, so that the region is never thinner
// than it was. It returns nil if that is not safe as far as can be seen now.
func (in Input) move(r *core.RegionInfo, kind Kind, why string, from, to uint64) *Operator {
	return in.build(r, kind, why, []uint64{from}, []uint64{to}, 0)
}

// remove plans to take the peer on a store away without replacement, leadership first.
func (in Input) remove(r *core.RegionInfo, why string, store uint64) *Operator {
	return in.build(r, KindReplica, why, []uint64{store}, nil, 0)
}

// build plans to take the peers on the stores of from away and to add one on each of to, and then to have the region led from
// leader, if that is not 0; it must be on a store where a peer stays. New peers come first, and get their votes when they have caught up. If there is more than one
// of them, they change places with the old ones in one joint change; otherwise each change is one of its own. It returns
// nil if that is not safe as far as can be seen now.
func (in Input) build(r *core.RegionInfo, kind Kind, why string, from, to []uint64, leader uint64) *Operator {
	gone := make([]uint64, len(from))
	for i, store := range from {
		gone[i] = region.FindPeer(r.Region, store).GetId()
	}
	if quorumHazard(in.Snapshot, r, gone, len(to)) != "" {
		return nil
	}
	for _, store := range to {
		if (AddPeer{Store: store}).Hazard(in.Snapshot, r) != "" {
			return nil
		}
	}
	next := in.nextLeader(r, from, to, leader)
	if next == 0 {
		return nil
	}
	joint := len(to) > 1
	var steps []Step
	var swap Swap
	for _, store := range to {
		p := PeerOn{Store: store, PeerID: in.NextID()}
		if joint {
			steps = append(steps, AddLearner(p))
			swap.Promote = append(swap.Promote, p)
			continue
		}
		steps = append(steps, AddPeer(p))
	}
	if next != r.LeaderStore() {
		steps = append(steps, TransferLeader{From: r.LeaderStore(), To: next})
	}
	if joint {
		for _, store := range from {
			if p := region.FindPeer(r.Region, store); region.Votes(p) {
				swap.Demote = append(swap.Demote, PeerOn{Store: store, PeerID: p.GetId()})
			}
		}
		steps = append(steps, swap)
	}
	for i, store := range from {
		steps = append(steps, RemovePeer{Store: store, PeerID: gone[i]})
	}
	if len(steps) == 0 {
		return nil
	}
	return newOperator(in, r, kind, why, steps...)
}

// nextLeader chooses who should lead while peers leave: leader if one is wanted, the present one if it stays, or else a
// follower that does, or at last a single newcomer. Zero means that there is none.
func (in Input) nextLeader(r *core.RegionInfo, from, to []uint64, leader uint64) uint64 {
	if leader != 0 {
		return leader
	}
	if !slices.Contains(from, r.LeaderStore()) {
		return r.LeaderStore()
	}
	if best := in.bestFollower(r, from...); best != 0 {
		return best
	}
	if len(to) == 1 {
		return to[0]
	}
	return 0
}

// worstPeer chooses the peer that a region with too many misses least: one without a vote if there are not too many votes, one
// that is not healthy, else one that stands nearest to the others, then one on the store with the most regions, rather not the
// leader, and of several the newest. With a vote less than it should have, a region is one fault away from standing still, and a
// voter that lags for a moment is not worth that.
func worstPeer(in Input, r *core.RegionInfo) *metapb.Peer {
	spare := func(p *metapb.Peer) bool { return region.Voters(r.Region) > in.Replicas || !region.Votes(p) }
	return slices.MinFunc(r.Region.GetPeers(), func(a, b *metapb.Peer) int {
		return cmp.Or(
			-cmp.Compare(one(spare(a)), one(spare(b))),
			cmp.Compare(one(healthy(in.Snapshot, r, a)), one(healthy(in.Snapshot, r, b))),
			cmp.Compare(in.isolation(r, a.GetStoreId(), a.GetStoreId()), in.isolation(r, b.GetStoreId(), b.GetStoreId())),
			-cmp.Compare(in.regionCount(in.Snapshot.Store(a.GetStoreId())), in.regionCount(in.Snapshot.Store(b.GetStoreId()))),
			cmp.Compare(one(a.GetId() == r.Leader.GetId()), one(b.GetId() == r.Leader.GetId())),
			-cmp.Compare(a.GetId(), b.GetId()),
		)
	})
}
