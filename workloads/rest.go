package workloads

import "time"

// Rest is how many of the cluster's peers slept at a moment of the run, on stores that were up.
type Rest struct {
	// When is one of the moments below.
	When   string `json:"when"`
	Asleep int    `json:"asleep"`
	Peers  int    `json:"peers"`
}

// The moments: before clients and faults begin, when both have ended, and at the end of the run.
const (
	RestStart = "start"
	RestChaos = "chaos"
	RestEnd   = "end"
)

const (
	// restMax bounds, in virtual time, how long thousands of regions that nobody uses may stay awake.
	restMax = 60 * time.Second
	// restPct is how many of their peers must sleep then. The rest is for regions that the placement driver is moving.
	restPct = 90
)

// noteRest records how many peers sleep.
func (r *run) noteRest(when string) {
	asleep, peers := r.cluster.Sleepers()
	r.rests = append(r.rests, Rest{When: when, Asleep: asleep, Peers: peers})
}

// awaitRest lets time pass until most regions sleep, if there are so many that a run can't bear them awake for long: then
// that they sleep is as much a promise as that they answer.
func (r *run) awaitRest(when string) {
	enough := func() bool {
		asleep, peers := r.cluster.Sleepers()
		return asleep*100 >= peers*restPct
	}
	if r.cfg.Regions > manyRegions {
		end := r.w.Now().Add(restMax)
		for !enough() && r.w.Now() < end {
			r.await(func() bool { return true }, progressStep)
		}
		if asleep, peers := r.cluster.Sleepers(); !enough() {
			r.fail("only %d of %d peers sleep %v after there was nothing to do any more (%s)", asleep, peers, restMax, when)
		}
	}
	r.noteRest(when)
}
