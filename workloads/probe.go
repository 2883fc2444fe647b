package workloads

import (
	"fmt"
	"time"

	"ordeal/cluster"
	"ordeal/nemesis"
	"ordeal/system/client"
	"ordeal/world"
)

const (
	// probePause is how long a probe waits before it tries again what had no certain end.
	probePause = 50 * time.Millisecond
	// probeShare is how many regions one prober visits at least, probersMax how many of them there are at most.
	probeShare, probersMax = 256, 64
)

// probers divides regions among those who probe them at the same time: each has a bound for all of its regions together.
func probers(regions []nemesis.Region) [][]nemesis.Region {
	n := min(max(len(regions)/probeShare, 1), probersMax)
	shares := make([][]nemesis.Region, n)
	for i := range shares {
		shares[i] = regions[i*len(regions)/n : (i+1)*len(regions)/n]
	}
	return shares
}

// probeRegions writes and reads one key in each region until deadline, and returns what went wrong.
func probeRegions(p world.Proc, c *cluster.Sim, regions []nemesis.Region, deadline world.Time) string {
	cl := c.Client(p)
	for _, r := range regions {
		if why := probeRegion(p, c, cl, r, deadline); why != "" {
			return why
		}
	}
	return ""
}

func probeRegion(p world.Proc, c *cluster.Sim, cl *client.Client, r nemesis.Region, deadline world.Time) string {
	// The first key of the region; no workload uses it.
	key := append(append([]byte{}, r.Start...), 0)
	value := fmt.Appendf(nil, "probe of region %d", r.ID)
	for {
		_, err := cl.Put(key, value)
		if err == nil {
			break
		}
		// Writing the same again does no harm, so an unknown outcome is tried again as well.
		if p.Now() >= deadline {
			return fmt.Sprintf("region %d does not take writes: %v (%s)", r.ID, err, c.Describe(r.ID))
		}
		p.Sleep(probePause)
	}
	got, found, _, err := cl.Get(key)
	if err != nil || !found || string(got) != string(value) {
		return fmt.Sprintf("region %d: wrote %q and read %q (found: %v, error: %v)", r.ID, value, got, found, err)
	}
	return ""
}
