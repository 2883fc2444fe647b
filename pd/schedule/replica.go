package schedule

import (
	"fmt"
	"slices"

	"ordeal/pd/core"
	"ordeal/proto/metapb"
	"ordeal/system/region"
)

// CheckReplicas returns what r needs to have the right number of peers, all on stores that will stay, or nil if it has
// them, has an operator already, or cannot be helped now. The worst fault is mended first:
//
//  1. a peer on a store that is down, gone or to be emptied: replaced, or just removed if there are too many anyway; if that
//     is not safe, or nobody could lead then, or it is a good voter and there are not too many, a learner that can become
//     a voter is promoted first
//  2. too few voters, and a learner that can become one: it is promoted
//  3. too few peers: one is added on the best store
//  4. too many peers: the worst is removed
//
// A region in a joint configuration is left alone: whoever brought it there takes it out again.
//
// A dead peer without a store to replace it on is kept: without it the region would not be safer, only smaller.
func CheckReplicas(in Input, r *core.RegionInfo) *Operator {
	if !in.led(r) || region.Joint(r.Region) {
		return nil // nobody there to carry it out
	}
	have := len(r.Region.GetPeers())
	p, why := misplaced(in, r)
	if o := in.Running.regions[r.ID()]; o != nil && (p == nil || o.Region != r.ID() || !o.idlesAt(p)) {
		return nil // under way
	}
	voters := region.Voters(r.Region)
	if p != nil {
		o := in.mend(r, p, why)
		if o == nil {
			// A vote of one that stays may be what it takes to let this one go, or somebody who can lead instead.
			o = in.promote(r, fmt.Sprintf("%d of %d voters, and %s", voters, in.Replicas, why))
		}
		return o
	}
	switch why := fmt.Sprintf("%d of %d peers", have, in.Replicas); {
	case voters < in.Replicas && voters < have:
		return in.promote(r, fmt.Sprintf("%d of %d voters", voters, in.Replicas))
	case have < in.Replicas:
		return in.add(r, why)
	case have > in.Replicas:
		return in.remove(r, why, worstPeer(in, r).GetStoreId())
	default:
		return nil
	}
}

// mend plans to replace a peer that is in the wrong place, or just to remove it if there are too many anyway.
func (in Input) mend(r *core.RegionInfo, p *metapb.Peer, why string) *Operator {
	if len(r.Region.GetPeers()) > in.Replicas {
		if region.Voters(r.Region) <= in.Replicas {
			if healthy(in.Snapshot, r, p) {
				return in.keepVotes(r, why)
			}
			// One that is dead does no harm for as long as it takes to give a learner its vote; without it and that, the region
			// would be one fault away from standing still.
			if o := in.promote(r, why); o != nil {
				return o
			}
		}
		return in.remove(r, why, p.GetStoreId())
	}
	if to := in.bestTargetFor(r, p.GetStoreId()); to != 0 {
		return in.move(r, KindReplica, why, p.GetStoreId(), to)
	}
	return nil
}

// keepVotes plans what must come before a voter goes that works well, of a region with too many peers but not too many voters: a
// learner gets a vote in its place, or, if none can, one goes that has none. With a voter less the region would be one
// fault away from standing still.
func (in Input) keepVotes(r *core.RegionInfo, why string) *Operator {
	if o := in.promote(r, why); o != nil {
		return o
	}
	return in.remove(r, why, worstPeer(in, r).GetStoreId())
}

// idlesAt says whether an operator of lower priority than repair does nothing about a peer that is in the wrong place, and
// so has to give way.
func (o *Operator) idlesAt(p *metapb.Peer) bool {
	return o.Kind.Priority() < PriorityRepair && !slices.Contains(o.Steps, Step(RemovePeer{Store: p.GetStoreId(), PeerID: p.GetId()}))
}

// add plans one more peer.
func (in Input) add(r *core.RegionInfo, why string) *Operator {
	to := in.bestTarget(r)
	if to == 0 || (AddPeer{Store: to}).Hazard(in.Snapshot, r) != "" {
		return nil
	}
	return newOperator(in, r, KindReplica, why, AddPeer{Store: to, PeerID: in.NextID()})
}

// promote plans to make a voter of a learner, of one that has caught up if there is one.
func (in Input) promote(r *core.RegionInfo, why string) *Operator {
	var lagging *Operator
	for _, p := range r.Region.GetPeers() {
		step := AddPeer{Store: p.GetStoreId(), PeerID: p.GetId()}
		if p.GetRole() != metapb.PeerRole_Learner || step.Hazard(in.Snapshot, r) != "" {
			continue
		}
		o := newOperator(in, r, KindReplica, why, step)
		if !r.IsPending(p.GetId()) {
			return o
		}
		if lagging == nil {
			lagging = o
		}
	}
	return lagging
}

// misplaced finds a peer on a store that will not come back or must be left, dead ones first.
func misplaced(in Input, r *core.RegionInfo) (p *metapb.Peer, why string) {
	for _, q := range r.Region.GetPeers() {
		s := in.Snapshot.Store(q.GetStoreId())
		switch {
		case s == nil:
			return q, fmt.Sprintf("s%d is not known", q.GetStoreId())
		case s.State == core.StoreDown, s.State == core.StoreTombstone, s.State == core.StoreOffline && !s.Alive:
			return q, fmt.Sprintf("s%d is %s", s.ID(), s.State)
		case s.State == core.StoreOffline && p == nil:
			p, why = q, fmt.Sprintf("s%d is %s", s.ID(), s.State)
		}
	}
	return p, why
}
