package pd

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"ordeal/pd/schedule"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/system/engine"
)

// By what the driver goes can be changed while it runs: which checkers and schedulers run, and the rules. What was changed is
// kept like everything that was promised; before the first change the configuration holds.

// keyPolicy is where it is kept.
const keyPolicy = "policy"

const (
	// pauseMax is the longest pause of a checker or scheduler: one that people forget must end.
	pauseMax = time.Hour
	// policyMax is how many checkers and schedulers there may be. Those that are about one store can be many.
	policyMax = 256
)

// changePolicy changes what a request wants changed and returns what holds then.
func (m *Member) changePolicy(req *ordealpb.PolicyRequest) (*ordealpb.PolicyResponse, error) {
	var err error
	switch change := req.GetChange().(type) {
	case nil:
		return &ordealpb.PolicyResponse{Policy: m.policy()}, nil
	case *ordealpb.PolicyRequest_Add:
		err = m.addScheduler(change.Add)
	case *ordealpb.PolicyRequest_Remove:
		err = m.removeScheduler(change.Remove)
	case *ordealpb.PolicyRequest_Pause:
		err = m.pauseScheduler(change.Pause)
	case *ordealpb.PolicyRequest_Rules:
		err = m.changeRules(change.Rules)
	}
	if errors.Is(err, schedule.ErrScheduler) {
		err = refuse(pdpb.ErrorType_INVALID_VALUE, "%v", err)
	}
	if err != nil {
		return nil, err
	}
	p := m.policy()
	m.outbox.put(engine.PDKey(keyPolicy), mustMarshal(p))
	return &ordealpb.PolicyResponse{Policy: p}, nil
}

func (m *Member) addScheduler(name string) error {
	switch {
	case m.plan.Has(name):
		return nil
	case len(m.plan.Names()) >= policyMax:
		return refuse(pdpb.ErrorType_INVALID_VALUE, "there are %d checkers and schedulers, no more are allowed", policyMax)
	}
	return m.plan.Add(name)
}

func (m *Member) removeScheduler(name string) error {
	if name == string(schedule.KindReplica) {
		return refuse(pdpb.ErrorType_INVALID_VALUE, "%s can't be removed: regions would not be repaired. Pause it", name)
	}
	delete(m.pauses, name)
	if !m.plan.Has(name) {
		return nil
	}
	return m.plan.Remove(name)
}

func (m *Member) pauseScheduler(p *ordealpb.SchedulerPause) error {
	if p.GetMilliseconds() > uint64(pauseMax/time.Millisecond) {
		return refuse(pdpb.ErrorType_INVALID_VALUE, "a pause of %d ms: want at most %v", p.GetMilliseconds(), pauseMax)
	}
	d := time.Duration(p.GetMilliseconds()) * time.Millisecond
	if err := m.plan.Pause(p.GetName(), m.now.Add(d)); err != nil {
		return err
	}
	if m.pauses[p.GetName()] = d; d == 0 {
		delete(m.pauses, p.GetName())
	}
	return nil
}

func (m *Member) changeRules(r *ordealpb.PlacementRules) error {
	if r.GetTolerancePercent() > 100 {
		return refuse(pdpb.ErrorType_INVALID_VALUE, "tolerance of %d %%: want at most 100", r.GetTolerancePercent())
	}
	m.cfg.Rules = rulesOf(r, m.cfg.Rules.NoLeaders)
	return nil
}

func rulesOf(r *ordealpb.PlacementRules, noLeaders []uint64) schedule.Rules {
	return schedule.Rules{
		LocationLabels: r.GetLocationLabels(), TolerancePercent: int(r.GetTolerancePercent()), SplitBytes: r.GetSplitBytes(),
		SplitKeys: r.GetSplitKeys(), MergeBytes: r.GetMergeBytes(), MergeKeys: r.GetMergeKeys(), HotBytes: r.GetHotBytes(),
		NoLeaders: noLeaders,
	}
}

// policy is what holds now. A pause that is over is still told: it begins anew with every leader.
func (m *Member) policy() *ordealpb.PlacementPolicy {
	r := m.cfg.Rules
	p := &ordealpb.PlacementPolicy{Schedulers: m.plan.Names(), Rules: &ordealpb.PlacementRules{
		LocationLabels: r.LocationLabels, TolerancePercent: uint32(r.TolerancePercent), SplitBytes: r.SplitBytes,
		SplitKeys: r.SplitKeys, MergeBytes: r.MergeBytes, MergeKeys: r.MergeKeys, HotBytes: r.HotBytes,
	}}
	for _, name := range slices.Sorted(maps.Keys(m.pauses)) {
		p.Pauses = append(p.Pauses, &ordealpb.SchedulerPause{Name: name, Milliseconds: uint64(m.pauses[name] / time.Millisecond)})
	}
	return p
}

// loadPolicy reads what was kept, or goes back to the configuration if nothing was: what this member may have been told before
// it was deposed does not count.
func (m *Member) loadPolicy() (err error) {
	m.pauses, m.cfg.Rules = map[string]time.Duration{}, m.rules
	raw, ok := m.rep.eng.Get(engine.PDKey(keyPolicy))
	if !ok {
		m.plan, err = m.cfg.plan()
		return err
	}
	var p ordealpb.PlacementPolicy
	if err := proto.Unmarshal(raw, &p); err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	plan, err := schedule.NewPlan(p.GetSchedulers()...)
	if err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	m.plan, m.cfg.Rules = plan, rulesOf(p.GetRules(), m.cfg.Rules.NoLeaders)
	for _, pause := range p.GetPauses() {
		m.pauses[pause.GetName()] = time.Duration(pause.GetMilliseconds()) * time.Millisecond
	}
	return nil
}

// beginPauses lets pauses that were kept begin anew when a member comes to lead: nobody knows how long none did.
func (m *Member) beginPauses() {
	for _, name := range slices.Sorted(maps.Keys(m.pauses)) {
		if err := m.plan.Pause(name, m.now.Add(m.pauses[name])); err != nil {
			panic("pd: a scheduler that was paused is not there: " + err.Error())
		}
	}
}
