package pd

import (
	"fmt"
	"slices"
	"time"

	"ordeal/pd/schedule"
	"ordeal/world"
)

// Config is what an operator of a cluster chooses.
type Config struct {
	// ClusterID names the cluster. Who names another one is refused; who names none is not.
	ClusterID uint64
	// Members is where the members of the driver are, the same for all of them and for the life of a cluster. Each is on a
	// node of its own. Nil is a driver of one member.
	Members []world.Addr
	// Tick is the unit of the group of members: they elect a leader after 10 to 20 ticks of silence. LogEntriesMax is how
	// many entries a member keeps for others before they get a snapshot instead.
	Tick          time.Duration
	LogEntriesMax uint64
	// Jitter, for a term of a member, is added to its election timeout, modulo that; see raft.Config. Nil draws from the system.
	Jitter func(member, term uint64) int
	// Replicas is how many peers a region should have.
	Replicas int
	// StoreDisconnectAfter is the silence after which a store is given nothing new, and StoreDownAfter that after
	// which its peers are replaced. Stores should report several times within the first.
	StoreDisconnectAfter, StoreDownAfter time.Duration
	// OperatorTimeout is how long one plan for one region may take.
	OperatorTimeout time.Duration
	// OperatorsMax bounds the plans under way, OperatorsPerStoreMax those that touch one store, plans apart that only hand
	// leadership over. HandoversMax and HandoversPerStoreMax bound those.
	OperatorsMax, OperatorsPerStoreMax int
	HandoversMax, HandoversPerStoreMax int
	// ScheduleEvery is the time between ticks. Each looks at RegionsPerTick regions, in turn over all, and lets each
	// scheduler start up to SchedulerOperatorsPerTick operators.
	ScheduleEvery             time.Duration
	RegionsPerTick            int
	SchedulerOperatorsPerTick int
	// Schedulers are the names of the checkers and schedulers that run at first, of schedule.Checkers and
	// schedule.Schedulers. Repair of replicas always runs.
	Schedulers []string
	// Rules are what checkers and schedulers go by.
	Rules schedule.Rules
	// OperatorsPerKindMax bounds the plans under way of some kinds.
	OperatorsPerKindMax map[schedule.Kind]int
	// AddPeer and RemovePeer bound how often a store may be given peers and lose them, repair apart. The zero value is
	// without a bound.
	AddPeer, RemovePeer schedule.Rate
	// IDBatch is for how many ids one entry is made. A new leader skips what is left of a batch.
	IDBatch uint64
	// Listener is told what happens.
	Listener Listener
}

// DefaultConfig fits the simulated world and small real clusters.
func DefaultConfig() Config {
	return Config{
		ClusterID:                 1,
		Tick:                      50 * time.Millisecond,
		LogEntriesMax:             1024,
		Replicas:                  3,
		StoreDisconnectAfter:      3 * time.Second,
		StoreDownAfter:            10 * time.Second,
		OperatorTimeout:           15 * time.Second,
		OperatorsMax:              64,
		OperatorsPerStoreMax:      8,
		HandoversMax:              16,
		HandoversPerStoreMax:      4,
		ScheduleEvery:             500 * time.Millisecond,
		RegionsPerTick:            128,
		SchedulerOperatorsPerTick: 4,
		Schedulers:                []string{string(schedule.KindBalanceRegion), string(schedule.KindBalanceLeader)},
		IDBatch:                   1000,
	}
}

func (c Config) validate() error {
	for _, f := range []struct {
		name string
		ok   bool
		want string
	}{
		{"ClusterID", c.ClusterID != 0, "not 0"},
		{"Members", c.distinctMembers(), fmt.Sprintf("at most %d nodes, each once and not 0", membersMax)},
		{"Tick", c.Tick > 0, "above 0"},
		{"LogEntriesMax", c.LogEntriesMax > 0, "above 0"},
		{"Replicas", c.Replicas > 0 && c.Replicas < peersMax, fmt.Sprintf("1 to %d", peersMax-1)},
		{"StoreDisconnectAfter", c.StoreDisconnectAfter > 0, "above 0"},
		{"StoreDownAfter", c.StoreDownAfter >= c.StoreDisconnectAfter, "at least StoreDisconnectAfter"},
		{"OperatorTimeout", c.OperatorTimeout > 0, "above 0"},
		{"OperatorsMax", c.OperatorsMax > 0, "above 0"},
		{"OperatorsPerStoreMax", c.OperatorsPerStoreMax > 0, "above 0"},
		{"HandoversMax", c.HandoversMax > 0, "above 0"},
		{"HandoversPerStoreMax", c.HandoversPerStoreMax > 0, "above 0"},
		{"ScheduleEvery", c.ScheduleEvery > 0, "above 0"},
		{"RegionsPerTick", c.RegionsPerTick > 0, "above 0"},
		{"SchedulerOperatorsPerTick", c.SchedulerOperatorsPerTick > 0, "above 0"},
		{"IDBatch", c.IDBatch > 0, "above 0"},
	} {
		if !f.ok {
			return fmt.Errorf("placement driver config: %s must be %s", f.name, f.want)
		}
	}
	return nil
}

func (c Config) distinctMembers() bool {
	ids := c.memberIDs()
	return len(ids) <= membersMax && !slices.Contains(ids, 0) && len(slices.Compact(ids)) == len(c.Members)
}

// plan returns the checkers and schedulers that c names, and repair.
func (c Config) plan() (*schedule.Plan, error) {
	names := slices.Clone(c.Schedulers)
	if !slices.Contains(names, string(schedule.KindReplica)) {
		names = append(names, string(schedule.KindReplica))
	}
	p, err := schedule.NewPlan(names...)
	if err != nil {
		return nil, fmt.Errorf("placement driver config: %w", err)
	}
	return p, nil
}
