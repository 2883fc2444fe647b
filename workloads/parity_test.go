package workloads

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/cluster"
	"ordeal/world"
	"ordeal/world/sim"
)

// paritySeeds is how many seeds each row of the table is run with.
var paritySeeds = flag.Int("parity.seeds", 1, "`how many` seeds each scenario of TestParity is run with")

// parity is a scenario of TinyKV's GenericTest, by the parameters of that function; docs/TESTING.md says what is the same
// here and what is harder.
type parity struct {
	name    string
	clients int
	// unreliable loses one message in ten, whoever sends it.
	unreliable bool
	// crash takes the power from all stores at once after each round.
	crash bool
	// partitions cuts the stores in two, another way every 0.5 s to 0.7 s.
	partitions bool
	// maxLog is the bound of the log, in entries; 0 leaves the usual one.
	maxLog uint64
	// confChange adds or removes a random peer of a random region every 0 ms to 200 ms.
	confChange bool
	// split makes regions so small that they split all the time.
	split bool
}

// The clients are one, few and many.
const parityFew, parityMany = 5, 20

// parityLog is the bound of the log of scenarios that have one.
const parityLog = 100

// parities are the rows, in the order and by the names of TinyKV.
func parities() []parity {
	return []parity{
		{name: "Basic2B", clients: 1},
		{name: "Concurrent2B", clients: parityFew},
		{name: "Unreliable2B", clients: parityFew, unreliable: true},
		{name: "ManyPartitionsOneClient2B", clients: 1, partitions: true},
		{name: "ManyPartitionsManyClients2B", clients: parityFew, partitions: true},
		{name: "PersistOneClient2B", clients: 1, crash: true},
		{name: "PersistConcurrent2B", clients: parityFew, crash: true},
		{name: "PersistConcurrentUnreliable2B", clients: parityFew, unreliable: true, crash: true},
		{name: "PersistPartition2B", clients: parityFew, crash: true, partitions: true},
		{name: "PersistPartitionUnreliable2B", clients: parityFew, unreliable: true, crash: true, partitions: true},

		{name: "SnapshotRecover2C", clients: 1, crash: true, maxLog: parityLog},
		{name: "SnapshotRecoverManyClients2C", clients: parityMany, crash: true, maxLog: parityLog},
		{name: "SnapshotUnreliable2C", clients: parityFew, unreliable: true, maxLog: parityLog},
		{name: "SnapshotUnreliableRecover2C", clients: parityFew, unreliable: true, crash: true, maxLog: parityLog},
		{name: "SnapshotUnreliableRecoverConcurrentPartition2C", clients: parityFew, unreliable: true, crash: true,
			partitions: true, maxLog: parityLog},

		{name: "ConfChangeRecover3B", clients: 1, crash: true, confChange: true},
		{name: "ConfChangeRecoverManyClients3B", clients: parityMany, crash: true, confChange: true},
		{name: "ConfChangeUnreliable3B", clients: parityFew, unreliable: true, confChange: true},
		{name: "ConfChangeUnreliableRecover3B", clients: parityFew, unreliable: true, crash: true, confChange: true},
		{name: "ConfChangeSnapshotUnreliableRecover3B", clients: parityFew, unreliable: true, crash: true, maxLog: parityLog,
			confChange: true},
		{name: "ConfChangeSnapshotUnreliableRecoverConcurrentPartition3B", clients: parityFew, unreliable: true, crash: true,
			partitions: true, maxLog: parityLog, confChange: true},

		{name: "SplitRecover3B", clients: 1, crash: true, split: true},
		{name: "SplitRecoverManyClients3B", clients: parityMany, crash: true, split: true},
		{name: "SplitUnreliable3B", clients: parityFew, unreliable: true, split: true},
		{name: "SplitUnreliableRecover3B", clients: parityFew, unreliable: true, crash: true, split: true},
		{name: "SplitConfChangeSnapshotUnreliableRecover3B", clients: parityFew, unreliable: true, crash: true,
			maxLog: parityLog, confChange: true, split: true},
		{name: "SplitConfChangeSnapshotUnreliableRecoverConcurrentPartition3B", clients: parityFew, unreliable: true,
			crash: true, partitions: true, maxLog: parityLog, confChange: true, split: true},
	}
}

// TestParity runs TinyKV's store tests as simulations: `go test ./workloads -run=Parity -parity.seeds=50`.
func TestParity(t *testing.T) {
	t.Parallel()
	for _, row := range parities() {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for seed := range *paritySeeds {
				t.Run(fmt.Sprintf("seed=%d", seed+1), func(t *testing.T) { runParity(t, row, uint64(seed+1)) })
			}
		})
	}
}

// What all scenarios have in common: five stores that all hold every region, as slow as TinyKV's tests have them.
const (
	parityStores   = 5
	parityTick     = 50 * time.Millisecond
	parityElection = 10
	parityRounds   = 3
	parityRound    = 5 * time.Second
	parityLoss     = 0.1
	// paritySplitBytes is what a region of a scenario with splits may hold.
	paritySplitBytes = 300
	// parityCall is how long a client waits for an answer that may be lost.
	parityCall = 100 * time.Millisecond
	// parityNoScheduling keeps the placement driver from repairing what conf changes are meant to damage: TinyKV's tests
	// stand in for it with one that does nothing by itself.
	parityNoScheduling = 24 * time.Hour
	// parityPatience is how long anything may take that must come about once all faults are over.
	parityPatience = 60 * time.Second
)

// config is the cluster of a scenario.
func (row parity) config() cluster.Config {
	c := cluster.DefaultConfig()
	c.Stores, c.Replicas, c.Clients = parityStores, parityStores, row.clients
	c.Store.TickInterval, c.Store.ElectionTicks = parityTick, parityElection
	c.Store.RegionSplitBytes = 0
	if row.split {
		c.Store.RegionSplitBytes = paritySplitBytes
	}
	if row.maxLog > 0 {
		c.Store.LogEntriesMax = row.maxLog
	}
	if row.confChange {
		c.PD.ScheduleEvery = parityNoScheduling
	}
	c.Client.CallTimeout = parityCall
	return c
}

// runParity runs a scenario with a seed.
func runParity(t *testing.T, row parity, seed uint64) {
	w := sim.New(sim.Config{Seed: seed, Net: quietNet()})
	defer func() { require.NoError(t, w.Close()) }()
	watch := newWatch(w, 1)
	cfg := row.config()
	cfg.Store.Listener = watch.listener()
	c, err := cluster.NewSim(w, cfg)
	require.NoError(t, err)
	r := &parityRun{t: t, row: row, w: w, c: c, watch: watch}
	for id := range row.clients {
		r.clients = append(r.clients, newParityClient(id))
	}
	r.bringUp()
	for range parityRounds {
		r.round()
	}
	r.judge()
	t.Logf("%d regions, %d events, %d operations, %v", len(c.Regions()), w.Events(), r.operations(), w.Now())
}

// bringUp waits until the only region has all its replicas. The placement driver may not do it in every scenario.
func (r *parityRun) bringUp() {
	r.do("setup", func(p world.Proc) {
		for !r.hasAllReplicas() {
			for _, region := range r.c.Regions() {
				for _, s := range r.c.Stores() {
					_ = r.c.AddPeer(p, region.ID, s) // what is missing is seen by the next look
				}
			}
			p.Sleep(parityTick)
		}
	})
}

func (r *parityRun) hasAllReplicas() bool {
	regions := r.c.Regions()
	return len(regions) == 1 && len(regions[0].Peers) == parityStores
}
