package workloads

import (
	"fmt"
	"time"

	"ordeal/cluster"
	"ordeal/world"
)

// probePause is how long a probe waits before it tries again what had no certain end.
const probePause = 50 * time.Millisecond

// probeRegions writes and reads one key in every region until deadline, and returns what went wrong.
func probeRegions(p world.Proc, c *cluster.Sim, deadline world.Time) string {
	cl := c.Client(p)
	for _, r := range c.Regions() {
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
				return fmt.Sprintf("region %d does not take writes: %v", r.ID, err)
			}
			p.Sleep(probePause)
		}
		got, found, _, err := cl.Get(key)
		if err != nil || !found || string(got) != string(value) {
			return fmt.Sprintf("region %d: wrote %q and read %q (found: %v, error: %v)", r.ID, value, got, found, err)
		}
	}
	return ""
}
