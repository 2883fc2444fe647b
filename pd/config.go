package pd

import (
	"fmt"
	"slices"
	"time"

	"ordeal/pd/schedule"
)

// Config is what an operator of a cluster chooses.
type Config struct {
	// ClusterID names the cluster. Who names another one is refused; who names none is not.
	ClusterID uint64
	// Replicas is how many peers a region should have.
	Replicas int
	// StoreDisconnectAfter is the silence after which a store is given nothing new, and StoreDownAfter that after
	// which its peers are replaced. Stores should report several times within the first.
	StoreDisconnectAfter, StoreDownAfter time.Duration
	// OperatorTimeout is how long one plan for one region may take.
	OperatorTimeout time.Duration
	// OperatorsMax bounds the plans under way, OperatorsPerStoreMax those that touch one store.
	OperatorsMax, OperatorsPerStoreMax int
	// ScheduleEvery is the time between ticks. Each looks at RegionsPerTick regions, in turn over all, and lets each
	// scheduler start up to SchedulerOperatorsPerTick operators.
	ScheduleEvery             time.Duration
	RegionsPerTick            int
	SchedulerOperatorsPerTick int
	// Schedulers are the names of those that run, of schedule.Schedulers. Repair of replicas always runs.
	Schedulers []string
	// IDBatch is for how many ids one write to the disk is made. A restart skips what is left of a batch.
	IDBatch uint64
}

// DefaultConfig fits the simulated world and small real clusters.
func DefaultConfig() Config {
	return Config{
		ClusterID:                 1,
		Replicas:                  3,
		StoreDisconnectAfter:      3 * time.Second,
		StoreDownAfter:            10 * time.Second,
		OperatorTimeout:           15 * time.Second,
		OperatorsMax:              64,
		OperatorsPerStoreMax:      8,
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
		{"Replicas", c.Replicas > 0 && c.Replicas < peersMax, fmt.Sprintf("1 to %d", peersMax-1)},
		{"StoreDisconnectAfter", c.StoreDisconnectAfter > 0, "above 0"},
		{"StoreDownAfter", c.StoreDownAfter >= c.StoreDisconnectAfter, "at least StoreDisconnectAfter"},
		{"OperatorTimeout", c.OperatorTimeout > 0, "above 0"},
		{"OperatorsMax", c.OperatorsMax > 0, "above 0"},
		{"OperatorsPerStoreMax", c.OperatorsPerStoreMax > 0, "above 0"},
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

// schedulers returns those that c names, in the order in which they are listed there.
func (c Config) schedulers() ([]schedule.Scheduler, error) {
	var out []schedule.Scheduler
	all := schedule.Schedulers()
	for _, name := range c.Schedulers {
		i := slices.IndexFunc(all, func(s schedule.Scheduler) bool { return s.Name == name })
		if i < 0 {
			known := make([]string, len(all))
			for j, s := range all {
				known[j] = s.Name
			}
			return nil, fmt.Errorf("placement driver config: there is no scheduler %q, only %q", name, known)
		}
		out = append(out, all[i])
	}
	return out, nil
}
