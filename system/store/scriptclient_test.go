package store

import (
	"fmt"
	"strings"

	"github.com/cockroachdb/datadriven"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"ordeal/proto/errorpb"
	"ordeal/proto/kvrpcpb"
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/system/region"
	"ordeal/world"
)

// call is a client's request that is not answered.
type call struct {
	id    world.CallID
	to    world.NodeID
	label string
}

// send gives a request to a store; its answer is printed when it comes.
func (s *script) send(m *machine, label string, req *ordealpb.Request) {
	s.calls = append(s.calls, call{s.nextCall, m.id, fmt.Sprintf("s%d %s", m.id, label)})
	payload, err := proto.Marshal(req)
	s.must(err)
	// A client that does not know of shards: the first one gets everything.
	m.inbox = append(m.inbox, arrival{0, world.Event{
		Kind: world.EventRequest, From: world.Addr{Node: 1001}, Call: s.nextCall, Payload: payload,
	}})
	s.nextCall++
}

// answered prints a store's answer to a client.
func (s *script) answered(r world.Reply) {
	for i, c := range s.calls {
		if c.id != r.Call {
			continue
		}
		s.calls = append(s.calls[:i:i], s.calls[i+1:]...)
		resp := &ordealpb.Response{}
		s.must(proto.Unmarshal(r.Payload, resp))
		s.say("%s: %s", c.label, describe(resp))
		return
	}
	s.t.Errorf("a second answer, or one to nobody: call %d", r.Call)
}

// waiting prints what was asked by this command and is not answered.
func (s *script) waiting(since world.CallID) {
	for _, c := range s.calls {
		if c.id >= since {
			s.say("%s: no answer yet", c.label)
		}
	}
}

// hangUp ends the calls to a store that went down.
func (s *script) hangUp(m *machine) {
	kept := s.calls[:0:0]
	for _, c := range s.calls {
		if c.to == m.id {
			s.say("%s: the connection is lost", c.label)
		} else {
			kept = append(kept, c)
		}
	}
	s.calls = kept
}

func describe(resp *ordealpb.Response) string {
	at := func(err *errorpb.Error, ok string) string {
		if err == nil {
			return ok
		}
		reason := "no reason"
		err.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			if f.Message() != nil {
				reason = string(f.Name())
			}
			return true
		})
		return reason + ": " + err.GetMessage()
	}
	pairsOf := func(kvs []*kvrpcpb.KvPair) string {
		var pairs []string
		for _, kv := range kvs {
			pairs = append(pairs, string(kv.GetKey())+"="+string(kv.GetValue()))
		}
		return "[" + strings.Join(pairs, " ") + "]"
	}
	if why := wrong(resp); why != "" {
		return "refused: " + why
	}
	switch b := resp.GetBody().(type) {
	case *ordealpb.Response_BatchPut:
		return at(b.BatchPut.GetRegionError(), "ok")
	case *ordealpb.Response_DeleteRange:
		return at(b.DeleteRange.GetRegionError(), "ok")
	case *ordealpb.Response_BatchGet:
		return at(b.BatchGet.GetRegionError(), pairsOf(b.BatchGet.GetPairs()))
	case *ordealpb.Response_Put:
		return at(b.Put.GetRegionError(), "ok")
	case *ordealpb.Response_Delete:
		return at(b.Delete.GetRegionError(), "ok")
	case *ordealpb.Response_Get:
		if b.Get.GetNotFound() {
			return at(b.Get.GetRegionError(), "nothing there")
		}
		return at(b.Get.GetRegionError(), string(b.Get.GetValue()))
	case *ordealpb.Response_Cas:
		saw := string(b.Cas.GetPreviousValue())
		if b.Cas.GetPreviousNotExist() {
			saw = "nothing"
		}
		if b.Cas.GetSucceed() {
			return at(b.Cas.GetRegionError(), "done, replaced "+saw)
		}
		return at(b.Cas.GetRegionError(), "not done, saw "+saw)
	case *ordealpb.Response_Scan:
		return at(b.Scan.GetRegionError(), pairsOf(b.Scan.GetKvs()))
	case *ordealpb.Response_Admin:
		var regions []string
		for _, r := range b.Admin.GetRegions() {
			regions = append(regions, region.Format(r))
		}
		return at(b.Admin.GetRegionError(), "ok, "+strings.Join(regions, " and "))
	}
	return "an answer without a body"
}

// wrong is what is wrong with the request itself.
func wrong(resp *ordealpb.Response) string {
	why := resp.GetError()
	for _, r := range []interface{ GetError() string }{
		resp.GetGet(), resp.GetPut(), resp.GetBatchPut(), resp.GetDelete(), resp.GetDeleteRange(), resp.GetCas(), resp.GetAdmin(),
	} {
		why += r.GetError()
	}
	return why
}

// data operation: put K V, mput K V K V..., get K, mget K..., delete K, delete-range FROM TO, cas K OLD NEW, cad K OLD, scan
// FROM TO, rscan FROM TO; OLD may be none, - is the empty key. Options: region=ID asks for that region, v=VERSION with that epoch, whatever the store knows; from=anybody lets a follower answer.
func (s *script) operate(m *machine, args []datadriven.CmdArg) {
	var w []string
	var id, version uint64
	replica := false
	for _, a := range args {
		switch {
		case len(a.Vals) == 0 && a.Key == "-":
			w = append(w, "")
		case len(a.Vals) == 0:
			w = append(w, a.Key)
		case a.Key == "region":
			id = s.number(a.Vals[0])
		case a.Key == "from":
			replica = a.Vals[0] == "anybody"
		case a.Key == "v":
			version = s.number(a.Vals[0])
		}
	}
	ctx := s.context(m, id, []byte(w[1]))
	ctx.ReplicaRead = replica
	if version != 0 {
		ctx.RegionEpoch = proto.CloneOf(ctx.GetRegionEpoch())
		ctx.RegionEpoch.Version = version
	}
	key := []byte(w[1])
	req := &ordealpb.Request{}
	label := strings.Join(w, " ")
	switch w[0] {
	case "put":
		req.Body = &ordealpb.Request_Put{Put: &kvrpcpb.RawPutRequest{Context: ctx, Key: key, Value: []byte(w[2])}}
	case "get":
		req.Body = &ordealpb.Request_Get{Get: &kvrpcpb.RawGetRequest{Context: ctx, Key: key}}
	case "delete":
		req.Body = &ordealpb.Request_Delete{Delete: &kvrpcpb.RawDeleteRequest{Context: ctx, Key: key}}
	case "scan":
		req.Body = &ordealpb.Request_Scan{Scan: &kvrpcpb.RawScanRequest{Context: ctx, StartKey: key, EndKey: []byte(w[2]), Limit: 100}}
	case "rscan": // rscan FROM TO, downwards: FROM is exclusive
		scan := &kvrpcpb.RawScanRequest{Context: ctx, StartKey: key, EndKey: []byte(w[2]), Limit: 100, Reverse: true}
		req.Body = &ordealpb.Request_Scan{Scan: scan}
	case "mget":
		get := &kvrpcpb.RawBatchGetRequest{Context: ctx}
		for _, k := range w[1:] {
			get.Keys = append(get.Keys, []byte(k))
		}
		req.Body = &ordealpb.Request_BatchGet{BatchGet: get}
	case "mput":
		put := &kvrpcpb.RawBatchPutRequest{Context: ctx}
		for i := 1; i+1 < len(w); i += 2 {
			put.Pairs = append(put.Pairs, &kvrpcpb.KvPair{Key: []byte(w[i]), Value: []byte(w[i+1])})
		}
		req.Body = &ordealpb.Request_BatchPut{BatchPut: put}
	case "delete-range":
		req.Body = &ordealpb.Request_DeleteRange{DeleteRange: &kvrpcpb.RawDeleteRangeRequest{
			Context: ctx, StartKey: key, EndKey: []byte(w[2]),
		}}
	case "cas", "cad":
		c := &kvrpcpb.RawCASRequest{Context: ctx, Key: key, Delete: w[0] == "cad"}
		if c.PreviousNotExist = w[2] == "none"; !c.GetPreviousNotExist() {
			c.PreviousValue = []byte(w[2])
		}
		if !c.GetDelete() {
			c.Value = []byte(w[3])
		}
		req.Body = &ordealpb.Request_Cas{Cas: c}
	default:
		s.t.Fatalf("unknown operation %s", w[0])
	}
	s.send(m, label, req)
}

// context is what a client puts into a request that knows what store m knows.
func (s *script) context(m *machine, id uint64, key []byte) *kvrpcpb.Context {
	for _, v := range m.node.Peers() {
		if v.Region.GetId() == id || (id == 0 && v.Initialised && region.Contains(v.Region, key)) {
			return &kvrpcpb.Context{
				RegionId: v.Region.GetId(), RegionEpoch: v.Region.GetRegionEpoch(),
				Peer: &metapb.Peer{Id: v.Peer, StoreId: uint64(m.id)},
			}
		}
	}
	return &kvrpcpb.Context{RegionId: id, Peer: &metapb.Peer{StoreId: uint64(m.id)}, RegionEpoch: &metapb.RegionEpoch{}}
}

// admin sends an admin call to the store that on names, or to the region's leader.
func (s *script) admin(d *datadriven.TestData) {
	var id uint64
	d.ScanArgs(s.t, "region", &id)
	m, view := s.leader(d, id)
	ctx := s.context(m, id, nil)
	a := &ordealpb.AdminRequest{Context: ctx}
	label := d.Cmd
	switch d.Cmd {
	case "split":
		c := &ordealpb.SplitRequest{RightDerive: d.HasArg("right")}
		for _, arg := range d.CmdArgs {
			if arg.Key == "key" {
				for _, key := range arg.Vals {
					c.SplitKeys = append(c.SplitKeys, []byte(key))
				}
				label = "split at " + strings.Join(arg.Vals, " ")
			}
		}
		a.Body = &ordealpb.AdminRequest_Split{Split: c}
		if d.HasArg("by-pd") {
			s.tell(m.id, &pdpb.RegionHeartbeatResponse{
				RegionId: view.Region.GetId(), RegionEpoch: view.Region.GetRegionEpoch(), SplitRegion: &pdpb.SplitRegion{Keys: c.SplitKeys},
			})
			return
		}
	case "merge":
		var into uint64
		d.ScanArgs(s.t, "into", &into)
		_, target := s.leader(&datadriven.TestData{}, into)
		if d.HasArg("seen-by") {
			var by string
			d.ScanArgs(s.t, "seen-by", &by)
			target = s.view(s.machine(s.node(by)), into)
		}
		a.Body = &ordealpb.AdminRequest_Merge{Merge: &ordealpb.MergeRequest{Target: target.Region}}
		label = fmt.Sprintf("merge region %d into %d", id, into)
	case "check":
		a.Body = &ordealpb.AdminRequest_ConsistencyCheck{ConsistencyCheck: &ordealpb.ConsistencyCheckRequest{}}
	case "transfer":
		var to string
		d.ScanArgs(s.t, "to", &to)
		peer := region.FindPeer(view.Region, uint64(s.node(to)))
		a.Body = &ordealpb.AdminRequest_TransferLeader{TransferLeader: &ordealpb.TransferLeaderRequest{Peer: peer}}
		label = "transfer to " + to
	case "change":
		c, what := s.change(d, view.Region)
		label = what
		if d.HasArg("by-pd") {
			s.order(m.id, view.Region, c)
			return
		}
		if a.Body = (&ordealpb.AdminRequest_ChangePeerV2{ChangePeerV2: c}); len(c.GetChanges()) == 1 && !c.GetExplicitLeave() {
			a.Body = &ordealpb.AdminRequest_ChangePeer{ChangePeer: c.GetChanges()[0]}
		}
	}
	s.send(m, label, &ordealpb.Request{Body: &ordealpb.Request_Admin{Admin: a}})
}

// change reads any of add=sN, add-learner=sN (which also demotes) and remove=sN, with peer=ID for another peer than the next,
// or than the one there, and explicit for a joint configuration that stays; nothing of this leaves one.
func (s *script) change(d *datadriven.TestData, r *metapb.Region) (*ordealpb.ChangePeerV2Request, string) {
	kinds := map[string]pdpb.ConfChangeType{
		"add": pdpb.ConfChangeType_AddNode, "add-learner": pdpb.ConfChangeType_AddLearnerNode,
		"remove": pdpb.ConfChangeType_RemoveNode,
	}
	c := &ordealpb.ChangePeerV2Request{ExplicitLeave: d.HasArg("explicit")}
	var what []string
	for _, a := range d.CmdArgs {
		kind, ok := kinds[a.Key]
		if !ok {
			continue
		}
		peer := &metapb.Peer{StoreId: uint64(s.node(a.Vals[0]))}
		on := region.FindPeer(r, peer.GetStoreId())
		switch {
		case d.HasArg("peer"):
			d.ScanArgs(s.t, "peer", &peer.Id)
		case on != nil:
			peer.Id = on.GetId()
		default:
			peer.Id = s.pd.id()
		}
		c.Changes = append(c.Changes, &ordealpb.ChangePeerRequest{ChangeType: kind, Peer: peer})
		what = append(what, a.Key+" "+a.Vals[0])
	}
	if len(what) == 0 {
		return c, "leave"
	}
	return c, strings.Join(what, " ")
}

// view is what a store knows of a region.
func (s *script) view(m *machine, id uint64) *PeerView {
	for _, v := range m.node.Peers() {
		if v.Region.GetId() == id {
			return &v
		}
	}
	s.t.Fatalf("s%d has no region %d", m.id, id)
	return nil
}

// leader finds who leads a region, by the highest term among the stores that are up.
func (s *script) leader(d *datadriven.TestData, id uint64) (*machine, *PeerView) {
	on := ""
	d.MaybeScanArgs(s.t, "on", &on)
	var best *PeerView
	var where *machine
	for _, m := range s.machines {
		if m.down || (on != "" && s.node(on) != m.id) {
			continue
		}
		for _, v := range m.node.Peers() {
			if v.Region.GetId() == id && (on != "" || v.Leader) && (best == nil || v.Term > best.Term) {
				best, where = &v, m
			}
		}
	}
	if best == nil {
		d.Fatalf(s.t, "region %d has no leader", id)
	}
	return where, best
}
