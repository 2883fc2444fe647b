package pd

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"ordeal/proto/ordealpb"
	"ordeal/raft"
	"ordeal/system/engine"
	"ordeal/world"
)

// groupID is the region id under which a member's engine keeps the log of the driver's group.
const groupID = 1

// replica is a member's part in the group of all members: a log of writes to the driver's keys, and the keys as they are once
// those are applied. It knows nothing of what they mean.
//
// A turn of it is: messages, ticks, proposals and reads; work, as long as the group wants something; flush. Entries and hard
// state, what is applied and how far go to the disk in one batch. What rests on that is sent, or given back to the group,
// when it is durable. Entries are applied only once they are durable, so what is applied needs no barrier of its own.
type replica struct {
	cfg     *Config
	self    uint64
	eng     *engine.Engine
	group   *raft.Group
	applied raft.ID

	batch *engine.Batch
	// barriers are the turns whose batch is not durable, and persisted is what waits for this one's.
	barriers  []barrier
	nextToken uint64
	persisted []*raft.Persisted
	// now may leave at once, later only once the turn's batch is durable.
	now, later mailbag

	// placed are proposals that are in the log and not applied. reached is the last one that is, and confirmed the last read
	// that shows that this member led when it was asked for.
	placed             []placed
	reached, confirmed uint64
}

type barrier struct {
	token     uint64
	persisted []*raft.Persisted
}

// placed is where a proposal is in the log.
type placed struct {
	seq uint64
	at  raft.ID
}

// openReplica goes on with what is on the disk. A fresh disk becomes that of a member of this very group, for good.
func openReplica(cfg *Config, env world.Env, eng *engine.Engine) (*replica, error) {
	r := &replica{cfg: cfg, self: memberID(env.Addr), eng: eng, batch: eng.NewBatch()}
	if err := r.identify(); err != nil {
		return nil, err
	}
	st := &ordealpb.ApplyState{}
	raw, _ := eng.Get(engine.ApplyStateKey(groupID))
	if err := proto.Unmarshal(raw, st); err != nil {
		return nil, fmt.Errorf("apply state: %w", err)
	}
	r.applied = raft.ID{Index: st.GetAppliedIndex(), Term: st.GetAppliedTerm()}
	conf := raft.Config{
		Region: groupID, Peer: r.self,
		ElectionTicks: electionTicks, HeartbeatTicks: heartbeatTicks, Nonce: env.Nonce,
		Conf:    &raft.ConfState{Voters: cfg.memberIDs()},
		Applied: r.applied, Truncated: raft.ID{Index: st.GetTruncatedIndex(), Term: st.GetTruncatedTerm()},
		CacheBytes: logCacheBytes, Snapshot: r.snapshot,
	}
	if cfg.Jitter != nil {
		conf.Jitter = func(term uint64) int { return cfg.Jitter(r.self, term) % electionTicks }
	}
	var err error
	r.group, err = raft.Open(conf, eng)
	return r, err
}

// identify makes sure that the disk is this member's, and makes a fresh one so. Who has forgotten its promises, or counts
// quorums of other members than the rest does, must not come back.
func (r *replica) identify() error {
	want := &ordealpb.DriverIdentity{ClusterId: r.cfg.ClusterID, MemberId: r.self, Members: r.cfg.memberIDs()}
	if raw, ok := r.eng.Get(engine.StoreIdentKey()); ok {
		got := &ordealpb.DriverIdentity{}
		if err := proto.Unmarshal(raw, got); err != nil {
			return fmt.Errorf("identity: %w", err)
		}
		if !proto.Equal(got, want) {
			return fmt.Errorf("the disk belongs to member %d of cluster %d with members %v, this is member %d of cluster %d with members %v",
				got.GetMemberId(), got.GetClusterId(), got.GetMembers(), want.GetMemberId(), want.GetClusterId(), want.GetMembers())
		}
		return nil
	}
	if len(r.cfg.Members) > 1 && len(readWrites(r.eng).GetWrites()) > 0 {
		return fmt.Errorf("the disk belongs to a driver without others: it can't become one of %d members", len(r.cfg.Members))
	}
	if err := raft.InitialState(r.batch, r.eng, groupID, nil); err != nil {
		return err
	}
	r.batch.Put(engine.StoreIdentKey(), mustMarshal(want))
	r.applied = raft.ID{Index: raft.InitialIndex, Term: raft.InitialTerm}
	r.putApplyState(r.applied)
	r.eng.Commit(r.batch)
	return nil
}

// step takes what another member says.
func (r *replica) step(from world.Addr, p *ordealpb.DriverPacket) {
	if p.GetClusterId() != r.cfg.ClusterID {
		return
	}
	for _, raw := range p.GetRaft() {
		m, err := raft.DecodeMessage(raw)
		if err != nil || m.GetFrom() != memberID(from) || m.GetFrom() == r.self || m.GetTo() != r.self || !r.cfg.hasMember(from) {
			continue
		}
		r.group.Step(m)
	}
}

// work carries out what the group wants until it wants nothing more.
func (r *replica) work() {
	for r.group.HasReady() {
		rd := r.group.Ready(r.batch)
		if rd.Snapshot != nil {
			r.restore(rd.Snapshot.GetData(), raft.ID{
				Index: rd.Snapshot.GetMetadata().GetIndex(), Term: rd.Snapshot.GetMetadata().GetTerm(),
			})
		}
		for _, p := range rd.Proposed {
			r.placed = append(r.placed, placed{seq: p.Token, at: p.At})
		}
		for _, m := range rd.Send {
			r.now.add(m)
		}
		if p := rd.Persisted; p != nil {
			for _, m := range p.Send {
				r.later.add(m)
			}
			r.persisted = append(r.persisted, p)
		}
		for _, c := range rd.Reads {
			r.confirmed = max(r.confirmed, c.Token)
		}
		if len(rd.Committed) > 0 {
			r.apply(rd.Committed)
			r.group.Applied(&rd)
		}
	}
}

// apply carries out committed entries.
func (r *replica) apply(entries []*raft.Entry) {
	for _, e := range entries {
		at := raft.ID{Index: e.GetIndex(), Term: e.GetTerm()}
		if at.Index != r.applied.Index+1 {
			panic(fmt.Sprintf("pd: member %d applies entry %d after %d", r.self, at.Index, r.applied.Index))
		}
		w := &ordealpb.DriverWrites{}
		if err := proto.Unmarshal(e.GetData(), w); err != nil {
			panic(fmt.Sprintf("pd: member %d: entry %d is unreadable: %v", r.self, at.Index, err))
		}
		r.put(w)
		r.applied = at
		r.group.AppliedTo(at)
		for len(r.placed) > 0 && r.placed[0].at.Index <= at.Index {
			r.reached = r.placed[0].seq
			r.placed = r.placed[1:]
		}
	}
	r.compact()
	r.putApplyState(r.group.Truncated())
}

func (r *replica) put(w *ordealpb.DriverWrites) {
	for _, one := range w.GetWrites() {
		if one.GetDelete() {
			r.batch.Delete(one.GetKey())
		} else {
			r.batch.Put(one.GetKey(), one.GetValue())
		}
	}
}

func (r *replica) putApplyState(truncated raft.ID) {
	r.batch.Put(engine.ApplyStateKey(groupID), mustMarshal(&ordealpb.ApplyState{
		AppliedIndex: r.applied.Index, AppliedTerm: r.applied.Term,
		TruncatedIndex: truncated.Index, TruncatedTerm: truncated.Term,
	}))
}

// compact drops the older half of a log that has become too long. Each member does it by itself: who needs what is gone gets
// a snapshot, which is small.
func (r *replica) compact() {
	if r.applied.Index-r.group.Truncated().Index <= r.cfg.LogEntriesMax && r.group.LogBytes() <= logBytesMax {
		return
	}
	to := max(r.applied.Index-min(r.cfg.LogEntriesMax/2, r.applied.Index), r.group.LogKeeping(logBytesMax/2))
	r.group.Compact(r.batch, min(to, r.applied.Index))
}

// snapshot is all of the driver's keys as they are applied.
func (r *replica) snapshot() []byte {
	r.eng.Commit(r.batch)
	return mustMarshal(readWrites(r.eng))
}

// restore replaces all of the driver's keys.
func (r *replica) restore(data []byte, at raft.ID) {
	r.cfg.reached(stateSnapshot, 0)
	w := &ordealpb.DriverWrites{}
	if err := proto.Unmarshal(data, w); err != nil {
		panic(fmt.Sprintf("pd: member %d: the snapshot at %d is unreadable: %v", r.self, at.Index, err))
	}
	start, end := engine.PDRange("")
	r.batch.DeleteRange(start, end)
	r.put(w)
	r.applied = at
	r.putApplyState(at)
}

// readWrites returns the writes that make the driver's keys what they are.
func readWrites(eng *engine.Engine) *ordealpb.DriverWrites {
	w := &ordealpb.DriverWrites{}
	start, end := engine.PDRange("")
	eng.Scan(start, end, func(key, value []byte) bool {
		w.Writes = append(w.Writes, &ordealpb.DriverWrite{Key: slices.Clone(key), Value: slices.Clone(value)})
		return true
	})
	return w
}

// flush writes what the turn has made and lets go what it says to other members.
func (r *replica) flush(out *world.Effects) {
	r.eng.Commit(r.batch)
	for _, s := range r.now.take(r.cfg) {
		out.Send(s.To, s.Payload)
	}
	if len(r.persisted) == 0 {
		return
	}
	r.nextToken++
	r.barriers = append(r.barriers, barrier{token: r.nextToken, persisted: r.persisted})
	r.persisted = nil
	out.Sync(r.nextToken, r.later.take(r.cfg))
}

// durable gives the group back what waited for a turn's batch.
func (r *replica) durable(token uint64) {
	if len(r.barriers) == 0 || r.barriers[0].token != token {
		return // not ours
	}
	for _, p := range r.barriers[0].persisted {
		r.group.Persisted(p)
	}
	r.barriers = r.barriers[1:]
}

// leads returns the term in which this member leads and knows all that was ever promised, or 0.
func (r *replica) leads() uint64 {
	knowing := r.applied.Term == r.group.Term()
	// gofail: var bugPDEarlyLeader struct{}
	// knowing = true

	if r.group.IsLeader() && knowing {
		return r.group.Term()
	}
	return 0
}

// forget drops what a leadership that is over has waited for. seq is its last proposal.
func (r *replica) forget(seq uint64) {
	r.placed, r.reached = nil, seq
	r.group.DropReads(true)
}

// mailbag gathers messages by member, in order of first use.
type mailbag []letter

type letter struct {
	to   uint64
	raft [][]byte
}

func (b *mailbag) add(m *raft.Message) {
	raw := raft.AppendMessage(nil, m)
	for i := range *b {
		if l := &(*b)[i]; l.to == m.GetTo() {
			l.raft = append(l.raft, raw)
			return
		}
	}
	*b = append(*b, letter{to: m.GetTo(), raft: [][]byte{raw}})
}

// take empties the bag: one packet for each member.
func (b *mailbag) take(cfg *Config) []world.Send {
	var out []world.Send
	for _, l := range *b {
		if to, ok := cfg.member(l.to); ok {
			packet := &ordealpb.DriverPacket{ClusterId: cfg.ClusterID, Raft: l.raft}
			out = append(out, world.Send{To: to, Payload: mustMarshal(&ordealpb.PDRequest{Driver: packet})})
		}
	}
	*b = nil
	return out
}
