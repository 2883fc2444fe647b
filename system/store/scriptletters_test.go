package store

import (
	"fmt"
	"strings"

	"github.com/cockroachdb/datadriven"
	"google.golang.org/protobuf/proto"

	"ordeal/proto/ordealpb"
	"ordeal/raft"
	"ordeal/world"
)

// letter is one message under way from store to store, alone in its packet.
type letter struct {
	from, to world.NodeID
	// kind is the name of what it carries: MsgHeartbeat and the like, Tombstone, Chunk, ChunkAck, Hibernate, Consent,
	// Wake, Alive.
	kind   string
	region uint64
	// seq is the number of a chunk, or the one that is wanted.
	seq uint32
	pkt *ordealpb.StorePacket
}

// lettersOf takes a packet to pieces.
func lettersOf(from, to world.NodeID, pkt *ordealpb.StorePacket) []letter {
	var ls []letter
	for _, m := range pkt.GetRaft() {
		ls = append(ls, letter{from: from, to: to, kind: kindName(m), region: m.GetRegionId(),
			pkt: &ordealpb.StorePacket{Raft: []*ordealpb.RaftMessage{m}}})
	}
	if pkt.GetAlive() != nil {
		ls = append(ls, letter{from: from, to: to, kind: "Alive", pkt: &ordealpb.StorePacket{Alive: pkt.GetAlive()}})
	}
	for _, c := range pkt.GetSnapshotChunks() {
		ls = append(ls, letter{from: from, to: to, kind: "Chunk", region: c.GetRegionId(), seq: c.GetSeq(),
			pkt: &ordealpb.StorePacket{SnapshotChunks: []*ordealpb.SnapshotChunk{c}}})
	}
	for _, a := range pkt.GetSnapshotAcks() {
		ls = append(ls, letter{from: from, to: to, kind: "ChunkAck", region: a.GetRegionId(), seq: a.GetNext(),
			pkt: &ordealpb.StorePacket{SnapshotAcks: []*ordealpb.SnapshotAck{a}}})
	}
	for _, q := range pkt.GetMergeQueries() {
		ls = append(ls, letter{from: from, to: to, kind: "MergeQuery", region: q.GetSourceId(),
			pkt: &ordealpb.StorePacket{MergeQueries: []*ordealpb.MergeQuery{q}}})
	}
	for _, a := range pkt.GetMergeAnswers() {
		ls = append(ls, letter{from: from, to: to, kind: "MergeAnswer", region: a.GetSourceId(),
			pkt: &ordealpb.StorePacket{MergeAnswers: []*ordealpb.MergeAnswer{a}}})
	}
	return ls
}

// String describes the letter in a script's output.
func (l letter) String() string {
	what := l.kind
	if what == "Chunk" {
		what += fmt.Sprintf(" %d", l.seq)
	}
	return fmt.Sprintf("%s of region %d, s%d to s%d", what, l.region, l.from, l.to)
}

// trap says what to do with messages of one kind.
type trap struct {
	what     string // hold, copy or drop
	kind     string
	region   uint64
	from, to world.NodeID
	// seq is the number of the chunk that is meant; any is -1.
	seq  int
	once bool
}

func (t trap) fits(l letter) bool {
	return t.kind == l.kind && (t.region == 0 || t.region == l.region) && (t.from == 0 || t.from == l.from) &&
		(t.to == 0 || t.to == l.to) && (t.seq < 0 || t.seq == int(l.seq))
}

// letters: "hold KIND [region=] [from=] [to=] [seq=]" keeps such messages back, "copy" keeps a copy of the next one,
// "drop-next" loses the next one and "drop" all of them. "deliver-late" ends all that and delivers what was kept,
// "discard" throws it away; "deliver-late keep" leaves it to be delivered once more, "deliver-late reverse" begins with
// the last.
func (s *script) letters(d *datadriven.TestData) {
	switch d.Cmd {
	case "deliver-late", "discard":
		held := s.held
		if s.traps = nil; !d.HasArg("keep") {
			s.held = nil
		}
		for i := range held {
			l := held[i]
			if d.HasArg("reverse") {
				l = held[len(held)-1-i]
			}
			if d.Cmd == "deliver-late" {
				s.say("(late: %v)", l)
				s.deliver(l.from, l.to, l.pkt)
			}
		}
		return
	}
	t := trap{
		what: strings.TrimSuffix(d.Cmd, "-next"), kind: d.CmdArgs[0].Key, seq: -1,
		once: d.Cmd == "copy" || d.Cmd == "drop-next",
	}
	d.MaybeScanArgs(s.t, "region", &t.region)
	d.MaybeScanArgs(s.t, "seq", &t.seq)
	for _, a := range d.CmdArgs {
		switch a.Key {
		case "from":
			t.from = s.node(a.Vals[0])
		case "to":
			t.to = s.node(a.Vals[0])
		}
	}
	s.traps = append(s.traps, t)
}

// spring reports whether a message goes on, and does with it what the first trap that it fits says.
func (s *script) spring(l letter) bool {
	for i, t := range s.traps {
		if !t.fits(l) {
			continue
		}
		if t.once {
			s.traps = append(s.traps[:i:i], s.traps[i+1:]...)
		}
		if t.what == "hold" && s.holds(l) {
			return false // it is sent again for want of an answer
		}
		if t.what != "drop" {
			s.held = append(s.held, l)
		}
		s.say("(%s %v)", t.what, l)
		return t.what == "copy"
	}
	return true
}

// holds says whether a chunk that is kept back already is the same as l.
func (s *script) holds(l letter) bool {
	for _, h := range s.held {
		if l.kind == "Chunk" && h.from == l.from && h.to == l.to && proto.Equal(h.pkt, l.pkt) {
			return true
		}
	}
	return false
}

// kindName is the name of what a message carries, such as MsgHeartbeat, or Tombstone.
func kindName(m *ordealpb.RaftMessage) string {
	switch h := m.GetExtra().GetHibernate(); {
	case m.GetIsTombstone():
		return "Tombstone"
	case m.GetExtra().GetWake() != nil:
		return "Wake"
	case h.GetConsent():
		return "Consent"
	case h != nil:
		return "Hibernate"
	case m.GetExtra().GetHashReport() != nil:
		return "HashReport"
	case m.GetExtra().GetQuarantined() != nil:
		return "Quarantined"
	}
	msg := &raft.Message{}
	if err := proto.Unmarshal(m.GetMessage(), msg); err != nil {
		panic(err)
	}
	return msg.GetType().String()
}
