package raft

import (
	"fmt"
	"strings"

	"github.com/cockroachdb/datadriven"
	"go.etcd.io/raft/v3/raftpb"

	"ordeal/system/engine"
)

// fill puts on a peer's disk what its line says, from an earlier life: its term, vote and commit index, and the entries
// behind InitialIndex by their terms. Entries of one index and term are equal.
func (s *script) fill(m *member, lines string) {
	for line := range strings.Lines(lines) {
		id, args, err := datadriven.ParseLine(line)
		if err != nil {
			panic(err)
		}
		if number(id) != m.id {
			continue
		}
		eng, err := m.disk.Open()
		if err != nil {
			panic(err)
		}
		b := eng.NewBatch()
		b.Put(engine.HardStateKey(1), mustMarshal(&raftpb.HardState{
			Term: new(value(args, "term")), Vote: new(value(args, "vote")), Commit: new(max(m.applied.Index, value(args, "commit"))),
		}))
		for _, e := range entries(m.trunc, args, "log") {
			b.Put(engine.RaftLogKey(1, e.GetIndex()), mustMarshal(e))
		}
		eng.Commit(b)
		m.durable = m.disk.Position()
		m.disk.Crash(m.durable, false)
	}
}

// values are what an argument has, none if it is not there.
func values(args []datadriven.CmdArg, name string) []string {
	for _, a := range args {
		if a.Key == name {
			return a.Vals
		}
	}
	return nil
}

// value is a number among the arguments, or 0.
func value(args []datadriven.CmdArg, name string) uint64 {
	if v := values(args, name); len(v) > 0 {
		return number(v[0])
	}
	return 0
}

// place is an argument of the form INDEX/TERM.
func place(args []datadriven.CmdArg, name string) ID {
	v := values(args, name)
	if len(v) == 0 {
		return ID{}
	}
	i, t, _ := strings.Cut(v[0], "/")
	return ID{Index: number(i), Term: number(t)}
}

// entries makes entries behind another one, by their terms.
func entries(after ID, args []datadriven.CmdArg, name string) []*Entry {
	var out []*Entry
	for i, v := range values(args, name) {
		at := ID{Index: after.Index + uint64(i) + 1, Term: number(v)}
		out = append(out, &Entry{Index: new(at.Index), Term: new(at.Term), Data: fmt.Appendf(nil, "%d/%d", at.Index, at.Term)})
	}
	return out
}

// step gives a peer a message: step N MsgType from=N term=N [after=INDEX/TERM] [entries=(TERM,...)] [commit=N] [reject]
// [voters=(N,...)], the last for a snapshot as of after. What it answers is printed and goes nowhere.
func (s *script) step(m *member, d *datadriven.TestData) {
	s.mail = true
	args := d.CmdArgs[2:]
	after := place(args, "after")
	msg := &Message{
		Type: raftpb.MessageType(raftpb.MessageType_value[d.CmdArgs[1].Key]).Enum(), To: new(m.id),
		From: new(value(args, "from")), Term: new(value(args, "term")), Commit: new(value(args, "commit")),
		Index: new(after.Index), LogTerm: new(after.Term), Entries: entries(after, args, "entries"),
		Reject: new(d.HasArg("reject")),
	}
	if msg.GetType() == raftpb.MsgSnap {
		conf := &ConfState{}
		for _, v := range values(args, "voters") {
			conf.Voters = append(conf.Voters, number(v))
		}
		msg.Snapshot = &raftpb.Snapshot{
			Data:     []byte("from a snapshot"),
			Metadata: &raftpb.SnapshotMetadata{Index: new(after.Index), Term: new(after.Term), ConfState: conf},
		}
	}
	m.g.Step(msg)
	s.settle()
}

// letter prints a message.
func letter(m *Message) string {
	out := fmt.Sprintf("%d>%d %s term %d", m.GetFrom(), m.GetTo(), m.GetType(), m.GetTerm())
	switch m.GetType() {
	case raftpb.MsgApp, raftpb.MsgVote, raftpb.MsgPreVote:
		out += fmt.Sprintf(" after %d/%d", m.GetIndex(), m.GetLogTerm())
	case raftpb.MsgAppResp:
		out += fmt.Sprintf(" index %d", m.GetIndex())
	case raftpb.MsgSnap:
		at := m.GetSnapshot().GetMetadata()
		out += fmt.Sprintf(" at %d/%d", at.GetIndex(), at.GetTerm())
	}
	for _, e := range m.GetEntries() {
		out += fmt.Sprintf(" +%d/%d", e.GetIndex(), e.GetTerm())
	}
	if c := m.GetCommit(); c != 0 {
		out += fmt.Sprintf(" commit %d", c)
	}
	if m.GetReject() {
		out += " reject"
	}
	return out
}

// logs prints what each peer has in its log, by index and term, and how far it knows that to be committed.
func (s *script) logs() {
	for _, m := range s.peers {
		var out strings.Builder
		list, _ := m.g.Entries(m.g.Truncated().Index, m.g.LastIndex())
		for _, e := range list {
			fmt.Fprintf(&out, " %d/%d", e.GetIndex(), e.GetTerm())
		}
		h := m.g.HardState()
		s.say("%d: term %d vote %d commit %d log%s", m.id, h.Term, h.Vote, h.Commit, out.String())
	}
}
