package store

import (
	"fmt"
	"time"

	"ordeal/raft"
	"ordeal/system/region"
	"ordeal/world"
)

// Bounds of one store. Whoever meets one gets ServerIsBusy or waits for the next tick; nothing grows without limit.
const (
	MaxMessagesPerTurn = 256     // messages that one peer sends in a turn; the rest is dropped
	MaxPDCalls         = 1024    // questions to PD that are not answered
	MaxMergeBytes      = 1 << 20 // log entries that one CommitMerge carries for peers that lag
	MaxMerged          = 128     // merges that a region remembers
	MaxPendingVotes    = 256     // vote requests kept for regions that a split is about to create
	ShardsMax          = 64      // actors of one store
	clockDriftMax      = 1.0     // the largest difference between the speeds of two clocks that leases can be set up for
	pdCallTicks        = 20      // ticks after which a question to PD is given up and may be asked again
	// SnapshotsSendingMax bounds Config.SnapshotsSendingMax: every stream must get a chunk through in snapshotIdleTicks.
	SnapshotsSendingMax = 32
	// SnapshotChunkBytesMax bounds Config.SnapshotChunkBytes.
	SnapshotChunkBytesMax = 4 << 20
)

// Config is what an operator chooses. Times are counted in ticks of TickInterval.
type Config struct {
	ClusterID, StoreID uint64
	// Address is where the store is reached.
	Address world.Addr
	// PD is where the members of the placement driver are, in any order.
	PD []world.Addr
	// Resolve says where another store's first shard is reached; its other shards come next to it.
	Resolve func(storeID uint64) world.Addr
	// Shards is how many actors a store consists of, each with its own regions. All stores of a cluster have the same.
	Shards int

	TickInterval                  time.Duration
	ElectionTicks, HeartbeatTicks int
	// Jitter, for a term of a peer, is added to ElectionTicks; see raft.Config. Nil draws from the system.
	Jitter func(peer, term uint64) int

	StoreHeartbeatTicks  int // between heartbeats to PD
	RegionHeartbeatTicks int // between heartbeats of one region's leader to PD, when nothing changes
	SplitCheckTicks      int // between looks at the sizes of regions
	StaleCheckTicks      int // without a leader before a peer asks PD whether it still belongs to its region
	DownPeerTicks        int // of silence before a leader reports a peer as down

	// HibernateTicks is for how long a region must have nothing to do to fall asleep; 0 is for ever. It then costs neither
	// ticks nor messages, but that its leader reports to PD within HibernateReportTicks, and that its followers ask
	// within that time whether they may go on sleeping.
	HibernateTicks       int
	HibernateReportTicks int

	// LogEntriesMax is the number of applied entries a leader keeps for slow followers before it compacts; a peer that
	// is further behind than twice that gets a snapshot.
	LogEntriesMax uint64
	// LogBytesMax is the same in bytes of encoded entries: a log that holds more is compacted, and a peer that needs what
	// goes gets a snapshot.
	LogBytesMax uint64
	// LogCacheBytes is about how much of a region's log is kept in memory beyond what is under way. Older entries are read
	// from the disk.
	LogCacheBytes uint64
	// WaitingMax and WaitingBytesMax bound the client calls that wait in a shard for their answers, in number and in bytes. Beyond them clients are told to come again later.
	WaitingMax      int
	WaitingBytesMax uint64
	// BarriersMax bounds the turns whose batch is not durable yet. Beyond it the store hears nothing but its disk.
	BarriersMax int
	// OpsPerEntryMax and OpsBytesPerEntryMax bound the data operations that share a log entry, in number and in bytes of keys
	// and values; a single one may be larger.
	OpsPerEntryMax, OpsBytesPerEntryMax int
	// EntriesInFlightMax bounds the entries of clients' writes that a leader has under way for a region. Writes that come
	// meanwhile wait, and then share an entry.
	EntriesInFlightMax int
	// Append bounds what a leader has under way to a follower, and what a peer applies at a time.
	Append raft.Bounds
	// PromoteLagMax is the number of log entries that a learner may lack to be made a voter.
	PromoteLagMax uint64
	// RegionSplitBytes is the size of keys and values, and RegionSplitKeys the number of keys, beyond which a region splits
	// into parts of about half of it. 0 sets no bound; without both, splits are left to others.
	RegionSplitBytes, RegionSplitKeys uint64
	// RegionMergeBytes and RegionMergeKeys are what a region must be within, for a while, to become part of a neighbour.
	// 0 sets no bound; without both, merges are left to others. A region that was split is left alone for
	// MergeRestTicks.
	RegionMergeBytes, RegionMergeKeys uint64
	MergeRestTicks                    int
	// LookBytesPerTick bounds the data that a tick reads to learn the sizes of regions; one pair may exceed it.
	LookBytesPerTick int
	// MeasureSizes has the sizes of regions looked at although the store neither splits nor merges any, for PD, which may.
	MeasureSizes bool
	// RightDerive: a region that the store splits goes on as its last part instead of its first. Keys that rise all the
	// time then go on to be written to the region that is known for them.
	RightDerive bool

	// Labels say where the store is, such as a zone or a rack, and CapacityBytes how much room it has, 0 if it does not tell.
	Labels        []Label
	CapacityBytes uint64
	// ReserveBytes is the room on its disk that the store keeps for what it can't refuse, such as logs and compactions. While
	// there is less, clients may read and delete, and are told to come again later with what they want to write. 0 keeps none.
	ReserveBytes uint64
	// TrafficInterval is of what time a leader tells PD what clients read and wrote: whole seconds.
	TrafficInterval time.Duration

	// LeaseReads lets a leader answer reads without asking a quorum each time, as long as the last answer of one keeps
	// others from being elected; see raft.Leases. It rests on clocks: no node's may run faster than another's by more than
	// the fraction ClockDrift (0.1 is 10 %). All stores of a cluster must have the same values, and all must be down
	// when LeaseReads is switched on, since peers that do not know of leases make no promises.
	LeaseReads bool
	ClockDrift float64

	// Snapshots go in chunks of SnapshotChunkBytes of keys and values and one pair at most, SnapshotWindow of them under
	// way at a time. A store sends SnapshotBytesPerTick, though at least a chunk in three ticks, and SnapshotsSendingMax
	// snapshots at a time, and receives SnapshotsReceivingMax.
	SnapshotChunkBytes    int
	SnapshotWindow        int
	SnapshotBytesPerTick  int
	SnapshotsSendingMax   int
	SnapshotsReceivingMax int

	// ConsistencyCheckTicks is how often a leader has its region's replicas compared; 0 leaves that to others. A region
	// to which nothing was written since the last time is passed over.
	ConsistencyCheckTicks int

	// Failpoint, if not nil, is called at every failpoint that is compiled in and switched on. It may panic with a world.Crash
	// of the store's node; if it returns true, what the store is about to do there fails.
	Failpoint func(point string, region uint64) (fail bool)

	Listener Listener
}

// Label is a property of a store that people give it.
type Label struct{ Key, Value string }

// labelsMax is how many labels a store may have.
const labelsMax = 16

func (c Config) labelsValid() bool {
	for _, l := range c.Labels {
		if l.Key == "" || l.Key == region.ShardsLabel || l.Key == region.DiskLabel {
			return false
		}
	}
	return len(c.Labels) <= labelsMax
}

// DefaultConfig fits the simulated world and small real clusters.
func DefaultConfig() Config {
	return Config{
		ClusterID:            1,
		Shards:               1,
		Resolve:              func(id uint64) world.Addr { return world.Addr{Node: world.NodeID(id)} },
		TickInterval:         100 * time.Millisecond,
		ElectionTicks:        10,
		HeartbeatTicks:       2,
		StoreHeartbeatTicks:  10,
		RegionHeartbeatTicks: 10,
		SplitCheckTicks:      10,
		StaleCheckTicks:      40,
		DownPeerTicks:        50,
		HibernateTicks:       20,
		HibernateReportTicks: 600,
		LogEntriesMax:        128,
		LogBytesMax:          32 << 20,
		LogCacheBytes:        64 << 10,
		WaitingMax:           1 << 16,
		WaitingBytesMax:      256 << 20,
		BarriersMax:          4096,
		OpsPerEntryMax:       256,
		OpsBytesPerEntryMax:  1 << 20,
		EntriesInFlightMax:   1,
		Append:               raft.DefaultBounds(),
		PromoteLagMax:        64,
		RegionSplitBytes:     96 << 20,
		RegionSplitKeys:      960_000,
		MergeRestTicks:       600,
		LookBytesPerTick:     1 << 20,
		ClockDrift:           0.1,
		TrafficInterval:      10 * time.Second,
		ReserveBytes:         64 << 20,

		SnapshotChunkBytes:    256 << 10,
		SnapshotWindow:        8,
		SnapshotBytesPerTick:  8 << 20,
		SnapshotsSendingMax:   16,
		SnapshotsReceivingMax: 16,

		ConsistencyCheckTicks: 36_000,
	}
}

func (c Config) validate() error {
	for _, f := range []struct {
		name string
		ok   bool
		want string
	}{
		{"StoreID", c.StoreID != 0, "not 0"},
		{"Shards", c.Shards > 0 && c.Shards <= ShardsMax, fmt.Sprintf("1 to %d", ShardsMax)},
		{"PD", len(c.PD) > 0, "an address at least"},
		{"TickInterval", c.TickInterval > 0, "above 0"},
		{"HeartbeatTicks", c.HeartbeatTicks > 0, "above 0"},
		{"ElectionTicks", c.ElectionTicks > 2*c.HeartbeatTicks, "more than twice HeartbeatTicks"},
		{"StoreHeartbeatTicks", c.StoreHeartbeatTicks > 0, "above 0"},
		{"RegionHeartbeatTicks", c.RegionHeartbeatTicks > 0, "above 0"},
		{"SplitCheckTicks", c.SplitCheckTicks > 0, "above 0"},
		{"StaleCheckTicks", c.StaleCheckTicks > 2*c.ElectionTicks, "more than twice ElectionTicks"},
		{"HibernateTicks", c.HibernateTicks >= 0, "0 or above"},
		{"HibernateReportTicks", c.HibernateReportTicks > c.ElectionTicks, "more than ElectionTicks"},
		{"LogEntriesMax", c.LogEntriesMax > 0, "above 0"},
		{"LookBytesPerTick", c.LookBytesPerTick > 0, "above 0"},
		{"MergeRestTicks", c.MergeRestTicks >= 0, "not negative"},
		{"LogBytesMax", c.LogBytesMax > 0, "above 0"},
		{"WaitingMax", c.WaitingMax > 0, "above 0"},
		{"WaitingBytesMax", c.WaitingBytesMax >= region.RaftEntrySizeMax, "room for a largest entry"},
		{"BarriersMax", c.BarriersMax > 0, "above 0"},
		{"OpsPerEntryMax", c.OpsPerEntryMax > 0, "above 0"},
		{"OpsBytesPerEntryMax", c.OpsBytesPerEntryMax > 0, "above 0"},
		{"EntriesInFlightMax", c.EntriesInFlightMax > 0, "above 0"},
		{"Append", c.Append.Valid(), "bounds that let an entry through"},
		{"ClockDrift", c.ClockDrift >= 0 && c.ClockDrift <= clockDriftMax, fmt.Sprintf("from 0 to %v", clockDriftMax)},
		{"TrafficInterval", c.TrafficInterval >= time.Second && c.TrafficInterval%time.Second == 0, "one or more whole seconds"},
		{"Labels", c.labelsValid(), fmt.Sprintf("at most %d, each with a key, which is not %q or %q", labelsMax, region.ShardsLabel, region.DiskLabel)},
		{"SnapshotChunkBytes", c.SnapshotChunkBytes > 0 && c.SnapshotChunkBytes <= SnapshotChunkBytesMax, "above 0 and at most 4 MiB"},
		{"SnapshotWindow", c.SnapshotWindow > 0, "above 0"},
		{"SnapshotBytesPerTick", c.SnapshotBytesPerTick > 0, "above 0"},
		{"SnapshotsSendingMax", c.SnapshotsSendingMax > 0 && c.SnapshotsSendingMax <= SnapshotsSendingMax, "1 to 32"},
		{"SnapshotsReceivingMax", c.SnapshotsReceivingMax > 0, "above 0"},
	} {
		if !f.ok {
			return fmt.Errorf("store config: %s must be %s", f.name, f.want)
		}
	}
	return nil
}
