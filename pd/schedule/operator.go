// Package schedule decides where replicas and leaders should be.
//
// It separates what should happen from making it happen. Checkers and schedulers are pure functions: a snapshot of
// belief goes in, an Operator comes out or nothing does, and nothing is logged, counted or asked for while deciding. An
// Operator is a plan for one region, a few steps that know when they are finished. The Controller carries plans out:
// whenever a leader reports, it compares the report with the plan of its region and asks for the step that is next.
//
// Nobody acknowledges a step. Commands may be lost, doubled, late or out of order, so a step is finished when the region
// looks as it should, whoever made it so, and each command carries the epoch it was made for: a leader at another epoch
// must not take it. A plan ends when its steps are done, when the region changes in a way the plan does not account for,
// when its next step has become dangerous, or when its time is up. What is still wrong then gets a new plan.
package schedule

import (
	"fmt"
	"strings"
	"time"

	"ordeal/pd/core"
	"ordeal/proto/metapb"
	"ordeal/proto/pdpb"
	"ordeal/system/region"
	"ordeal/world"
)

// Operator is a plan for one region. Only the Controller that it was given to changes it.
type Operator struct {
	Region uint64
	// StartKey is the region's.
	StartKey []byte
	// Also are other regions that must stay as they are meanwhile.
	Also []uint64
	// Epoch is the region's when the plan was made.
	Epoch *metapb.RegionEpoch
	Kind  Kind
	// Why is the reason, for people.
	Why   string
	Steps []Step
	Start world.Time
	// Timeout is how long after Start the plan may take.
	Timeout time.Duration

	// next is the first step not yet seen finished. It never goes back.
	next int
}

// newOperator plans steps for r as of in, unless the first of them is dangerous even now.
func newOperator(in Input, r *core.RegionInfo, kind Kind, why string, steps ...Step) *Operator {
	if steps[0].Hazard(in.Snapshot, r) != "" {
		return nil
	}
	return &Operator{
		Region: r.ID(), StartKey: r.Region.GetStartKey(), Epoch: r.Region.GetRegionEpoch(), Kind: kind, Why: why, Steps: steps,
		Start: in.Snapshot.Now(), Timeout: in.Running.history.patience(r.ID(), kind, in.Timeout),
	}
}

// String prints the plan in one line.
func (o *Operator) String() string {
	steps := make([]string, len(o.Steps))
	for i, s := range o.Steps {
		steps[i] = s.String()
	}
	return fmt.Sprintf("r%d %s (%s): %s", o.Region, o.Kind, o.Why, strings.Join(steps, ", then "))
}

// Next is how many of the steps have been seen finished.
func (o *Operator) Next() int { return o.next }

// advance passes over the steps that r shows to be finished and reports whether all are.
func (o *Operator) advance(r *core.RegionInfo) bool {
	for o.next < len(o.Steps) && o.Steps[o.next].Done(r) {
		o.next++
	}
	return o.next == len(o.Steps)
}

// outdated says how r has changed other than by the plan; empty if it has not.
func (o *Operator) outdated(r *core.RegionInfo) string {
	// gofail: var bugPDOperatorEpoch struct{}
	// return ""

	epoch := r.Region.GetRegionEpoch()
	if _, ok := o.Steps[o.next].(reshapes); ok && epoch.GetVersion() > o.Epoch.GetVersion() {
		return "" // that is the plan
	}
	if epoch.GetVersion() != o.Epoch.GetVersion() {
		return fmt.Sprintf("version is %d, planned for %d", epoch.GetVersion(), o.Epoch.GetVersion())
	}
	own := uint64(0)
	for _, s := range o.Steps {
		own += s.confChanges(r)
	}
	if epoch.GetConfVer() > o.Epoch.GetConfVer()+own {
		return fmt.Sprintf("conf_ver is %d, planned for %d and %d steps", epoch.GetConfVer(), o.Epoch.GetConfVer(), own)
	}
	return ""
}

// command asks r's leader for the step that is next, or returns nil if there is only to wait.
func (o *Operator) command(r *core.RegionInfo) *pdpb.RegionHeartbeatResponse {
	cmd := &pdpb.RegionHeartbeatResponse{
		RegionId: r.ID(), RegionEpoch: r.Region.GetRegionEpoch(), TargetPeer: r.Leader,
	}
	if !o.Steps[o.next].ask(r, cmd) {
		return nil
	}
	return cmd
}

// FormatCommand prints what a command asks for.
func FormatCommand(cmd *pdpb.RegionHeartbeatResponse) string {
	what := "nothing"
	switch {
	case cmd.GetChangePeer() != nil:
		what = cmd.GetChangePeer().GetChangeType().String() + " " + region.FormatPeer(cmd.GetChangePeer().GetPeer())
	case cmd.GetChangePeerV2() != nil && len(cmd.GetChangePeerV2().GetChanges()) == 0:
		what = "leave joint"
	case cmd.GetChangePeerV2() != nil:
		var parts []string
		for _, c := range cmd.GetChangePeerV2().GetChanges() {
			parts = append(parts, c.GetChangeType().String()+" "+region.FormatPeer(c.GetPeer()))
		}
		what = strings.Join(parts, " with ")
	case cmd.GetMerge() != nil:
		what = "Merge into " + region.Format(cmd.GetMerge().GetTarget())
	case cmd.GetSplitRegion() != nil:
		what = "Split " + cmd.GetSplitRegion().GetPolicy().String()
		for _, k := range cmd.GetSplitRegion().GetKeys() {
			what += " " + region.FormatKey(k)
		}
	case cmd.GetTransferLeader() != nil:
		what = "TransferLeader " + region.FormatPeer(cmd.GetTransferLeader().GetPeer())
	}
	return fmt.Sprintf("r%d v%d c%d to %s: %s", cmd.GetRegionId(), cmd.GetRegionEpoch().GetVersion(),
		cmd.GetRegionEpoch().GetConfVer(), region.FormatPeer(cmd.GetTargetPeer()), what)
}
