package raft

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"google.golang.org/protobuf/proto"

	"ordeal/system/engine"
)

// TestScripts runs the scripts in testdata: each is a story of one group, readable without the code. The commands are
// those of script.run.
func TestScripts(t *testing.T) {
	t.Parallel()
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		if filepath.Ext(path) != ".txt" {
			return // an input of a fuzz target
		}
		t.Parallel()
		s := &script{cut: map[uint64]bool{}}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string { return s.run(t, d) })
	})
}

// script is a group of peers with a network between them that delivers in rounds. Disks lose on a crash what was not
// synced; "stall" keeps a peer's disk from syncing.
type script struct {
	peers []*member
	cut   map[uint64]bool
	// mail says that messages are printed and go nowhere.
	mail  bool
	out   strings.Builder
	token uint64
}

type member struct {
	id      uint64
	disk    *engine.SimDisk
	eng     *engine.Engine
	g       *Group
	inbox   []*Message
	waiting []*Persisted
	durable uint64
	stalled bool
	down    bool
	// data is the state machine: the payloads in order.
	data    []string
	applied ID
	trunc   ID
	conf    *ConfState
	leading bool
	leases  Leases
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	s.out.Reset()
	if s.mail = d.HasArg("mail"); s.mail { // any command: what would be sent is printed and goes nowhere
		d.CmdArgs = slices.DeleteFunc(d.CmdArgs, func(a datadriven.CmdArg) bool { return a.Key == "mail" })
	}
	switch d.Cmd {
	// group voters=(1,2,3) [empty=(4)] [leases]: of 8 s, promises of 9 s; a tick is a second. What peers have on their disks
	// is below, such as 2 term=7 vote=1 commit=6 log=(6,7).
	case "group":
		s.newGroup(d)
	case "campaign":
		s.peer(d).g.Campaign()
		s.settle()
	case "tick": // tick N [n=TIMES]
		n := 1
		d.MaybeScanArgs(t, "n", &n)
		for range n {
			s.peer(d).leases.Now = s.peer(d).leases.Now.Add(time.Second)
			s.peer(d).g.Tick()
			s.settle()
		}
	case "step":
		s.step(s.peer(d), d)
	case "logs":
		s.logs()
	case "propose": // propose N data [data...]
		s.propose(s.peer(d), d.CmdArgs[1:])
	case "read": // read N [anybody]
		s.token++
		s.say("read %d: %v", s.token, s.peer(d).g.Read(s.token, d.HasArg("anybody")))
		s.settle()
	case "transfer":
		var to uint64
		d.ScanArgs(t, "to", &to)
		s.say("transfer: %v", s.peer(d).g.TransferLeader(to))
		s.settle()
	case "change": // change N [explicit] add|add-learner|remove=ID ...
		s.change(s.peer(d), d.CmdArgs[1:])
	case "cut", "heal":
		for _, a := range d.CmdArgs {
			s.cut[number(a.Key)] = d.Cmd == "cut"
		}
	case "stall":
		s.peer(d).stalled = true
	case "sync":
		s.peer(d).stalled = false
		s.settle()
	case "crash":
		s.crash(s.peer(d))
	case "restart":
		s.start(s.peer(d))
		s.settle()
	case "compact":
		var to uint64
		d.ScanArgs(t, "to", &to)
		m := s.peer(d)
		b := m.eng.NewBatch()
		if at, ok := m.g.Compact(b, to); ok {
			m.trunc = at
		} else {
			s.say("not compacted")
		}
		m.eng.Commit(b)
	case "status":
		s.status()
	default:
		d.Fatalf(t, "unknown command %s", d.Cmd)
	}
	return s.out.String()
}

func (s *script) say(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

func number(s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		panic("script: no number: " + s)
	}
	return n
}

func (s *script) peer(d *datadriven.TestData) *member { return s.byID(number(d.CmdArgs[0].Key)) }

func (s *script) byID(id uint64) *member {
	for _, m := range s.peers {
		if m.id == id {
			return m
		}
	}
	return nil
}

// newGroup starts voters with an empty state machine, and empty peers that know nothing, as if made by a message.
func (s *script) newGroup(d *datadriven.TestData) {
	conf := &ConfState{}
	s.peers = nil
	clear(s.cut)
	for _, a := range d.CmdArgs {
		for _, v := range a.Vals {
			m := &member{id: number(v), disk: engine.NewSimDisk(), conf: &ConfState{}}
			if d.HasArg("leases") {
				m.leases = Leases{Length: 8 * time.Second, Promise: 9 * time.Second}
			}
			if a.Key == "voters" {
				conf.Voters = append(conf.Voters, m.id)
				m.conf = conf
				m.applied = ID{Index: InitialIndex, Term: InitialTerm}
				m.trunc = m.applied
			}
			s.peers = append(s.peers, m)
		}
	}
	for _, m := range s.peers {
		m.conf = proto.CloneOf(m.conf)
		s.fill(m, d.Input)
		s.start(m)
	}
}

// start loads a peer from its disk.
func (s *script) start(m *member) {
	var err error
	if m.eng, err = m.disk.Open(); err != nil {
		panic(err)
	}
	m.down, m.inbox, m.waiting = false, nil, nil
	m.leases.SilentUntil = m.leases.Now.Add(m.leases.Promise)
	m.g, err = Open(Config{
		Region: 1, Peer: m.id, ElectionTicks: 10, HeartbeatTicks: 1, Nonce: m.disk.Position() + 1, Leases: &m.leases,
		Jitter: func(term uint64) int { return int((m.id + term) % 10) },
		Conf:   m.conf, Applied: m.applied, Truncated: m.trunc,
		Snapshot: func() []byte { return []byte(strings.Join(m.data, " ")) },
	}, m.eng)
	if err != nil {
		panic(err)
	}
}

func (s *script) crash(m *member) {
	lost := m.disk.Crash(m.durable, false)
	m.down = true
	s.say("peer %d is down, %d commits lost", m.id, lost)
}

func (s *script) propose(m *member, args []datadriven.CmdArg) {
	for _, a := range args {
		s.token++
		if err := m.g.Propose(s.token, []byte(a.Key)); err != nil {
			s.say("%s: %v", a.Key, err)
		}
	}
	s.settle()
}

// change proposes a membership change; without changes it leaves a joint configuration.
func (s *script) change(m *member, args []datadriven.CmdArg) {
	kinds := map[string]Change{"add": AddVoter, "add-learner": AddLearner, "remove": Remove}
	cc := ConfChange{Context: []byte("made by a script")}
	for _, a := range args {
		if a.Key == "explicit" {
			cc.ExplicitLeave = true
			continue
		}
		cc.Changes = append(cc.Changes, PeerChange{Change: kinds[a.Key], Peer: number(a.Vals[0])})
	}
	s.token++
	if err := m.g.ProposeConfChange(s.token, cc); err != nil {
		s.say("%s: %v", describe(cc), err)
	}
	s.settle()
}

// describe prints a change for people.
func describe(cc ConfChange) string {
	if cc.Leaves() {
		if cc.Context == nil {
			return "leave, by itself"
		}
		return "leave"
	}
	var words []string
	if cc.EntersJoint() {
		words = append(words, "joint")
	}
	for _, c := range cc.Changes {
		words = append(words, fmt.Sprintf("%v %d", c.Change, c.Peer))
	}
	return strings.Join(words, " ")
}

// settle lets turns run and messages travel until nothing happens any more.
func (s *script) settle() {
	for busy := true; busy; {
		busy = false
		for _, m := range s.peers {
			if !m.down && s.turn(m) {
				busy = true
			}
		}
	}
}

// turn is what an owner does: step, ready, write, apply, sync, release.
func (s *script) turn(m *member) bool {
	in := m.inbox
	m.inbox = nil
	for _, msg := range in {
		m.g.Step(msg)
	}
	busy := len(in) > 0
	for m.g.HasReady() {
		busy = true
		b := m.eng.NewBatch()
		rd := m.g.Ready(b)
		s.ready(m, &rd)
		m.eng.Commit(b)
	}
	if !m.stalled && len(m.waiting) > 0 {
		busy = true
		m.durable = m.disk.Position()
		for _, p := range m.waiting {
			s.send(m, p.Send)
			m.g.Persisted(p)
		}
		m.waiting = nil
	}
	return busy
}

func (s *script) ready(m *member, rd *Ready) {
	if m.leading != m.g.IsLeader() {
		m.leading = m.g.IsLeader()
		s.say("%d leads: %v, term %d", m.id, m.leading, m.g.Term())
		for _, tok := range m.g.DropReads(false) {
			s.say("%d dropped read %d", m.id, tok)
		}
	}
	if rd.Snapshot != nil {
		m.data = strings.Fields(string(rd.Snapshot.GetData()))
		m.applied = ID{Index: rd.Snapshot.GetMetadata().GetIndex(), Term: rd.Snapshot.GetMetadata().GetTerm()}
		m.trunc, m.conf = m.applied, rd.Snapshot.GetMetadata().GetConfState()
		s.say("%d took a snapshot at %d", m.id, m.applied.Index)
	}
	s.send(m, rd.Send)
	if rd.Persisted != nil {
		m.waiting = append(m.waiting, rd.Persisted)
	}
	for _, e := range rd.Committed {
		m.applied = ID{Index: e.GetIndex(), Term: e.GetTerm()}
		m.g.AppliedTo(m.applied)
		if IsConfChange(e) {
			cc, err := DecodeConfChange(e)
			if err != nil {
				panic(err)
			}
			m.conf = m.g.ApplyConfChange(cc)
			s.say("%d applied %s", m.id, describe(cc))
		} else if len(e.GetData()) > 0 {
			m.data = append(m.data, string(e.GetData()))
		}
	}
	m.g.Applied(rd)
	for _, p := range rd.Proposed {
		s.say("%d put proposal %d at %d, term %d", m.id, p.Token, p.At.Index, p.At.Term)
	}
	for _, tok := range rd.Lost {
		s.say("%d lost proposal %d", m.id, tok)
	}
	for _, r := range rd.Reads {
		s.say("%d confirmed read %d at %d", m.id, r.Token, r.Index)
	}
	for _, tok := range rd.ExpiredReads {
		s.say("%d gave up read %d", m.id, tok)
	}
}

func (s *script) send(from *member, msgs []*Message) {
	for _, msg := range msgs {
		to := s.byID(msg.GetTo())
		if s.mail {
			s.say("%s", letter(msg))
			continue
		}
		if to == nil || to.down || s.cut[from.id] || s.cut[to.id] {
			continue
		}
		to.inbox = append(to.inbox, proto.CloneOf(msg))
	}
}

func (s *script) status() {
	for _, m := range s.peers {
		if m.down {
			s.say("%d: down", m.id)
			continue
		}
		s.say("%d: term %d leader %d log (%d,%d] applied %d %s data [%s]", m.id, m.g.Term(), m.g.Leader(),
			m.g.Truncated().Index, m.g.LastIndex(), m.applied.Index, FormatConf(m.conf), strings.Join(m.data, " "))
	}
}
