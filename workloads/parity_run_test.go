package workloads

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/cluster"
	"ordeal/nemesis"
	"ordeal/world"
	"ordeal/world/sim"
)

// parityRun is one run of a scenario.
type parityRun struct {
	t       *testing.T
	row     parity
	w       *sim.World
	c       *cluster.Sim
	watch   *watch
	clients []*parityClient
	// stop ends what clients and faults do in a round; busy counts those who have not noticed yet.
	stop bool
	busy int
}

// start sets a proc going that a round waits for.
func (r *parityRun) start(node world.NodeID, name string, f func(world.Proc)) {
	r.busy++
	r.w.Go(node, name, func(p world.Proc) {
		defer func() { r.busy-- }()
		f(p)
	})
}

// await lets time pass until nothing is busy any more.
func (r *parityRun) await(what string) {
	require.True(r.t, r.w.RunWhile(func() bool { return r.busy > 0 }, r.w.Now().Add(parityPatience)),
		"%s: %d procs did not end within %v", what, r.busy, parityPatience)
}

// do runs f to its end.
func (r *parityRun) do(name string, f func(world.Proc)) {
	r.start(cluster.SetupNode, name, f)
	r.await(name)
}

// round is five seconds of load and faults, then peace, perhaps a power loss of all stores, and then nothing may be
// missing.
func (r *parityRun) round() {
	r.stop = false
	if r.row.unreliable {
		net := quietNet()
		net.Loss = parityLoss
		r.w.SetNet(net)
	}
	for _, c := range r.clients {
		r.start(cluster.FirstClient+world.NodeID(c.id), fmt.Sprintf("c%d", c.id), func(p world.Proc) { c.work(p, r) })
	}
	if r.row.partitions {
		r.start(cluster.NemesisNode, "partitions", r.partition)
	}
	if r.row.confChange {
		r.start(cluster.NemesisNode, "conf changes", r.changePeers)
	}
	r.w.Run(r.w.Now().Add(parityRound))
	r.stop = true
	r.w.SetNet(quietNet())
	r.await("the round")
	if r.row.crash {
		r.crashAll()
	}
	for _, c := range r.clients {
		r.start(cluster.FirstClient+world.NodeID(c.id), fmt.Sprintf("c%d", c.id), func(p world.Proc) { c.look(p, r) })
	}
	r.await("the look at the data")
	r.checkLogs()
	require.Zero(r.t, r.watch.inv.Count(), "%v", r.watch.inv.Violations())
}

// partition cuts the stores in two, another way now and then. Clients and the placement driver reach both sides.
func (r *parityRun) partition(p world.Proc) {
	const lastMin, lastSpread = 500 * time.Millisecond, 200 * time.Millisecond
	for !r.stop {
		// Bit i puts the i-th store on one side; no bit of the five, or all, would leave the other side empty.
		mask := 1 + p.Rand().Uint64N(1<<parityStores-2)
		cut := nemesis.Partition{
			First: nemesis.Stores(mask), Second: nemesis.Whom{Kind: nemesis.WhomRest},
			PD: nemesis.SideBoth, Clients: nemesis.SideBoth,
		}
		_, err := cut.Apply(p, r.c)
		require.NoError(r.t, err)
		r.pause(p, lastMin+time.Duration(p.Rand().Int64N(int64(lastSpread))))
		_, err = cut.Heal(p, r.c)
		require.NoError(r.t, err)
	}
}

// pause sleeps, but not past the end of the round.
func (r *parityRun) pause(p world.Proc, d time.Duration) {
	for end := p.Now().Add(d); !r.stop && p.Now() < end; {
		p.Sleep(min(end.Sub(p.Now()), parityTick))
	}
}

// changePeers adds a random region's peer to a random store, or removes it there if it is not the last.
func (r *parityRun) changePeers(p world.Proc) {
	const pauseMax = 200 * time.Millisecond
	for !r.stop {
		regions, stores := r.c.Regions(), r.c.Stores()
		region := regions[p.Rand().IntN(len(regions))]
		store := stores[p.Rand().IntN(len(stores))]
		holds := false
		for _, peer := range region.Peers {
			holds = holds || peer.Store == store
		}
		// A cluster that is cut in two or loses messages may refuse, or not answer.
		switch {
		case !holds:
			_ = r.c.AddPeer(p, region.ID, store)
		case len(region.Peers) > 1:
			_ = r.c.RemovePeer(p, region.ID, store)
		}
		p.Sleep(time.Duration(p.Rand().Int64N(int64(pauseMax))))
	}
}

// crashAll takes the power from all stores at once: what none of them had made durable is gone.
func (r *parityRun) crashAll() {
	for _, s := range r.c.Stores() {
		_, err := r.c.Crash(s)
		require.NoError(r.t, err)
	}
	for _, s := range r.c.Stores() {
		require.NoError(r.t, r.c.Restart(s))
	}
}

// checkLogs checks that no log is much longer than its bound.
func (r *parityRun) checkLogs() {
	if r.row.maxLog == 0 {
		return
	}
	for _, l := range r.c.Logs() {
		require.LessOrEqual(r.t, l.Applied-l.Truncated, 2*r.row.maxLog, "the log of region %d on s%d is too long", l.Region, l.Store)
	}
}

// judge looks at the cluster after the last round, and at all that the clients saw.
func (r *parityRun) judge() {
	if r.row.split {
		require.NotEmpty(r.t, r.c.Regions()[0].End, "the first region was never split")
	}
	require.True(r.t, r.w.RunWhile(func() bool { return !r.atRest() }, r.w.Now().Add(parityPatience)),
		"replicas have not applied alike %v after the last round: %+v", parityPatience, r.c.Replicas())
	r.watch.compareReplicas(r.c.Replicas())
	require.Zero(r.t, r.watch.inv.Count(), "%v", r.watch.inv.Violations())
	var recs []*checker.Recorder
	for _, c := range r.clients {
		recs = append(recs, c.rec)
	}
	judged := checker.Check(checker.Merge(recs...), checker.Options{})
	require.Equal(r.t, checker.OK, judged.Verdict, "%v", judged.Reasons)
}

// atRest says whether the members of every region have applied equally much.
func (r *parityRun) atRest() bool {
	type place struct {
		region uint64
		store  world.NodeID
	}
	applied := map[place]uint64{}
	for _, l := range r.c.Logs() {
		applied[place{l.Region, l.Store}] = l.Applied
	}
	for _, region := range r.c.Regions() {
		for _, peer := range region.Peers {
			at := applied[place{region.ID, peer.Store}]
			if at == 0 || at != applied[place{region.ID, region.Peers[0].Store}] {
				return false
			}
		}
	}
	return true
}

func (r *parityRun) operations() int {
	n := 0
	for _, c := range r.clients {
		n += c.rec.Len()
	}
	return n
}
