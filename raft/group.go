package raft

import (
	"encoding/binary"
	"errors"
	"fmt"

	etcd "go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"ordeal/system/engine"
)

// Errors of Propose, ProposeConfChange, Read and TransferLeader. Each says that nothing was started.
var (
	// ErrNotLeader: the peer does not lead its group.
	ErrNotLeader = errors.New("raft: not the leader")
	// ErrBusy: the leader can't take it now: leadership is being transferred, another conf change is pending, no entry
	// of its own term is applied yet, or too much is in flight. Worth another try later.
	ErrBusy = errors.New("raft: busy")
	// ErrRefused: it makes no sense for this group, now or later (a transfer to a learner or to itself, say).
	ErrRefused = errors.New("raft: refused")
)

// Bounds of one group. The library's own queues are bounded by them.
const (
	MaxInflightBytes    = 4 << 20 // entries in append messages to one follower that it has not answered
	MaxUncommittedBytes = 8 << 20 // proposals that are not committed
	MaxWaitingReads     = 4096    // reads that wait for a leader, for an entry of its own term or for a quorum
	// snapshotResendTicks is how long a follower may take to answer a snapshot before it is probed again.
	snapshotResendElections = 3
)

// Bounds are bounds of one group that its owner chooses.
type Bounds struct {
	// MessageBytes is for the entries in one append message, ApplyBytes for those given out for apply and not yet applied. One
	// entry is always let through.
	MessageBytes, ApplyBytes uint64
	// InflightMessages is for append messages to one follower that it has not answered.
	InflightMessages int
}

// DefaultBounds are what is usual.
func DefaultBounds() Bounds {
	return Bounds{MessageBytes: 256 << 10, ApplyBytes: 1 << 20, InflightMessages: 128}
}

// Valid says whether a group can work within the bounds.
func (b Bounds) Valid() bool {
	return b.MessageBytes > 0 && b.MessageBytes <= MaxInflightBytes && b.ApplyBytes > 0 && b.InflightMessages > 0
}

// Config describes one peer of a group.
type Config struct {
	Region, Peer uint64
	// ElectionTicks and HeartbeatTicks are counted in calls of Tick. A leader that hears from no quorum for
	// ElectionTicks steps down; a follower campaigns after ElectionTicks to twice as many.
	ElectionTicks, HeartbeatTicks int
	// Jitter returns, for a term, the ticks in [0, ElectionTicks) to add to the election timeout. Nil leaves the
	// choice to the library, which draws from the system's randomness.
	Jitter func(term uint64) int
	// Nonce differs in each life of the process; it keeps read contexts unique across restarts (two equal ones could
	// confirm each other's reads).
	Nonce uint64
	// Leases, shared by the owner's groups, is nil if leaders confirm each read with a round of heartbeats.
	Leases *Leases
	// Conf is the membership as of Applied.
	Conf *raftpb.ConfState
	// Applied and Truncated are what the owner's state machine has persisted.
	Applied, Truncated ID
	// CacheBytes is about how much of the log is kept in memory beyond what is under way. It is given up when the log was
	// quiet for an election timeout.
	CacheBytes uint64
	// Bounds are those that owners may choose; the zero value stands for DefaultBounds.
	Bounds Bounds
	// Snapshot returns the state machine's data as of the applied index, or nil if it can't be built just now.
	Snapshot func() []byte
	// Reached, if not nil, is told the name of one of States whenever the peer comes to it.
	Reached func(state string)
}

// Proposed tells the owner where in the log a proposal landed.
type Proposed struct {
	Token uint64
	At    ID
}

// Group is one peer of a Raft group.
type Group struct {
	cfg  Config
	rn   *etcd.RawNode
	log  *log
	lead uint64
	role etcd.StateType
	term uint64

	applied ID
	// changing is set while a conf change is given to the library, which may then ask for a snapshot that its
	// membership does not describe yet.
	changing bool
	proposed []proposal
	// changeAt is where this leader's last conf change landed, be it its owner's or the library's.
	changeAt ID
	reads    readQueue
	lease    lease
	// snapshotTicks counts how long each follower has been waiting for a snapshot.
	snapshotTicks map[uint64]int
}

type proposal struct {
	token uint64
	term  uint64
	data  []byte
	// change says that it is a conf change.
	change bool
}

// Open loads a group from the disk. A region that has no log there yet starts at Config.Truncated.
func Open(cfg Config, eng *engine.Engine) (*Group, error) {
	if cfg.Bounds == (Bounds{}) {
		cfg.Bounds = DefaultBounds()
	}
	l, err := loadLog(eng, cfg.Region, cfg.Truncated, cfg.CacheBytes)
	if err != nil {
		return nil, err
	}
	g := &Group{cfg: cfg, log: l, applied: cfg.Applied}
	l.conf = cfg.Conf
	l.applied = func() ID { return g.applied }
	l.snapshot = func() []byte {
		if g.changing {
			return nil
		}
		return cfg.Snapshot()
	}
	if cfg.Applied.Index > l.lastIndex() {
		return nil, fmt.Errorf("region %d: applied index %d is beyond the log's end %d", cfg.Region, cfg.Applied.Index, l.lastIndex())
	}
	// What is applied was committed. The commit index itself is not synced by its own, so after a crash it can be
	// behind what the apply state says.
	if l.hard.GetCommit() < cfg.Applied.Index {
		l.hard.Commit = new(cfg.Applied.Index)
	}
	if l.hard.GetTerm() < cfg.Truncated.Term {
		l.hard.Term, l.hard.Vote = new(cfg.Truncated.Term), new(uint64(0))
	}
	g.term = l.hard.GetTerm()
	conf := &etcd.Config{
		ID:                        cfg.Peer,
		ElectionTick:              cfg.ElectionTicks,
		HeartbeatTick:             cfg.HeartbeatTicks,
		Storage:                   l,
		Applied:                   cfg.Applied.Index,
		AsyncStorageWrites:        true,
		MaxSizePerMsg:             cfg.Bounds.MessageBytes,
		MaxCommittedSizePerReady:  cfg.Bounds.ApplyBytes,
		MaxUncommittedEntriesSize: MaxUncommittedBytes,
		MaxInflightMsgs:           cfg.Bounds.InflightMessages,
		MaxInflightBytes:          MaxInflightBytes,
		CheckQuorum:               true,
		PreVote:                   true,
		ReadOnlyOption:            etcd.ReadOnlySafe,
		DisableProposalForwarding: true,
		StepDownOnRemoval:         true,
		Logger:                    logger{region: cfg.Region, peer: cfg.Peer},
	}
	// gofail: var bugNoPreVote struct{}
	// conf.PreVote, conf.CheckQuorum = false, false

	// gofail: var bugChangeUnchecked struct{}
	// conf.DisableConfChangeValidation = true

	if g.rn, err = etcd.NewRawNode(conf); err != nil {
		return nil, fmt.Errorf("region %d peer %d: %w", cfg.Region, cfg.Peer, err)
	}
	g.fixJitter()
	return g, nil
}

// Tick lets one tick pass.
func (g *Group) Tick() {
	g.rn.Tick()
	g.fixJitter()
	g.tickReads()
	if g.log.tail.quiet++; g.log.tail.quiet%g.cfg.ElectionTicks == 0 {
		g.ReleaseCache()
	}
	if g.role == etcd.StateLeader {
		g.resendSnapshots()
	}
}

// Step gives the group a message from another peer. Messages that it can't use are dropped, as by a network.
func (g *Group) Step(m *raftpb.Message) {
	if !g.admit(m) {
		return
	}
	// The library's errors here say that the message was dropped: unknown sender, local type, proposal.
	_ = g.rn.Step(m)
	g.fixJitter()
}

// Campaign starts an election now instead of at the next timeout, unless the peer has promised its vote to nobody. A
// single voter needs only its own.
func (g *Group) Campaign() {
	if g.silent() && len(g.log.conf.GetVoters())+len(g.log.conf.GetVotersOutgoing()) > 1 {
		return
	}
	_ = g.rn.Campaign()
	g.fixJitter()
}

// Propose appends data to the leader's log. The next Ready says where it landed; a token that no Ready names was
// overtaken by a change of leader, and its outcome is unknown.
func (g *Group) Propose(token uint64, data []byte) error {
	return g.propose(token, &raftpb.Entry{Data: data})
}

func (g *Group) propose(token uint64, e *raftpb.Entry) error {
	st := g.rn.BasicStatus()
	if st.RaftState != etcd.StateLeader {
		return ErrNotLeader
	}
	term := st.HardState.GetTerm()
	err := g.rn.Step(&raftpb.Message{
		Type: raftpb.MsgProp.Enum(), From: new(g.cfg.Peer), Entries: []*raftpb.Entry{e},
	})
	if err != nil {
		return ErrBusy
	}
	g.proposed = append(g.proposed, proposal{token: token, term: term, data: e.Data, change: IsConfChange(e)})
	return nil
}

// Compact drops log entries up to and including to, which must be applied.
func (g *Group) Compact(b *engine.Batch, to uint64) (ID, bool) {
	if to <= g.log.truncated.Index || to > g.applied.Index {
		return ID{}, false
	}
	term, err := g.log.Term(to)
	if err != nil {
		panic(fmt.Sprintf("raft: region %d: compact to %d: %v", g.cfg.Region, to, err))
	}
	g.log.compact(b, ID{Index: to, Term: term})
	return g.log.truncated, true
}

// fixJitter replaces the library's last draw by the seed's.
func (g *Group) fixJitter() {
	if g.cfg.Jitter == nil {
		return
	}
	setElectionTimeout(g.rn, g.cfg.ElectionTicks+g.cfg.Jitter(g.term))
}

// resendSnapshots probes followers again of whose snapshot nothing was heard for a while: the owner may have lost it, and
// the library waits for a report for ever.
func (g *Group) resendSnapshots() {
	var overdue []uint64
	g.rn.WithProgress(func(id uint64, _ etcd.ProgressType, pr progress) {
		if pr.State != stateSnapshot {
			delete(g.snapshotTicks, id)
			return
		}
		if g.snapshotTicks == nil {
			g.snapshotTicks = map[uint64]int{}
		}
		g.snapshotTicks[id]++
		if g.snapshotTicks[id] >= snapshotResendElections*g.cfg.ElectionTicks {
			overdue = append(overdue, id)
		}
	})
	for _, id := range overdue {
		g.reached(stateSnapshotOverdue)
		delete(g.snapshotTicks, id)
		g.rn.ReportSnapshot(id, etcd.SnapshotFailure)
	}
}

// SnapshotEnd says what became of a snapshot that the owner was given to send.
type SnapshotEnd uint8

// The ends of a snapshot's journey.
const (
	// SnapshotTaken: the peer has given it to its group.
	SnapshotTaken SnapshotEnd = iota + 1
	// SnapshotFailed: it did not arrive, or the peer could not use it.
	SnapshotFailed
)

// ReportSnapshot tells a leader what became of the snapshot for a peer. Nothing rests on what it says: a peer's log is
// known from its own answers only.
func (g *Group) ReportSnapshot(peer uint64, end SnapshotEnd) {
	delete(g.snapshotTicks, peer)
	status := etcd.SnapshotFinish
	if end == SnapshotFailed {
		status = etcd.SnapshotFailure
	}
	g.rn.ReportSnapshot(peer, status)
	g.fixJitter()
}

// SnapshotAlive says that the snapshot for a peer is still under way.
func (g *Group) SnapshotAlive(peer uint64) { delete(g.snapshotTicks, peer) }

// InitialState puts the hard state of a region born by bootstrap or split into b. old is the uninitialised peer of it
// that lives here, or nil; what that peer, in this life or an earlier one, may already have promised stays: its term
// and its vote.
func InitialState(b *engine.Batch, eng *engine.Engine, region uint64, old *Group) error {
	hs := &raftpb.HardState{}
	if old != nil {
		hs = proto.CloneOf(old.log.hard)
	} else if v, ok := eng.Get(engine.HardStateKey(region)); ok {
		if err := proto.Unmarshal(v, hs); err != nil {
			return fmt.Errorf("region %d: hard state on disk: %w", region, err)
		}
	}
	// gofail: var bugSplitForgets struct{}
	// hs = &raftpb.HardState{}

	if hs.GetTerm() < InitialTerm {
		hs = &raftpb.HardState{Term: new(uint64(InitialTerm)), Vote: new(uint64(0))}
	}
	hs.Commit = new(uint64(InitialIndex))
	b.Put(engine.HardStateKey(region), mustMarshal(hs))
	return nil
}

// readContext encodes a read context that no other life of any peer produces.
func (g *Group) readContext(seq uint64) []byte {
	b := make([]byte, 0, 24)
	b = binary.BigEndian.AppendUint64(b, g.cfg.Peer)
	b = binary.BigEndian.AppendUint64(b, g.cfg.Nonce)
	return binary.BigEndian.AppendUint64(b, seq)
}
