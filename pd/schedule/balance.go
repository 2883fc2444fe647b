package schedule

import (
	"cmp"
	"fmt"
	"slices"

	"ordeal/pd/core"
	"ordeal/system/region"
)

const (
	// balanceDifference is by how many times what moves two stores must differ. A move narrows the difference by twice what
	// moves, so from that on it never makes the lesser store the greater: nothing swings back.
	balanceDifference = 2
	// regionsScannedMax bounds how many regions of a store one decision looks at, candidatesMax how many of them it considers.
	// It starts at a random one, so that what one decision does not reach the next may.
	regionsScannedMax = 1024
	candidatesMax     = 32
	// sourcesMax and targetsMax bound how many stores one decision tries, of those that need it most.
	sourcesMax, targetsMax = 8, 8
)

// BalanceRegion moves a peer from a store with much on it to one with less. Stores must differ by at least twice what the
// region weighs and a tolerance, and no hasty move is made between stores on the same side of the mean. Only a region with the
// right number of peers is moved: rather one whose peer there lags, which costs nobody anything, than one whose follower is
// there, and last one that has to change its leader for it. All other peers must be healthy.
func BalanceRegion(in Input) *Operator {
	targets := in.ranked(in.weightOn, evenFilters...)
	sources := in.ranked(in.weightOn, notUp, occupied, givesNone)
	slices.Reverse(sources)
	if len(targets) == 0 || len(sources) == 0 {
		return nil
	}
	slack := in.tolerance(in.weightOn)
	for _, from := range sources[:min(len(sources), sourcesMax)] {
		if !in.uneven(in.weightOn(from)-in.weightOn(targets[0]), 1, slack) {
			break // those that follow have less still
		}
		candidates := in.movable(from)
		for _, to := range targets[:min(len(targets), targetsMax)] {
			diff := in.weightOn(from) - in.weightOn(to)
			why := fmt.Sprintf("s%d has %d more than s%d", from.ID(), diff, to.ID())
			for _, r := range candidates {
				if !in.uneven(diff, weight(r), slack) || !in.fits(r, from.ID(), to.ID()) || in.hasty(r, from, to) {
					continue
				}
				if op := in.move(r, KindBalanceRegion, why, from.ID(), to.ID()); op != nil {
					return op
				}
			}
		}
	}
	return nil
}

// uneven says whether two stores differ enough to move something of a certain weight from one to the other.
func (in Input) uneven(diff, moved, slack int64) bool {
	// gofail: var bugPDNoTolerance struct{}
	// return diff > 0

	return diff >= balanceDifference*moved+slack
}

// tolerance is by how much stores may differ for nothing: what they weigh changes while they are looked at.
func (in Input) tolerance(on func(*core.StoreInfo) int64) int64 {
	sum, n := int64(0), int64(0)
	stores := in.Snapshot.Stores()
	for i := range stores {
		if stores[i].State == core.StoreUp {
			sum += on(&stores[i])
			n++
		}
	}
	return sum / max(n, 1) * int64(in.Rules.TolerancePercent) / 100
}

// movable returns regions of which from may give its peer away, the best first.
func (in Input) movable(from *core.StoreInfo) []*core.RegionInfo {
	var out []*core.RegionInfo
	for _, role := range []core.Role{core.RolePending, core.RoleFollower, core.RoleLeader} {
		out = append(out, in.candidates(from.ID(), role, func(r *core.RegionInfo) bool {
			if len(r.Region.GetPeers()) != in.Replicas || (role != core.RolePending && r.IsPending(region.FindPeer(r.Region, from.ID()).GetId())) {
				return false
			}
			// gofail: var bugPDPendingMoved struct{}
			// return true

			for _, p := range r.Region.GetPeers() {
				lags := role == core.RolePending && p.GetStoreId() == from.ID() && region.Votes(p)
				if !lags && !healthy(in.Snapshot, r, p) {
					return false
				}
			}
			return true
		})...)
	}
	return out
}

// fits says whether to may have r's peer on from without the peers standing nearer to each other.
func (in Input) fits(r *core.RegionInfo, from, to uint64) bool {
	return region.FindPeer(r.Region, to) == nil && in.asFar(r, from, to)
}

// asFar says whether to stands as far from r's other peers as from does.
func (in Input) asFar(r *core.RegionInfo, from, to uint64) bool {
	return in.isolation(r, to, from) >= in.isolation(r, from, from)
}

// hasty says whether a move had better wait. One reason is that to has given the region away for balance a short while ago: another
// one should go there. The other is that from has no more on it than the mean of the stores that stand as well, or to has no
// less, so that it will have to pass on what it takes; and that one of them which has less than to can't be given anything just
// for the moment, since it is being given enough.
func (in Input) hasty(r *core.RegionInfo, from, to *core.StoreInfo) bool {
	if h := in.Running.history; h != nil && h.left(r.ID(), to.ID(), in.Snapshot.Now().Add(-stayAway)) {
		return true
	}
	sum, n, soon := int64(0), int64(0), false
	stores := in.Snapshot.Stores()
	for i := range stores {
		s := &stores[i]
		if s.State != core.StoreUp || reject(in, s, lowSpace, slow) != "" || !in.asFar(r, from.ID(), s.ID()) {
			continue
		}
		sum += in.weightOn(s)
		n++
		soon = soon || in.weightOn(s) < in.weightOn(to) && reject(in, s, evenFilters...) != ""
	}
	crosses := in.weightOn(to)*n < sum && sum < in.weightOn(from)*n
	return !crosses && soon
}

// BalanceLeader moves leadership of a region from a store that leads many to one that leads fewer: out of the one that
// leads most, or else into the one that leads least.
func BalanceLeader(in Input) *Operator {
	count := func(s *core.StoreInfo) int64 { return int64(in.leaderCount(s)) }
	targets := in.ranked(count, notUp, handing, slow, noLeaders)
	sources := in.ranked(count, notUp, handing)
	slices.Reverse(sources)
	if len(targets) == 0 || len(sources) == 0 {
		return nil
	}
	slack := in.tolerance(count)
	for _, from := range sources[:min(len(sources), sourcesMax)] {
		if !in.uneven(count(from)-count(targets[0]), 1, slack) {
			break
		}
		candidates := in.candidates(from.ID(), core.RoleLeader, func(r *core.RegionInfo) bool { return allHealthy(in.Snapshot, r) })
		for _, to := range targets {
			diff := count(from) - count(to)
			if !in.uneven(diff, 1, slack) {
				break
			}
			if op := in.transfer(candidates, KindBalanceLeader, from.ID(), to.ID(),
				fmt.Sprintf("s%d leads %d more than s%d", from.ID(), diff, to.ID())); op != nil {
				return op
			}
		}
	}
	return in.leadersInto(sources, targets, slack)
}

// leadersInto finds a leader for the store that leads least among the regions that it has followers of.
func (in Input) leadersInto(sources, targets []*core.StoreInfo, slack int64) *Operator {
	to := targets[0]
	for _, r := range in.candidates(to.ID(), core.RoleFollower, func(r *core.RegionInfo) bool { return allHealthy(in.Snapshot, r) }) {
		i := slices.IndexFunc(sources, func(s *core.StoreInfo) bool { return s.ID() == r.LeaderStore() })
		if i < 0 {
			continue
		}
		diff := int64(in.leaderCount(sources[i]) - in.leaderCount(to))
		if !in.uneven(diff, 1, slack) {
			continue
		}
		if op := in.transfer([]*core.RegionInfo{r}, KindBalanceLeader, sources[i].ID(), to.ID(),
			fmt.Sprintf("s%d leads %d more than s%d", sources[i].ID(), diff, to.ID())); op != nil {
			return op
		}
	}
	return nil
}

// transfer plans to hand leadership over of the first of the regions for which it can be done.
func (in Input) transfer(regions []*core.RegionInfo, kind Kind, from, to uint64, why string) *Operator {
	for _, r := range regions {
		if op := newOperator(in, r, kind, why, TransferLeader{From: from, To: to}); op != nil {
			return op
		}
	}
	return nil
}

// ranked returns the stores that pass the filters, those with the least on them first, and of those the lowest id.
func (in Input) ranked(on func(*core.StoreInfo) int64, filters ...Filter) []*core.StoreInfo {
	var out []*core.StoreInfo
	stores := in.Snapshot.Stores()
	for i := range stores {
		if reject(in, &stores[i], filters...) == "" {
			out = append(out, &stores[i])
		}
	}
	slices.SortStableFunc(out, func(a, b *core.StoreInfo) int { return cmp.Compare(on(a), on(b)) })
	return out
}

// candidates returns regions without operators of which the store has a peer in that role and that pass want, in the order
// of keys from a random one on.
func (in Input) candidates(store uint64, role core.Role, want func(*core.RegionInfo) bool) []*core.RegionInfo {
	n := in.Snapshot.CountOf(store, role)
	if n == 0 {
		return nil
	}
	var out []*core.RegionInfo
	scanned := 0
	in.Snapshot.AscendOf(store, role, in.Rand.IntN(n), func(r *core.RegionInfo) bool {
		if !in.Running.Has(r.ID()) && !region.Joint(r.Region) && want(r) {
			out = append(out, r)
		}
		scanned++
		return len(out) < candidatesMax && scanned < regionsScannedMax
	})
	return out
}
