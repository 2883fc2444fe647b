package workloads

import (
	"slices"

	"ordeal/cluster"
	"ordeal/system/client"
	"ordeal/world/sim"
)

// plains are the groups of knobs that can be put to what they usually are, whatever the seed draws: a failure that does not need
// a bad network is easier to understand without one.
var plains = []struct {
	name string
	set  func(*knobs, Config)
}{
	{"net", func(k *knobs, _ Config) { k.net = quietNet() }},
	{"disk", func(k *knobs, _ Config) { k.disk = sim.DefaultDisk() }},
	{"clocks", func(k *knobs, _ Config) { k.drift = 0 }},
	{"shards", func(k *knobs, _ Config) { k.shards = 1 }},
	{"sleep", func(k *knobs, _ Config) { k.hibernate = hibernateKnobs{reportTicks: reportTicksMin} }},
	{"reads", func(k *knobs, cfg Config) {
		k.leases, k.readFrom, k.traffic.Readers = false, make([]client.ReadFrom, cfg.Clients), 0
	}},
	{"buffers", func(k *knobs, _ Config) { k.buffers = plainBuffers() }},
	{"sizes", func(k *knobs, _ Config) { k.sizes = plainSizes() }},
	{"driver", func(k *knobs, _ Config) {
		k.members = memberKnobs{members: 1, tick: pdTickMin, logEntries: cluster.DefaultConfig().PD.LogEntriesMax}
	}},
}

// Plains returns the names of the groups of knobs that Config.Plain may hold, in order.
func Plains() []string {
	var names []string
	for _, p := range plains {
		names = append(names, p.name)
	}
	return names
}

// plain puts groups of knobs to what they usually are.
func (k *knobs) plain(cfg Config) {
	for _, p := range plains {
		if slices.Contains(cfg.Plain, p.name) {
			p.set(k, cfg)
		}
	}
}
