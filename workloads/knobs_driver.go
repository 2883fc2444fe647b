package workloads

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"ordeal/cluster"
	"ordeal/pd"
	"ordeal/pd/schedule"
	"ordeal/system/store"
	"ordeal/world"
)

// driverKnobs are how patient the placement driver is. Faults last some seconds: a patient driver sits them out, an impatient
// one takes stores for dead and works in the midst of them.
//
// And they are what it does beside keeping replicas and stores even: it may move load, cut and merge regions in the place of
// the stores, leave joint configurations, and keep peers apart by labels.
type driverKnobs struct {
	disconnect, down time.Duration
	operatorTimeout  time.Duration
	schedulers       []string
	rules            schedule.Rules
	// places is how many values each label has.
	places []int
}

const (
	// A store is disconnected after 3 to 8 of its reports have not come, though not before disconnectMin, and down after
	// up to four times as long.
	disconnectReports, disconnectReportsMore = 3, 6
	disconnectMin                            = 500 * time.Millisecond
	downTimes                                = 4
	// An operator gets the time of operatorReports reports of a region, though operatorTimeoutMin at least, doubled up to
	// three times. It has up to four steps, each of which may take two reports, and waits for a snapshot between them: with
	// less time some moves would be begun again and again and never come to an end.
	operatorReports    = 8
	operatorTimeoutMin = 3 * time.Second
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
	d.drawWork(rng)
	return d
}

// What the driver's rules are drawn from.
const (
	// hotBytesMin is from what load on a region is hot, in bytes a second; it is doubled up to hotBytesTimes times.
	hotBytesMin, hotBytesTimes = 256, 6
	// trafficInterval is of what time stores tell traffic: the shortest that there is.
	trafficInterval = time.Second
	// capacityBytes is how much room a store says that it has; no run comes near it.
	capacityBytes = 1 << 30
	// halveLookMin is the least that a store may look at in a tick, in bytes, if regions are cut by the driver.
	halveLookMin = 64 << 10
	// zonesMax is how many zones there may be; each has up to racksMax racks.
	zonesMax, racksMax = 4, 2
)

// drawWork draws which schedulers and checkers run beside the usual ones.
func (d *driverKnobs) drawWork(rng *rand.Rand) {
	d.schedulers = slices.Clone(pd.DefaultConfig().Schedulers)
	if rng.IntN(2) == 0 {
		d.schedulers = append(d.schedulers, string(schedule.KindHotRegion))
		d.rules.HotBytes = hotBytesMin << rng.IntN(hotBytesTimes)
	}
	if rng.IntN(2) == 0 {
		d.schedulers = append(d.schedulers, string(schedule.KindJointState))
	}
	if rng.IntN(2) == 0 {
		d.schedulers = append(d.schedulers, string(schedule.KindIsolation))
		d.rules.LocationLabels, d.places = []string{"zone"}, []int{2 + rng.IntN(zonesMax-1)}
		if rng.IntN(2) == 0 {
			d.rules.LocationLabels, d.places = append(d.rules.LocationLabels, "rack"), append(d.places, 1+rng.IntN(racksMax))
		}
	}
}

// takeSizes lets the driver cut and merge regions in half of the runs in which stores would; they then only measure.
func (d *driverKnobs) takeSizes(seed uint64, k *knobs) {
	if k.splitBytes == 0 || rand.New(rand.NewPCG(seed, 0x517e5)).IntN(2) == 0 {
		return
	}
	d.schedulers = append(d.schedulers, string(schedule.KindSplit), string(schedule.KindMerge))
	d.rules.SplitBytes, d.rules.SplitKeys, d.rules.MergeBytes = k.splitBytes, k.sizes.splitKeys, k.sizes.mergeBytes
	k.splitBytes, k.sizes.splitKeys, k.sizes.mergeBytes = 0, 0, 0
	k.sizes.measure = true
	k.sizes.lookBytes = max(k.sizes.lookBytes, halveLookMin) // every cut in two takes a look at all of a region
}

// labels says where a store is: stores take the zones in turn, and in each zone the racks.
func (d driverKnobs) labels(id world.NodeID) []store.Label {
	var out []store.Label
	at := int(id - 1)
	for i, key := range d.rules.LocationLabels {
		out = append(out, store.Label{Key: key, Value: fmt.Sprint(at % d.places[i])})
		at /= d.places[i]
	}
	return out
}

// storeReportEvery is the time between two reports of a store.
func storeReportEvery(tick time.Duration) time.Duration {
	return time.Duration(store.DefaultConfig().StoreHeartbeatTicks) * tick
}

// regionReportEvery is the time between two reports of a region that is awake.
func regionReportEvery(tick time.Duration) time.Duration {
	return time.Duration(store.DefaultConfig().RegionHeartbeatTicks) * tick
}

func (d driverKnobs) configure(c *cluster.Config) {
	c.PD.StoreDisconnectAfter, c.PD.StoreDownAfter, c.PD.OperatorTimeout = d.disconnect, d.down, d.operatorTimeout
	c.PD.Schedulers, c.PD.Rules = d.schedulers, d.rules
	c.Labels = d.labels
	c.Store.TrafficInterval, c.Store.CapacityBytes = trafficInterval, capacityBytes
}
