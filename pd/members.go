package pd

import (
	"fmt"
	"slices"

	"ordeal/pd/core"
	"ordeal/pd/schedule"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/world"
)

// The members of the driver are a Raft group of fixed membership. One leads, and it alone hears stores and answers. Its
// state is what the group's log says, as of the moment at which it came to lead, and what it has decided and heard since.
// What it decides goes into the log; what it hears does not, but for the regions, now and then. When another member
// comes to lead, it begins with what is in its log, and hears the rest soon.

// memberID is the id of a member in the group.
func memberID(a world.Addr) uint64 { return uint64(a.Node) }

func (c *Config) memberIDs() []uint64 {
	ids := make([]uint64, len(c.Members))
	for i, a := range c.Members {
		ids[i] = memberID(a)
	}
	slices.Sort(ids)
	return ids
}

func (c *Config) hasMember(a world.Addr) bool { return slices.Contains(c.Members, a) }

// member is where a member is reached.
func (c *Config) member(id uint64) (world.Addr, bool) {
	i := slices.IndexFunc(c.Members, func(a world.Addr) bool { return memberID(a) == id })
	if i < 0 {
		return world.Addr{}, false
	}
	return c.Members[i], true
}

// followLeadership takes office or leaves it, as the group has decided in this turn.
func (m *Member) followLeadership(out *world.Effects) {
	term := m.rep.leads()
	if term == m.term {
		return
	}
	if m.term != 0 {
		if len(m.outbox.held)+len(m.outbox.said) > 0 {
			m.cfg.reached(stateDeposedSpeaking, 0)
		}
		m.outbox.forget(mustMarshal(m.redirect(0)), out)
		m.rep.forget(m.outbox.proposed)
	}
	if m.term = term; term == 0 {
		m.reset()
		return
	}
	m.rep.eng.Commit(m.rep.batch) // what is applied is to be read
	m.reset()
	if err := m.load(); err != nil {
		panic(fmt.Sprintf("pd: member %s comes to lead and can't read what it has applied: %v", m.env.Addr, err))
	}
	if m.bootstrapped {
		m.cfg.reached(stateTookOver, 0)
	}
	m.cluster.Boot(m.now)
	m.beginPauses()
	if f := m.cfg.Listener.Booted; f != nil {
		f()
	}
}

// reset forgets all that belongs to one leadership.
func (m *Member) reset() {
	m.bootstrapped = false
	m.ids = allocator{next: firstID, bound: firstID - 1, batch: m.cfg.IDBatch}
	m.clock = oracle{bound: -1} // nothing has been promised, not even the first millisecond
	m.cluster = core.NewCluster(core.Liveness{DisconnectAfter: m.cfg.StoreDisconnectAfter, DownAfter: m.cfg.StoreDownAfter})
	m.ctl = schedule.NewController(schedule.Limits{
		OperatorsMax: m.cfg.OperatorsMax, OperatorsPerStoreMax: m.cfg.OperatorsPerStoreMax,
		HandoversMax: m.cfg.HandoversMax, HandoversPerStoreMax: m.cfg.HandoversPerStoreMax,
		OperatorsPerKindMax: m.cfg.OperatorsPerKindMax, AddPeer: m.cfg.AddPeer, RemovePeer: m.cfg.RemovePeer,
	})
	m.dirty = make(map[uint64]bool)
	m.homes = make(map[uint64]world.Addr)
	m.offlineSince = make(map[uint64]world.Time)
	m.reported, m.cursor = nil, nil
}

// redirect is the answer of a member that does not lead: it names the one that does, if it knows one.
func (m *Member) redirect(id uint64) *ordealpb.PDResponse {
	no := &ordealpb.NotDriverLeader{}
	if to, ok := m.cfg.member(m.rep.group.Leader()); ok && memberID(to) != m.rep.self {
		no.Leader = to.String()
	}
	return &ordealpb.PDResponse{Id: id, NotLeader: no}
}

// sayNow answers at once, by the word of nobody but this member.
func (m *Member) sayNow(ev *world.Event, resp *ordealpb.PDResponse) {
	if ev.Kind == world.EventRequest {
		m.out.Reply(ev.From, ev.Call, mustMarshal(resp))
		return
	}
	m.out.Send(ev.From, mustMarshal(&ordealpb.StorePacket{Pd: resp}))
}

// getMembers says who the members are and who leads as far as this one knows. Every member answers it.
func (m *Member) getMembers() *pdpb.GetMembersResponse {
	resp := &pdpb.GetMembersResponse{}
	for _, a := range m.cfg.Members {
		one := &pdpb.Member{Name: fmt.Sprintf("pd-%d", a.Node), MemberId: memberID(a), ClientUrls: []string{a.String()}}
		resp.Members = append(resp.Members, one)
		if memberID(a) == m.rep.group.Leader() {
			resp.Leader, resp.EtcdLeader = one, one
		}
	}
	return resp
}

// transfer begins to hand over to another member.
func (m *Member) transfer(req *ordealpb.TransferDriverRequest) error {
	to, ok := m.cfg.member(req.GetMemberId())
	if !ok {
		return refuse(pdpb.ErrorType_ENTRY_NOT_FOUND, "there is no member %d, only %v", req.GetMemberId(), m.cfg.memberIDs())
	}
	if err := m.rep.group.TransferLeader(req.GetMemberId()); err != nil {
		return refuse(pdpb.ErrorType_INVALID_VALUE, "the member at %s can't be handed over to: %v", to, err)
	}
	return nil
}
