package workloads

import (
	"math/rand/v2"
	"time"

	"ordeal/pd"
	"ordeal/system/store"
)

// driverKnobs are how patient the placement driver is. Faults last some seconds: a patient driver sits them out, an impatient
// one takes stores for dead and works in the midst of them.
type driverKnobs struct {
	disconnect, down time.Duration
	operatorTimeout  time.Duration
}

const (
	// A store is disconnected after 3 to 8 of its reports have not come, though not before disconnectMin, and down after
	// up to four times as long.
	disconnectReports, disconnectReportsMore = 3, 6
	disconnectMin                            = 500 * time.Millisecond
	downTimes                                = 4
	// An operator gets the time of operatorReports reports of a region, though operatorTimeoutMin at least, doubled up to
	// three times.
	operatorReports    = 3
	operatorTimeoutMin = time.Second
)

// drawDriver lets every other driver be a patient one, as it is by default.
func drawDriver(seed uint64, tick time.Duration) driverKnobs {
	rng := rand.New(rand.NewPCG(seed, 0xd21fe2))
	def := pd.DefaultConfig()
	d := driverKnobs{disconnect: def.StoreDisconnectAfter, down: def.StoreDownAfter, operatorTimeout: def.OperatorTimeout}
	if rng.IntN(2) == 0 {
		reports := time.Duration(disconnectReports + rng.IntN(disconnectReportsMore))
		d.disconnect = max(disconnectMin, reports*storeReportEvery(tick))
		d.down = d.disconnect * time.Duration(1+rng.IntN(downTimes))
	}
	if rng.IntN(2) == 0 {
		d.operatorTimeout = max(operatorTimeoutMin, operatorReports*regionReportEvery(tick)) << rng.IntN(4)
	}
	return d
}

// storeReportEvery is the time between two reports of a store.
func storeReportEvery(tick time.Duration) time.Duration {
	return time.Duration(store.DefaultConfig().StoreHeartbeatTicks) * tick
}

// regionReportEvery is the time between two reports of a region that is awake.
func regionReportEvery(tick time.Duration) time.Duration {
	return time.Duration(store.DefaultConfig().RegionHeartbeatTicks) * tick
}

func (d driverKnobs) configure(c *pd.Config) {
	c.StoreDisconnectAfter, c.StoreDownAfter, c.OperatorTimeout = d.disconnect, d.down, d.operatorTimeout
}
