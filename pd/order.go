package pd

import (
	"strings"

	"ordeal/pd/core"
	"ordeal/pd/schedule"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
)

// order begins what people want done with a region, or gives up what is under way.
func (m *Member) order(req *ordealpb.OperatorRequest) (*ordealpb.OperatorResponse, error) {
	r := m.cluster.Region(req.GetRegionId())
	if r == nil {
		return nil, refuse(pdpb.ErrorType_REGION_NOT_FOUND, "region %d is not known", req.GetRegionId())
	}
	if _, cancel := req.GetWhat().(*ordealpb.OperatorRequest_Cancel); cancel {
		end := m.ctl.Cancel(r.ID(), "asked for", m.now)
		m.ended(end)
		if end.Operator == nil {
			return &ordealpb.OperatorResponse{}, nil
		}
		return &ordealpb.OperatorResponse{Operator: end.Operator.String()}, nil
	}
	o, why := m.planOrder(req, r)
	if o != nil {
		why = m.take(o)
	}
	if why != "" {
		return nil, refuse(pdpb.ErrorType_INVALID_VALUE, "%s: %s", r, why)
	}
	return &ordealpb.OperatorResponse{Operator: o.String()}, nil
}

// planOrder plans it, or says why not.
func (m *Member) planOrder(req *ordealpb.OperatorRequest, r *core.RegionInfo) (o *schedule.Operator, refused string) {
	in := m.input(m.cluster.View(m.now))
	switch what := req.GetWhat().(type) {
	case *ordealpb.OperatorRequest_LeadFrom:
		return schedule.LeadFrom(in, r, what.LeadFrom)
	case *ordealpb.OperatorRequest_Move:
		return schedule.MovePeer(in, r, what.Move.GetFromStore(), what.Move.GetToStore())
	case *ordealpb.OperatorRequest_Split:
		return schedule.Cut(in, r)
	case *ordealpb.OperatorRequest_MergeInto:
		t := m.cluster.Region(what.MergeInto)
		if t == nil {
			return nil, "the other region is not known"
		}
		return schedule.MergeRegions(in, r, t)
	case *ordealpb.OperatorRequest_Scatter:
		if o := schedule.Scatter(in, r); o != nil {
			return o, ""
		}
		return nil, "its peers are not all well and free to move, or chance left them where they are"
	}
	return nil, "want one of " + strings.Join([]string{"lead_from", "move", "split", "merge_into", "scatter", "cancel"}, ", ")
}
