package workloads

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"ordeal/cluster"
	"ordeal/pd"
	"ordeal/pd/schedule"
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/system/region"
	"ordeal/world"
)

// What a driver of placement promises, and how long it may take.
const (
	// witnessEvery is the time between two looks of the witness at the driver, witnessCall how long it waits for an answer.
	witnessEvery, witnessCall = 50 * time.Millisecond, 300 * time.Millisecond
	// witnessIDs and witnessTimestamps are how many of them it asks for at a time.
	witnessIDs, witnessTimestamps = 3, 50
	// overdueMax is by how much an operator may outlive its time: operators are looked at once a tick.
	overdueMax = time.Second
	// calmFor is how long a healed cluster must need no operator to be at rest, and calmMax how long it may take until then.
	calmFor, calmMax = 3 * time.Second, 180 * time.Second
	// calmStep is the time between two looks.
	calmStep = 500 * time.Millisecond
)

// witness holds the driver to its promises while a run goes on: ids and timestamps only rise, whatever happens to it,
// what it believes never goes back within one life and has no two regions with one key, and no operator lives for ever.
type witness struct {
	id                uint64
	physical, logical int64
	// life and term are of the leadership that believes.
	life     *pd.Member
	term     uint64
	believed map[uint64]*metapb.RegionEpoch
}

// witnessDriver sets the witness going until the run's clients are told to end.
func (r *run) witnessDriver() {
	r.busy++
	r.w.Go(cluster.ProbeNode, "witness", func(p world.Proc) {
		defer func() { r.busy-- }()
		w := &witness{}
		for !r.stop {
			why := w.numbers(p, r.cluster.PDs())
			if why == "" {
				why = w.look(r.cluster.PD(), r.cfg.Regions <= manyRegions)
			}
			// One that is down, that stood still, or whose clock has jumped, has had no time to look.
			if why == "" && r.cluster.PDLeader() != 0 && r.cluster.Sound() {
				why = overdue(r.cluster.PD(), r.knobs.operatorTimeout())
			}
			if why != "" {
				r.fail("the placement driver: %s", why)
				return
			}
			p.Sleep(witnessEvery)
		}
	})
}

// operatorTimeout is how long the driver gives an operator.
func (k *knobs) operatorTimeout() time.Duration { return k.driver.operatorTimeout }

// numbers asks every member of the driver for ids and timestamps, be it one that leads, or believes that it does. Each call
// begins after the last one has ended, so what it gets must be higher.
func (w *witness) numbers(p world.Proc, members []world.NodeID) string {
	for _, n := range members {
		if why := w.numbersOf(p, n); why != "" {
			return why
		}
	}
	return ""
}

func (w *witness) numbersOf(p world.Proc, member world.NodeID) string {
	ids := w.ask(p, member, &ordealpb.PDRequest{Body: &ordealpb.PDRequest_AllocId{AllocId: &pdpb.AllocIDRequest{Count: witnessIDs}}}).GetAllocId()
	if last := ids.GetId(); last != 0 {
		if first := last - uint64(ids.GetCount()) + 1; first <= w.id {
			return fmt.Sprintf("id %d was given after id %d", first, w.id)
		}
		w.id = last
	}
	tso := w.ask(p, member, &ordealpb.PDRequest{Body: &ordealpb.PDRequest_Tso{Tso: &pdpb.TsoRequest{Count: witnessTimestamps}}}).GetTso()
	if ts := tso.GetTimestamp(); ts != nil {
		first := ts.GetLogical() - int64(tso.GetCount()) + 1
		if ts.GetPhysical() < w.physical || ts.GetPhysical() == w.physical && first <= w.logical {
			return fmt.Sprintf("timestamp %d.%d was given after %d.%d", ts.GetPhysical(), first, w.physical, w.logical)
		}
		w.physical, w.logical = ts.GetPhysical(), ts.GetLogical()
	}
	return ""
}

// ask returns an answer, or nil: the member may be down or not lead, and the network may lose either way.
func (w *witness) ask(p world.Proc, member world.NodeID, req *ordealpb.PDRequest) *ordealpb.PDResponse {
	payload, err := proto.Marshal(req)
	if err != nil {
		panic(fmt.Sprintf("workloads: marshal %v: %v", req, err))
	}
	reply, err := p.Call(world.Addr{Node: member}, payload, witnessCall)
	if err != nil {
		return nil
	}
	resp := &ordealpb.PDResponse{}
	if err := proto.Unmarshal(reply, resp); err != nil {
		panic(fmt.Sprintf("workloads: the placement driver's answer is unreadable: %v", err))
	}
	return resp
}

// overdue says whether an operator is older than it may become, or may become older than any should.
func overdue(m *pd.Member, usual time.Duration) string {
	if o, by := m.Overdue(); by > overdueMax {
		return fmt.Sprintf("an operator is %v older than it may become: %s", by, o)
	}
	for _, o := range m.Operators() {
		if most := schedule.PatienceMax * usual; o.Timeout > most {
			return fmt.Sprintf("an operator may take %v, and none more than %v: %s", o.Timeout, most, o)
		}
	}
	return ""
}

// look compares what the driver believes with what it believed, region by region if there are few enough of them.
func (w *witness) look(m *pd.Member, regions bool) string {
	if !regions {
		return ""
	}
	if m != w.life || m.Term() != w.term {
		w.life, w.term, w.believed = m, m.Term(), map[uint64]*metapb.RegionEpoch{}
	}
	var before *metapb.Region
	for _, r := range m.Regions() {
		e := r.Region.GetRegionEpoch()
		if region.StaleEpoch(e, w.believed[r.ID()]) {
			return fmt.Sprintf("it went back to %s from version %d, conf_ver %d", r, w.believed[r.ID()].GetVersion(), w.believed[r.ID()].GetConfVer())
		}
		w.believed[r.ID()] = e
		if before != nil && (len(before.GetEndKey()) == 0 || string(before.GetEndKey()) > string(r.Region.GetStartKey())) {
			return fmt.Sprintf("it believes in both %s and %s", region.Format(before), r)
		}
		before = r.Region
	}
	return ""
}

// endsShown is how many of the driver's last operators are told of when it does not come to rest.
const endsShown = 4

// goneMax is how long a healed cluster may take to empty the stores that were told to leave, beside the time in which a store
// sends snapshots of goneBytes at the rate that it may: replicas have to be made elsewhere first.
const (
	goneMax   = 120 * time.Second
	goneBytes = 2 << 20
)

// goneLimit is both together.
func (k *knobs) goneLimit() time.Duration {
	return goneMax + time.Duration(goneBytes/k.snapshots.rate)*k.tick
}

// awaitGone lets time pass until those stores are empty and buried.
func (r *run) awaitGone() {
	limit := r.knobs.goneLimit()
	end := r.w.Now().Add(limit)
	for r.cluster.Lingering() != "" && r.w.Now() < end {
		r.report()
		r.w.Run(r.w.Now().Add(calmStep))
	}
	if why := r.cluster.Lingering(); why != "" {
		r.fail("%v after everything was healed, %s", limit, why)
	}
}

// awaitCalm lets time pass until the driver knows the truth and wants nothing any more, which a cluster that is healed
// must come to: what swings for ever never does. Then stores must be as even as one move could make them. That has a bound and
// no order: the driver may pause while it waits for reports. Where there are thousands of regions it takes too long.
func (r *run) awaitCalm() {
	if r.cfg.Regions > manyRegions {
		return
	}
	end := r.w.Now().Add(calmMax)
	calm, started := time.Duration(0), uint64(0)
	for why := ""; calm < calmFor; {
		m := r.cluster.PD()
		if why = r.cluster.Believed(); why == "" && m.Counters().OperatorsStarted != started {
			started = m.Counters().OperatorsStarted
			why = "it goes on moving things"
			ends := m.History()
			for _, e := range ends[max(0, len(ends)-endsShown):] {
				why += fmt.Sprintf("; %v, begun at %.3f s and %s at %.3f s", e.Operator, e.Operator.Start.Seconds(), e.Outcome, e.At.Seconds())
				if e.Why != "" {
					why += " since " + e.Why
				}
			}
		}
		if running := m.Operators(); why == "" && len(running) > 0 {
			why = "an operator is under way: " + running[0].String()
		}
		labels := r.knobs.driver.rules.LocationLabels
		if crowded := cluster.Crowded(m, labels); why == "" && crowded != "" {
			why = crowded
		}
		if uneven := cluster.Uneven(m, calmTolerance, labels); why == "" && uneven != "" {
			why = "stores are uneven: " + uneven
		}
		if calm += calmStep; why != "" {
			calm = 0
		}
		if r.w.Now() >= end {
			r.fail("the placement driver is not at rest %v after everything was healed: %s", calmMax, why)
			return
		}
		r.report()
		r.w.Run(r.w.Now().Add(calmStep))
	}
}

// calmTolerance is by how many percent of the mean stores may differ beside what one move changes.
const calmTolerance = 10
