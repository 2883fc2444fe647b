package workloads

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"ordeal/cluster"
	"ordeal/nemesis"
	"ordeal/world"
)

// In some runs stores join while clients work, empty, when the others are full. The placement driver has then much to do, and
// is judged by how it does it: stores must become even, by few moves, and none of them back and forth.

// The sources of a run's luck in this; the first is that of its schedule.
const (
	scheduleStream = 0x5c4ed01e
	joinStream     = 0x10117
)

const (
	// joinShare is the part of the time under faults in which stores join, from its beginning: one in so many.
	joinShare = 4
	// evenPercent and evenLeast are how far from the mean of all stores the peers, and the leaders, of a store may be in number
	// when all is at rest: so many percent of it, but this many at least.
	evenPercent, evenLeast = 10, 1
	// movesPercent is how many moves for balance there may be, in percent of those that were necessary: peers go one by one to
	// where there are fewest of them, so hardly any of them moves in vain.
	movesPercent = 110
)

// Balance tells how peers were moved in a run in which stores joined.
type Balance struct {
	// Moves is how many peers were moved for balance, since the first store joined. Allowed is how many would have been too
	// many: movesPercent of Necessary, which are the peers that the stores that joined have at the end, one for
	// every operator that did not end as planned, Unfinished, and one for every change that somebody else made of members
	// and regions, Others, since it may have made stores uneven again.
	Moves      int `json:"moves"`
	Allowed    int `json:"allowed"`
	Necessary  int `json:"necessary"`
	Unfinished int `json:"unfinished"`
	Others     int `json:"others"`
	// Peers and Leaders are how many each store has at the end.
	Peers   []int `json:"peers"`
	Leaders []int `json:"leaders"`
}

// joinStores lets stores join, each at a time of its own.
func (r *run) joinStores() {
	if r.cfg.Join == 0 {
		return
	}
	rng := rand.New(rand.NewPCG(r.cfg.Seed, joinStream))
	r.watch.placement.begin()
	for range r.cfg.Join {
		wait := time.Duration(rng.Int64N(int64(r.cfg.Duration) / joinShare))
		r.w.Go(cluster.SetupNode, "join", func(p world.Proc) {
			p.Sleep(wait)
			if id, err := r.cluster.Extend(); err != nil {
				r.fail("store %d could not join: %v", id, err)
			}
		})
	}
}

// hurtDriver adds faults of the placement driver alone to a light schedule: it is at work all the time.
func (r *run) hurtDriver(rng *rand.Rand, families []nemesis.Family) {
	own := slices.DeleteFunc(slices.Clone(families), func(f nemesis.Family) bool {
		return f.Name != (nemesis.KillPD{}).Name() && f.Name != (nemesis.TransferPD{}).Name()
	})
	opts := nemesis.Options{PDs: r.knobs.members.members}
	r.schedule = append(r.schedule, nemesis.Draw(rng, own, r.cfg.Duration, r.cfg.Stores, opts)...)
}

// judgePlacement says how the driver of a run in which stores joined has done. The cluster is at rest.
func (r *run) judgePlacement() {
	p := r.watch.placement
	if r.cfg.Join == 0 {
		return
	}
	regions, stores := r.cluster.Regions(), r.cluster.Stores()
	b := &Balance{Moves: p.moves, Unfinished: p.unfinished, Others: p.others}
	b.Peers, b.Leaders = countPeers(regions, int(slices.Max(stores)))
	for _, n := range b.Peers[r.cfg.Stores-r.cfg.Join:] {
		b.Necessary += n
	}
	b.Allowed = b.Necessary*movesPercent/100 + b.Unfinished + b.Others
	r.balance = b
	if b.Moves > b.Allowed {
		r.fail("the placement driver moved %d peers for balance, and %d would have been many: %d were necessary, %d operators did not "+
			"end as planned, %d changes were made by others", b.Moves, b.Allowed, b.Necessary, b.Unfinished, b.Others)
	}
	for _, of := range []struct {
		what string
		n    []int
	}{{"peers", b.Peers}, {"leaders", b.Leaders}} {
		if why := unlike(of.n, r.cluster.Leaving()); why != "" {
			r.fail("stores are uneven in %s: %s", of.what, why)
		}
	}
}

// countPeers counts the peers and the leaders of each store.
func countPeers(regions []nemesis.Region, stores int) (peers, leaders []int) {
	peers, leaders = make([]int, stores), make([]int, stores)
	for _, g := range regions {
		for _, m := range g.Peers {
			peers[m.Store-1]++
		}
		if g.Leader != 0 {
			leaders[g.Leader-1]++
		}
	}
	return peers, leaders
}

// unlike says which store is too far from the mean of those that have not left, "" if none is. It counts in whole things times
// stores, so as not to round.
func unlike(n []int, left []world.NodeID) string {
	sum, stores := 0, len(n)-len(left)
	for _, x := range n {
		sum += x
	}
	for i, x := range n {
		far := x*stores - sum
		if !slices.Contains(left, world.NodeID(i+1)) && max(far, -far) > max(sum*evenPercent/100, evenLeast*stores) {
			return fmt.Sprintf("store %d has %d of %d, of all %d stores: %v", i+1, x, sum, stores, n)
		}
	}
	return ""
}
