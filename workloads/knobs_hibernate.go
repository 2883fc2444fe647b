package workloads

import (
	"math/rand/v2"
	"time"

	"ordeal/system/store"
)

// hibernateKnobs are when regions sleep, and when clients let them.
type hibernateKnobs struct {
	ticks, reportTicks int
	// napEvery and napFor are the rhythm in which all clients pause; 0 is never.
	napEvery, napFor time.Duration
}

// hibernates are what the ticks until a region sleeps are drawn from. Few ticks find most: regions sleep and wake all
// the time.
var hibernates = []int{0, 1, 1, 2, 3, 5, 10, 20}

// reportTicksMin bounds how often sleeping followers ask; it is doubled up to three times.
const reportTicksMin = 20

// drawHibernate draws when regions sleep. In half of the runs in which they do, clients pause together now and then, for
// long enough that all regions fall asleep: else those that are used never would.
func drawHibernate(seed uint64, tick time.Duration) hibernateKnobs {
	rng := rand.New(rand.NewPCG(seed, 0x51ee9))
	h := hibernateKnobs{ticks: hibernates[rng.IntN(len(hibernates))], reportTicks: reportTicksMin << rng.IntN(4)}
	if naps := rng.IntN(2) == 0; naps && h.ticks > 0 {
		d := store.DefaultConfig()
		h.napFor = time.Duration(h.ticks+2*d.HeartbeatTicks+rng.IntN(2*d.ElectionTicks)) * tick
		h.napEvery = 2*h.napFor + time.Duration(100+rng.IntN(900))*time.Millisecond
	}
	return h
}

func (h hibernateKnobs) configure(c *store.Config) {
	c.HibernateTicks, c.HibernateReportTicks = h.ticks, h.reportTicks
}

// oversleepMax is after which time a follower must have noticed that its leader's store is down: an election timeout
// after the last sign of life, and as much again for what may hold up signs and turns.
func (k knobs) oversleepMax() time.Duration {
	return time.Duration(2*store.DefaultConfig().ElectionTicks)*k.tick + oversleepSlack
}

// oversleepSlack is for what does not depend on ticks: delays of messages and turns.
const oversleepSlack = 100 * time.Millisecond
