// Package pd is the placement driver: it knows which regions there are, gives out ids, and sees to it that every region
// has its replicas and that stores are even.
//
// A Member is an actor. Stores and region leaders report to it, and what it wants done it says in the answers to
// reports; all that it says by itself is that it wants a report. What it believes of the cluster is in package core, what it wants of it in
// package schedule. The Member itself is what those two need to live: the protocol, the clock, the disk.
//
// # What survives a crash
//
// Everything that was promised: no id is given twice, a cluster is bootstrapped once, a store that was registered stays
// so. Nothing is said before what it rests on is durable. Operators and what was heard do not survive: leaders report
// again, and what is still wrong is found again. A driver that has just booted holds no silence against any store.
package pd

import (
	"fmt"
	"time"

	"ordeal/pd/core"
	"ordeal/pd/schedule"
	"ordeal/proto/ordealpb"
	"ordeal/system/engine"
	"ordeal/world"
)

// tickToken is the only timer's.
const tickToken = 1

// Counters count what has happened in this life.
type Counters struct {
	// Dropped messages were unreadable, or answers too many to be held.
	Dropped uint64
	// Refused requests were answered with an error.
	Refused uint64
	// StaleHeartbeats and InvalidHeartbeats are region heartbeats that were not believed.
	StaleHeartbeats, InvalidHeartbeats uint64
	// OperatorsStarted and how they ended; the difference is under way.
	OperatorsStarted, OperatorsFinished, OperatorsCancelled, OperatorsExpired uint64
}

// Member is one process of the placement driver. It implements world.Actor.
type Member struct {
	cfg    Config
	env    world.Env
	eng    *engine.Engine
	outbox *outbox
	plan   *schedule.Plan

	booted       bool
	bootstrapped bool
	now          world.Time
	ids          allocator
	clock        oracle
	cluster      *core.Cluster
	ctl          *schedule.Controller
	// dirty are regions that differ from the disk.
	dirty map[uint64]bool
	// reported are the regions that have reported in this turn.
	reported []report
	// homes is where each store that has reported in this life listens.
	homes map[uint64]world.Addr
	// offlineSince is when each store was decided to be emptied, in this life.
	offlineSince map[uint64]world.Time
	// cursor is the key from which the next tick goes on checking regions.
	cursor   []byte
	counters Counters
	// pauses are how long checkers and schedulers were to be paused, by name.
	pauses map[string]time.Duration
}

// New boots a member from what eng holds. It fails if cfg is not usable or if eng belongs to another cluster.
func New(cfg Config, env world.Env, eng *engine.Engine) (*Member, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	plan, err := cfg.plan()
	if err != nil {
		return nil, err
	}
	m := &Member{
		cfg: cfg, env: env, eng: eng, outbox: newOutbox(eng), plan: plan,
		ids:     allocator{next: firstID, bound: firstID - 1, batch: cfg.IDBatch},
		clock:   oracle{bound: -1}, // nothing has been promised, not even the first millisecond
		cluster: core.NewCluster(core.Liveness{DisconnectAfter: cfg.StoreDisconnectAfter, DownAfter: cfg.StoreDownAfter}),
		ctl: schedule.NewController(schedule.Limits{
			OperatorsMax: cfg.OperatorsMax, OperatorsPerStoreMax: cfg.OperatorsPerStoreMax,
			OperatorsPerKindMax: cfg.OperatorsPerKindMax, AddPeer: cfg.AddPeer, RemovePeer: cfg.RemovePeer,
		}),
		dirty: make(map[uint64]bool),
		homes: make(map[uint64]world.Addr), offlineSince: make(map[uint64]world.Time),
	}
	if err := m.load(); err != nil {
		return nil, fmt.Errorf("placement driver at %s: read the disk: %w", env.Addr, err)
	}
	return m, nil
}

// Step implements world.Actor.
func (m *Member) Step(now world.Time, in []world.Event, out *world.Effects) {
	m.now = now
	if !m.booted {
		m.booted = true
		m.cluster.Boot(now)
		m.beginPauses()
		if f := m.cfg.Listener.Booted; f != nil {
			f()
		}
		out.After(m.cfg.ScheduleEvery, tickToken)
	}
	for i := range in {
		switch ev := &in[i]; ev.Kind {
		case world.EventMessage, world.EventRequest:
			m.receive(ev)
		case world.EventSynced:
			m.outbox.reached(ev.Token, out)
		case world.EventTimer:
			if ev.Token == tickToken {
				m.tick()
				out.After(m.cfg.ScheduleEvery, tickToken)
			}
		}
	}
	m.dispatch()
	m.outbox.endTurn(out)
}

// tick looks for work: at some regions, and at the balance of the whole.
func (m *Member) tick() {
	m.flush()
	if !m.bootstrapped {
		return
	}
	m.buryEmpty()
	snap := m.cluster.View(m.now)
	for _, end := range m.ctl.Sweep(snap) {
		m.ended(end)
	}
	some := snap.Scan(m.cursor, nil, m.cfg.RegionsPerTick)
	m.cursor = nil
	if n := len(some); n == m.cfg.RegionsPerTick {
		m.cursor = some[n-1].Region.GetEndKey()
	}
	for _, r := range some {
		m.start(m.plan.Check(m.input(snap), r))
	}
	for _, s := range m.plan.Running(m.now) {
		for range m.cfg.SchedulerOperatorsPerTick {
			if !m.start(s.Schedule(m.input(snap))) {
				break
			}
		}
	}
	m.askForReports(snap, some)
}

// dispatch tells the leaders that have reported in this turn what to do next, if anything.
func (m *Member) dispatch() {
	if len(m.reported) == 0 {
		return
	}
	snap := m.cluster.View(m.now)
	for i := range m.reported {
		rep := &m.reported[i]
		resp := &ordealpb.PDResponse{Id: rep.id}
		if snap.Region(rep.r.ID()) == rep.r { // else it was overtaken within the turn
			cmd, end := m.ctl.Dispatch(snap, rep.r)
			m.ended(end)
			if cmd == nil && m.start(m.plan.Check(m.input(snap), rep.r)) {
				cmd, end = m.ctl.Dispatch(snap, rep.r)
				m.ended(end)
			}
			if cmd != nil {
				resp.Body = &ordealpb.PDResponse_RegionHeartbeat{RegionHeartbeat: cmd}
			}
		}
		if resp.Body != nil || rep.from.Kind == world.EventRequest {
			m.answer(&rep.from, resp, regionHeartbeatName, nil)
		}
	}
	clear(m.reported)
	m.reported = m.reported[:0]
}

func (m *Member) input(snap *core.Snapshot) schedule.Input {
	rules := m.cfg.Rules
	rules.NoLeaders = append(m.plan.NoLeaders(), rules.NoLeaders...)
	return schedule.Input{
		Snapshot: snap, Running: m.ctl.Running(snap), Rand: m.env.Rand,
		NextID:   func() uint64 { return m.ids.take(1, m.saveIDs) },
		Replicas: m.cfg.Replicas, Timeout: m.cfg.OperatorTimeout, Rules: rules,
	}
}

func (m *Member) start(o *schedule.Operator) bool { return o != nil && m.take(o) == "" }

// take starts an operator, or says why not.
func (m *Member) take(o *schedule.Operator) (refused string) {
	if refused = m.ctl.Add(o); refused != "" {
		return refused
	}
	m.counters.OperatorsStarted++
	if f := m.cfg.Listener.Started; f != nil {
		f(o, m.cluster.View(m.now))
	}
	return ""
}

func (m *Member) ended(e schedule.End) {
	if f := m.cfg.Listener.Ended; f != nil && e.Operator != nil {
		f(e)
	}
	switch e.Outcome {
	case schedule.OutcomeFinished:
		m.counters.OperatorsFinished++
	case schedule.OutcomeCancelled:
		m.counters.OperatorsCancelled++
	case schedule.OutcomeExpired:
		m.counters.OperatorsExpired++
	}
}

// The rest is for those who look at a cluster from outside. What it returns must not be changed, and it changes nothing
// itself unless it says so.

// Regions returns what is believed of all regions, in the order of keys.
func (m *Member) Regions() []*core.RegionInfo { return m.cluster.Scan(nil, nil, 0) }

// Stores returns all stores as of the last step, by id.
func (m *Member) Stores() []core.StoreInfo { return m.cluster.Stores(m.now) }

// Operators returns what is under way, by region.
func (m *Member) Operators() []*schedule.Operator { return m.ctl.Operators() }

// History returns how the latest operators ended, the oldest first.
func (m *Member) History() []schedule.End { return m.ctl.History() }

// Plan is which checkers and schedulers run. Unlike the rest it may be changed, between two steps.
func (m *Member) Plan() *schedule.Plan { return m.plan }

// SetRules changes what checkers and schedulers go by, between two steps.
func (m *Member) SetRules(r schedule.Rules) { m.cfg.Rules = r }

// Cancel ends the operator of a region, if it has one, between two steps.
func (m *Member) Cancel(regionID uint64, why string) { m.ended(m.ctl.Cancel(regionID, why, m.now)) }

// OperatorAgeMax returns how long the oldest operator has been under way as of the last step.
func (m *Member) OperatorAgeMax() time.Duration {
	var age time.Duration
	for _, o := range m.ctl.Operators() {
		age = max(age, m.now.Sub(o.Start))
	}
	return age
}

// Counters returns what has happened in this life.
func (m *Member) Counters() Counters {
	c := m.counters
	c.Dropped += m.outbox.dropped
	return c
}
