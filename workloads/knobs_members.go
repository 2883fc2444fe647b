package workloads

import (
	"math/rand/v2"
	"time"

	"ordeal/cluster"
)

// memberKnobs are what the placement driver consists of: three members in most runs, one in the others. Their elections take
// from a fraction of a second to some seconds, and their logs are short, so that who was away for long needs a snapshot.
type memberKnobs struct {
	members    int
	tick       time.Duration
	logEntries uint64
}

const (
	// aloneOdds: in one of so many runs the driver has one member, in the others pdMembers.
	aloneOdds, pdMembers = 4, 3
	// A member's tick is drawn from pdTickMin, doubled up to pdTickTimes-1 times; an election takes ten to twenty of them.
	pdTickMin, pdTickTimes = 10 * time.Millisecond, 4
	// The length of a member's log is drawn from pdLogMin, doubled up to pdLogTimes-1 times.
	pdLogMin, pdLogTimes = 4, 7
)

func drawMembers(seed uint64) memberKnobs {
	rng := rand.New(rand.NewPCG(seed, 0x3e3be75))
	k := memberKnobs{members: pdMembers}
	if rng.IntN(aloneOdds) == 0 {
		k.members = 1
	}
	k.tick = pdTickMin << rng.IntN(pdTickTimes)
	k.logEntries = pdLogMin << rng.IntN(pdLogTimes)
	return k
}

func (k memberKnobs) configure(c *cluster.Config) {
	c.PDs, c.PD.Tick, c.PD.LogEntriesMax = k.members, k.tick, k.logEntries
}
