package workloads

import (
	"math"
	"math/rand/v2"
	"time"

	"ordeal/cluster"
	"ordeal/pd/schedule"
	"ordeal/system/client"
	"ordeal/workloads/traffic"
	"ordeal/world/sim"
)

// knobs are what the seed draws beside the schedule: how good the network and the disks are, and the sizes of things.
type knobs struct {
	net         sim.NetConfig
	disk        sim.DiskConfig
	traffic     traffic.Knobs
	logEntries  uint64
	splitBytes  uint64
	snapshots   snapshotKnobs
	hibernate   hibernateKnobs
	tick        time.Duration
	turn        time.Duration
	callTimeout time.Duration
	sizes       sizes
	// leases says that leaders answer reads by lease, drift is how much clocks differ, which the stores know.
	leases bool
	drift  float64
	// readFrom is whom each client reads from.
	readFrom []client.ReadFrom
	shards   int
	driver   driverKnobs
	members  memberKnobs
	buffers  buffers
}

// drifts are what drift is drawn from. Real clocks are much better; but a lease that is too long by the drift shows the
// sooner the larger it is.
var drifts = []float64{0, 0.05, 0.3, 1, 1, 1}

// A store's tick is drawn between tickMin and tickMax; an election takes ten to twenty of them. An actor's turn is
// drawn from turnMin, doubled up to three times, and so are timeouts of calls from callTimeoutMin, up to four times.
const (
	turnMin        = 50 * time.Microsecond
	callTimeoutMin = 60 * time.Millisecond
	tickMin        = 15 * time.Millisecond
	tickMax        = 100 * time.Millisecond
	// lateMax is the longest time after which a message may come a second time.
	lateMax = 4 * time.Second
	// shardsMax is the most shards that a store gets.
	shardsMax = 3
)

func drawKnobs(cfg Config) knobs {
	rng := rand.New(rand.NewPCG(cfg.Seed, 0x0b5e55ed))
	k := knobs{net: sim.DefaultNet(), disk: sim.DefaultDisk()}
	// One run in three has a bad network, one in three slow disks.
	if rng.IntN(3) == 0 {
		k.net.Loss = rng.Float64() * 0.05
		k.net.Duplicate = rng.Float64() * 0.05
		k.net.Reorder = rng.Float64() * 0.2
		// Copies may be as old as elections and snapshots that came in between.
		k.net.Late = lateMax >> rng.IntN(9)
	}
	if rng.IntN(3) == 0 {
		k.disk.SyncMax = time.Duration(1+rng.IntN(20)) * time.Millisecond
		k.disk.Stall = rng.Float64() * 0.01
	}
	k.logEntries = 16 << rng.IntN(5)
	k.splitBytes = 0
	// Impatient clients do more in a cluster that hardly answers, and leave more writes with an unknown outcome.
	k.callTimeout = callTimeoutMin << rng.IntN(5)
	// How long an actor gathers work before a turn: short turns interleave more, long ones batch more.
	k.turn = turnMin << rng.IntN(4)
	if cfg.Workload == "churn" {
		k.splitBytes = 16 << 10 << rng.IntN(3)
	}
	// Faults last as long in fast clusters as in slow ones: some runs elect leaders ten times in one, some never.
	k.tick = time.Duration(float64(tickMin) * math.Pow(float64(tickMax)/float64(tickMin), rng.Float64()))
	// A hot key is good for finding bugs, but porcupine needs a time that grows exponentially with how many clients are
	// at one: more clients get more keys.
	k.traffic = traffic.Knobs{Regions: cfg.Regions, HotKeys: max(8+rng.IntN(25), cfg.Clients)}
	if n := drawCrowd(cfg); n > 0 {
		k.traffic.HotKeys = n
	}
	if rng.IntN(2) == 0 {
		k.traffic.ThinkMax = time.Duration(1+rng.IntN(10)) * time.Millisecond
	}
	k.drawReads(rng, cfg.Clients)
	k.snapshots = drawSnapshots(cfg.Seed)
	k.shards = 1 + rng.IntN(shardsMax)
	k.sizes = drawSizes(cfg)
	k.hibernate = drawHibernate(cfg.Seed, k.tick)
	k.members = drawMembers(cfg.Seed)
	k.buffers = drawBuffers(cfg.Seed, cfg.Regions)
	k.plain(cfg)
	if cfg.Regions > manyRegions {
		k.bearMany()
	}
	k.driver = drawDriver(cfg.Seed, k.tick)
	k.driver.takeSizes(cfg.Seed, &k)
	if cfg.Join > 0 {
		k.bearJoin()
	}
	k.traffic.NapEvery, k.traffic.NapFor = k.hibernate.napEvery, k.hibernate.napFor
	return k
}

// drawCrowd returns on how few keys all clients meet, or 0 in most runs: what operations of one turn do to one key is seldom
// seen where they are many. It has a source of its own, so that runs without a crowd are as they would be.
func drawCrowd(cfg Config) int {
	rng := rand.New(rand.NewPCG(cfg.Seed, 0xc20fd))
	if rng.IntN(crowdEvery) > 0 || cfg.Clients > crowdClientsMax || cfg.Regions > manyRegions {
		return 0
	}
	return 1 + rng.IntN(crowdKeysMax)
}

// A run in crowdEvery has a crowd, on at most crowdKeysMax keys, unless there are more than crowdClientsMax clients.
const crowdEvery, crowdKeysMax, crowdClientsMax = 5, 4, 16

// manyRegions is beyond how many regions a run needs knobs that fit them.
const manyRegions = 256

// manyTickMin is the shortest tick of stores with many regions, and manyWaitingMin the least number of calls that may wait in
// one of their shards: with one at a time thousands of regions could not be visited in any reasonable time.
const (
	manyTickMin    = 50 * time.Millisecond
	manyWaitingMin = probersMax
)

// bearMany changes what would make a run with thousands of regions take hours, or leave it without them: they always
// sleep when nobody uses them; ticks are not short, since each costs something for every region that a fault has woken; calls
// may wait; and stores do not merge the regions that are empty, which at first are all of them.
func (k *knobs) bearMany() {
	k.tick = max(k.tick, manyTickMin)
	k.hibernate.ticks = max(k.hibernate.ticks, 1)
	k.sizes.waitingMax = max(k.sizes.waitingMax, manyWaitingMin)
	k.sizes.mergeBytes = 0
	k.buffers = plainBuffers()
}

// bearJoin leaves the number of regions to faults, and has the driver look at nothing but how many each store has: moves are
// counted, and whatever else it does is a reason for another one.
func (k *knobs) bearJoin() {
	k.splitBytes, k.sizes.splitKeys, k.sizes.mergeBytes = 0, 0, 0
	k.driver.rules, k.driver.places = schedule.Rules{}, nil
}

// drawReads draws how reads are answered. In a third of the runs all clients read from leaders, in a third from any
// replica, and in the rest each has a way of its own.
func (k *knobs) drawReads(rng *rand.Rand, clients int) {
	k.leases = rng.IntN(2) == 0
	k.drift = drifts[rng.IntN(len(drifts))]
	all := rng.IntN(3)
	k.readFrom = make([]client.ReadFrom, clients)
	for i := range k.readFrom {
		if all == 1 || all == 2 && rng.IntN(2) == 0 {
			k.readFrom[i] = client.AnyReplica
		}
	}
	// In half of the runs some clients only read, from leaders: they see how long a leader goes on that has lost its region.
	if rng.IntN(2) == 0 {
		k.traffic.Readers = clients / 4
		for i := range k.traffic.Readers {
			k.readFrom[i] = client.Leader
		}
	}
}

// quietNet loses nothing: the cluster must come to rest on it.
func quietNet() sim.NetConfig {
	n := sim.DefaultNet()
	n.Loss, n.Duplicate, n.Reorder, n.Late = 0, 0, 0, 0
	return n
}

// cluster is the cluster that a run starts.
func (k knobs) cluster(cfg Config) cluster.Config {
	c := cluster.DefaultConfig()
	c.Stores, c.Replicas, c.Clients = cfg.Stores-cfg.Join, cfg.Replicas, cfg.Clients
	c.SplitKeys = traffic.SplitKeys(cfg.Regions)
	c.Store.LogEntriesMax = k.logEntries
	c.Store.RegionSplitBytes = k.splitBytes
	c.Store.TickInterval = k.tick
	c.Store.LeaseReads, c.Store.ClockDrift = k.leases, k.drift
	k.snapshots.configure(&c.Store)
	c.Store.Shards = k.shards
	k.sizes.apply(&c.Store)
	k.hibernate.configure(&c.Store)
	k.driver.configure(&c)
	k.members.configure(&c)
	k.buffers.configure(&c)
	c.Client = client.Options{CallTimeout: k.callTimeout}
	return c
}
