// Package pd is the placement driver: it knows which regions there are, gives out ids, and sees to it that every region
// has its replicas and that stores are even.
//
// A Member is an actor. Stores and region leaders report to it, and what it wants done it says in the answers to
// reports; all that it says by itself is that it wants a report. What it believes of the cluster is in package core, what it wants of it in
// package schedule. The Member itself is what those two need to live: the protocol, the clock, and the group of members, of
// which one leads (members.go, replica.go).
//
// # What survives a crash, and a change of leader
//
// Everything that was promised: no id is given twice, timestamps do not go back, a cluster is bootstrapped once, a store
// that was registered stays so, and so does what was decided about it. Nothing is said before what it rests on is committed,
// and before a quorum has confirmed that who says it still leads (outbox.go). Operators and what was heard do not survive: leaders
// report again, and what is still wrong is found again. A driver that has just come to lead holds no silence against any
// store.
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

// tickToken is the timer's by which the driver looks for work, groupToken the one's by which the group's time passes.
const (
	tickToken  = 1
	groupToken = 2
)

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
	rep    *replica
	outbox *outbox
	plan   *schedule.Plan
	booted bool
	// now and out are of the turn that is being taken.
	now      world.Time
	out      *world.Effects
	counters Counters

	// term is in which term of the group this member leads, 0 if it does not. All that follows belongs to that leadership.
	term         uint64
	bootstrapped bool
	ids          allocator
	clock        oracle
	cluster      *core.Cluster
	ctl          *schedule.Controller
	// dirty are regions that differ from the disk.
	dirty map[uint64]bool
	// reported are the regions that have reported in this turn.
	reported []report
	// homes is where each store that has reported listens.
	homes map[uint64]world.Addr
	// offlineSince is when each store was decided to be emptied.
	offlineSince map[uint64]world.Time
	// cursor is the key from which the next tick goes on checking regions.
	cursor []byte
	// pauses are how long checkers and schedulers were to be paused, by name, and rules what the configuration says of them.
	pauses map[string]time.Duration
	rules  schedule.Rules
}

// New boots a member from what eng holds. It fails if cfg is not usable or if eng belongs to another member or cluster.
func New(cfg Config, env world.Env, eng *engine.Engine) (*Member, error) {
	if len(cfg.Members) == 0 {
		cfg.Members = []world.Addr{env.Addr}
	}
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	plan, err := cfg.plan()
	if err != nil {
		return nil, err
	}
	if !cfg.hasMember(env.Addr) {
		return nil, fmt.Errorf("placement driver at %s is none of its own members, %v", env.Addr, cfg.Members)
	}
	m := &Member{cfg: cfg, env: env, outbox: &outbox{}, plan: plan, rules: cfg.Rules}
	m.reset()
	if m.rep, err = openReplica(&m.cfg, env, eng); err == nil {
		err = m.load() // what can't be read must show now, and not when this member comes to lead
	}
	if err != nil {
		return nil, fmt.Errorf("placement driver at %s: read the disk: %w", env.Addr, err)
	}
	m.reset()
	return m, nil
}

// Step implements world.Actor.
func (m *Member) Step(now world.Time, in []world.Event, out *world.Effects) {
	m.now, m.out = now, out
	if !m.booted {
		m.boot()
	}
	for i := range in {
		switch ev := &in[i]; ev.Kind {
		case world.EventMessage, world.EventRequest:
			m.receive(ev)
		case world.EventSynced:
			m.rep.durable(ev.Token)
		case world.EventTimer:
			m.onTimer(ev.Token)
		}
	}
	if m.term != 0 {
		m.dispatch()
		m.outbox.seal(m.rep)
	}
	m.rep.work()
	m.followLeadership(out)
	m.outbox.release(m.rep, out)
	m.rep.flush(out)
	m.out = nil
}

// boot sets the member going, in the first turn of its life. One without others need not wait for an election.
func (m *Member) boot() {
	m.booted = true
	m.out.After(m.cfg.ScheduleEvery, tickToken)
	m.out.After(m.cfg.Tick, groupToken)
	if len(m.cfg.Members) == 1 {
		m.rep.group.Campaign()
	}
}

func (m *Member) onTimer(token uint64) {
	switch token {
	case tickToken:
		m.out.After(m.cfg.ScheduleEvery, tickToken)
		if m.term != 0 {
			m.tick()
		}
	case groupToken:
		m.out.After(m.cfg.Tick, groupToken)
		m.rep.group.Tick()
	}
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
	m.cfg.tellEnd(e)
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
// itself unless it says so. Only a member that leads knows anything.

// Term is the term of the group of members in which this one leads and answers, or 0.
func (m *Member) Term() uint64 { return m.term }

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

// Overdue returns by how much the operator that has outlived its time most has done so as of the last step, and that operator; nil
// if none has.
func (m *Member) Overdue() (o *schedule.Operator, by time.Duration) {
	for _, x := range m.ctl.Operators() {
		if late := m.now.Sub(x.Start) - x.Timeout; late > by {
			o, by = x, late
		}
	}
	return o, by
}

// Counters returns what has happened in this life.
func (m *Member) Counters() Counters {
	c := m.counters
	c.Dropped += m.outbox.dropped
	return c
}
