package pd

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"ordeal/pd/core"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/world"
)

// bodyOf is the choice of body of a request; the answer's choice has the same names.
var bodyOf = (&ordealpb.PDRequest{}).ProtoReflect().Descriptor().Oneofs().ByName("body")

// regionHeartbeatName is the body that is answered at the end of a turn; the others are of bodies whose answers promise
// nothing, so that they wait for nothing.
const (
	regionHeartbeatName protoreflect.Name = "region_heartbeat"
	membersName         protoreflect.Name = "get_members"
	transferName        protoreflect.Name = "transfer_driver"
)

// refusal is an error for whoever asked.
type refusal struct {
	kind pdpb.ErrorType
	text string
}

func (r *refusal) Error() string { return r.text }

func refuse(kind pdpb.ErrorType, format string, args ...any) error {
	return &refusal{kind: kind, text: fmt.Sprintf(format, args...)}
}

// errorTypes says how errors of package core are called on the wire.
var errorTypes = []struct {
	err  error
	kind pdpb.ErrorType
}{
	{core.ErrStale, pdpb.ErrorType_INVALID_VALUE},
	{core.ErrInvalid, pdpb.ErrorType_INVALID_VALUE},
	{core.ErrUnknownStore, pdpb.ErrorType_ENTRY_NOT_FOUND},
	{core.ErrStoreTombstone, pdpb.ErrorType_STORE_TOMBSTONE},
	{core.ErrDuplicateStore, pdpb.ErrorType_DUPLICATED_ENTRY},
}

func wireError(err error) *pdpb.Error {
	var r *refusal
	if errors.As(err, &r) {
		return &pdpb.Error{Type: r.kind, Message: r.text}
	}
	for _, t := range errorTypes {
		if errors.Is(err, t.err) {
			return &pdpb.Error{Type: t.kind, Message: err.Error()}
		}
	}
	panic(fmt.Sprintf("pd: error %v has no type on the wire", err))
}

// receive handles one message or request. What cannot be read is dropped: its sender is no member of this cluster, and
// there is nobody to answer to.
func (m *Member) receive(ev *world.Event) {
	req := &ordealpb.PDRequest{}
	if err := proto.Unmarshal(ev.Payload, req); err != nil {
		m.counters.Dropped++
		return
	}
	if p := req.GetDriver(); p != nil {
		m.rep.step(ev.From, p)
		return
	}
	body := req.ProtoReflect().WhichOneof(bodyOf)
	if body == nil {
		m.counters.Dropped++
		return
	}
	if m.term == 0 && req.GetGetMembers() == nil {
		m.sayNow(ev, m.redirect(req.GetId()))
		return
	}
	resp := &ordealpb.PDResponse{Id: req.GetId()}
	err := m.checkCluster(req.ProtoReflect().Get(body).Message().Interface())
	if hb := req.GetRegionHeartbeat(); hb != nil {
		if err == nil {
			err = m.heartbeatRegion(ev, req.GetId(), hb)
		}
		if err == nil || ev.Kind == world.EventMessage {
			return // a leader that is not believed learns why from its own group
		}
	} else if err == nil {
		if err = m.route(req, resp); err == nil {
			m.learnHome(ev, req)
		}
	}
	m.answer(ev, resp, body.Name(), err)
}

// checkCluster refuses who belongs to another cluster.
func (m *Member) checkCluster(body proto.Message) error {
	header := body.(interface{ GetHeader() *pdpb.RequestHeader }).GetHeader()
	if id := header.GetClusterId(); id != 0 && id != m.cfg.ClusterID {
		return refuse(pdpb.ErrorType_INVALID_VALUE, "this is cluster %d, the request is for cluster %d", m.cfg.ClusterID, id)
	}
	return nil
}

// answer puts a header on resp, with an empty body of that name if it has none or if err refuses the request, and says
// it: stores that send messages find answers in a packet, callers get them as they are.
func (m *Member) answer(ev *world.Event, resp *ordealpb.PDResponse, name protoreflect.Name, err error) {
	header := &pdpb.ResponseHeader{ClusterId: m.cfg.ClusterID}
	if err != nil {
		m.counters.Refused++
		resp.Body = nil
		header.Error = wireError(err)
	}
	r := resp.ProtoReflect()
	body := r.Mutable(r.Descriptor().Fields().ByName(name)).Message()
	body.Set(body.Descriptor().Fields().ByName("header"), protoreflect.ValueOfMessage(header.ProtoReflect()))
	switch {
	case name == membersName || name == transferName:
		m.sayNow(ev, resp)
		return
	case ev.Kind == world.EventRequest:
		m.outbox.answer(ev, mustMarshal(resp))
		return
	}
	m.outbox.answer(ev, mustMarshal(&ordealpb.StorePacket{Pd: resp}))
}

// route lets the one that knows about it fill in the body of resp. An empty body is left to answer.
func (m *Member) route(req *ordealpb.PDRequest, resp *ordealpb.PDResponse) error {
	switch body := req.GetBody().(type) {
	case *ordealpb.PDRequest_Bootstrap:
		return m.bootstrap(body.Bootstrap)
	case *ordealpb.PDRequest_IsBootstrapped:
		resp.Body = &ordealpb.PDResponse_IsBootstrapped{
			IsBootstrapped: &pdpb.IsBootstrappedResponse{Bootstrapped: m.bootstrapped},
		}
		return nil
	case *ordealpb.PDRequest_AllocId:
		r, err := m.allocID(body.AllocId)
		resp.Body = &ordealpb.PDResponse_AllocId{AllocId: r}
		return err
	case *ordealpb.PDRequest_Tso:
		r, err := m.tso(body.Tso)
		resp.Body = &ordealpb.PDResponse_Tso{Tso: r}
		return err
	case *ordealpb.PDRequest_GetMembers:
		resp.Body = &ordealpb.PDResponse_GetMembers{GetMembers: m.getMembers()}
		return nil
	case *ordealpb.PDRequest_TransferDriver:
		return m.transfer(body.TransferDriver)
	case *ordealpb.PDRequest_EmptyStore:
		return m.emptyStore(body.EmptyStore)
	case *ordealpb.PDRequest_Policy:
		r, err := m.changePolicy(body.Policy)
		resp.Body = &ordealpb.PDResponse_Policy{Policy: r}
		return err
	case *ordealpb.PDRequest_PutStore:
		return m.putStore(body.PutStore.GetStore())
	case *ordealpb.PDRequest_StoreHeartbeat:
		return m.cluster.HeartbeatStore(body.StoreHeartbeat.GetStats(), m.now)
	case *ordealpb.PDRequest_GetStore:
		r, err := m.getStore(body.GetStore)
		resp.Body = &ordealpb.PDResponse_GetStore{GetStore: r}
		return err
	case *ordealpb.PDRequest_GetAllStores:
		resp.Body = &ordealpb.PDResponse_GetAllStores{GetAllStores: m.getAllStores(body.GetAllStores)}
		return nil
	}
	if !m.bootstrapped {
		return refuse(pdpb.ErrorType_NOT_BOOTSTRAPPED, "the cluster is not bootstrapped")
	}
	switch body := req.GetBody().(type) {
	case *ordealpb.PDRequest_GetRegion:
		r := m.cluster.RegionByKey(body.GetRegion.GetRegionKey())
		resp.Body = &ordealpb.PDResponse_GetRegion{GetRegion: regionResponse(r)}
	case *ordealpb.PDRequest_GetRegionById:
		r := m.cluster.Region(body.GetRegionById.GetRegionId())
		resp.Body = &ordealpb.PDResponse_GetRegionById{GetRegionById: regionResponse(r)}
	case *ordealpb.PDRequest_ScanRegions:
		resp.Body = &ordealpb.PDResponse_ScanRegions{ScanRegions: m.scanRegions(body.ScanRegions)}
	case *ordealpb.PDRequest_AskBatchSplit:
		r, err := m.askBatchSplit(body.AskBatchSplit)
		resp.Body = &ordealpb.PDResponse_AskBatchSplit{AskBatchSplit: r}
		return err
	case *ordealpb.PDRequest_Operator:
		r, err := m.order(body.Operator)
		resp.Body = &ordealpb.PDResponse_Operator{Operator: r}
		return err
	default:
		panic(fmt.Sprintf("pd: request %T is in the protocol, but nobody handles it", body))
	}
	return nil
}
