package schedule

import (
	"cmp"
	"fmt"
	"slices"

	"ordeal/pd/core"
	"ordeal/system/region"
)

const (
	// balanceDifference is by how many regions, or leaders, two stores must differ for one to move. A move narrows the
	// difference by two, so from two on it never makes the lesser store the greater: nothing swings back.
	balanceDifference = 2
	// regionsScannedMax bounds how many regions one decision looks at, candidatesMax how many of them it considers.
	// It starts at a random one, so that what one decision does not reach the next may.
	regionsScannedMax = 4096
	candidatesMax     = 64
)

// Scheduler makes a cluster more even by one operator at a time; nil if there is nothing to do.
type Scheduler struct {
	Name     string
	Schedule func(in Input) *Operator
}

// Schedulers returns all schedulers there are, in the order they should run.
func Schedulers() []Scheduler {
	return []Scheduler{
		{Name: string(KindBalanceRegion), Schedule: BalanceRegion},
		{Name: string(KindBalanceLeader), Schedule: BalanceLeader},
	}
}

// BalanceRegion moves a peer from a store with many regions to one with at least two fewer. Only a region with the right
// number of peers, all of them healthy, is moved, and rather one that does not have to change its leader for it.
func BalanceRegion(in Input) *Operator {
	targets := in.ranked(in.regionCount, targetFilters...)
	sources := in.ranked(in.regionCount, notUp, occupied)
	slices.Reverse(sources)
	for _, from := range sources {
		if len(targets) == 0 || in.regionCount(from)-in.regionCount(targets[0]) < balanceDifference {
			break // those that follow have fewer still
		}
		candidates := in.candidates(func(r *core.RegionInfo) bool {
			return len(r.Region.GetPeers()) == in.Replicas && region.FindPeer(r.Region, from.ID()) != nil
		})
		slices.SortStableFunc(candidates, func(a, b *core.RegionInfo) int {
			return cmp.Compare(one(a.LeaderStore() == from.ID()), one(b.LeaderStore() == from.ID()))
		})
		for _, to := range targets {
			diff := in.regionCount(from) - in.regionCount(to)
			if diff < balanceDifference {
				break
			}
			why := fmt.Sprintf("s%d has %d more regions than s%d", from.ID(), diff, to.ID())
			for _, r := range candidates {
				if region.FindPeer(r.Region, to.ID()) != nil {
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

// BalanceLeader moves leadership of a region from a store that leads many to one that leads at least two fewer.
func BalanceLeader(in Input) *Operator {
	targets := in.ranked(in.leaderCount, notUp, occupied)
	for _, from := range slices.Backward(targets) {
		if in.leaderCount(from)-in.leaderCount(targets[0]) < balanceDifference {
			break
		}
		candidates := in.candidates(func(r *core.RegionInfo) bool { return r.LeaderStore() == from.ID() })
		for _, to := range targets {
			diff := in.leaderCount(from) - in.leaderCount(to)
			if diff < balanceDifference {
				break
			}
			why := fmt.Sprintf("s%d leads %d more than s%d", from.ID(), diff, to.ID())
			step := TransferLeader{From: from.ID(), To: to.ID()}
			for _, r := range candidates {
				if op := newOperator(in, r, KindBalanceLeader, why, step); op != nil {
					return op
				}
			}
		}
	}
	return nil
}

// ranked returns the stores that pass the filters, those with the lowest count first, and of those the lowest id.
func (in Input) ranked(count func(*core.StoreInfo) int, filters ...Filter) []*core.StoreInfo {
	var out []*core.StoreInfo
	stores := in.Snapshot.Stores()
	for i := range stores {
		if reject(in, &stores[i], filters...) == "" {
			out = append(out, &stores[i])
		}
	}
	slices.SortStableFunc(out, func(a, b *core.StoreInfo) int { return cmp.Compare(count(a), count(b)) })
	return out
}

// candidates returns healthy regions without operators that pass want, in the order of keys from a random one on.
func (in Input) candidates(want func(*core.RegionInfo) bool) []*core.RegionInfo {
	n := in.Snapshot.RegionCount()
	if n == 0 {
		return nil
	}
	var out []*core.RegionInfo
	start := in.Rand.IntN(n)
	for i := range min(n, regionsScannedMax) {
		r := in.Snapshot.At((start + i) % n)
		if !in.Running.Has(r.ID()) && want(r) && allHealthy(in.Snapshot, r) {
			if out = append(out, r); len(out) == candidatesMax {
				break
			}
		}
	}
	return out
}
