package wire

import (
	"google.golang.org/protobuf/proto"

	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
)

// packetRaft is the field of a StorePacket that holds Raft messages.
const packetRaft = 1

// AppendRaft appends a message to a packet that is being put together from its fields. A packet is a sequence of fields,
// so that other parts of it, marshalled, may be appended before and after.
func AppendRaft(packet []byte, m *ordealpb.RaftMessage) []byte {
	if m.GetExtra() != nil {
		return marshal(packet, &ordealpb.StorePacket{Raft: []*ordealpb.RaftMessage{m}})
	}
	n := sizeUint(m.GetRegionId()) + sizeBytes(m.GetStartKey()) + sizeBytes(m.GetEndKey()) +
		sizeBool(m.GetIsTombstone()) + sizeBytes(m.GetMessage())
	if p := m.GetFromPeer(); p != nil {
		n += sizeMessage(sizePeer(p))
	}
	if p := m.GetToPeer(); p != nil {
		n += sizeMessage(sizePeer(p))
	}
	if e := m.GetRegionEpoch(); e != nil {
		n += sizeMessage(sizeEpoch(e))
	}
	b := appendHead(packet, packetRaft, n)
	b = appendUint(b, 1, m.GetRegionId())
	b = appendPeer(b, 2, m.GetFromPeer())
	b = appendPeer(b, 3, m.GetToPeer())
	b = appendEpoch(b, 4, m.GetRegionEpoch())
	b = appendBytes(b, 5, m.GetStartKey())
	b = appendBytes(b, 6, m.GetEndKey())
	b = appendBool(b, 7, m.GetIsTombstone())
	return appendBytes(b, 8, m.GetMessage())
}

// raftBox is a message with what is in it.
type raftBox struct {
	m        ordealpb.RaftMessage
	from, to metapb.Peer
	epoch    metapb.RegionEpoch
}

// UnmarshalPacket reads a packet.
func UnmarshalPacket(b []byte) (*ordealpb.StorePacket, error) {
	n, ok := countRaft(b)
	if ok {
		p := &ordealpb.StorePacket{}
		if readPacket(b, n, p) {
			return p, nil
		}
	}
	p := &ordealpb.StorePacket{}
	return p, proto.Unmarshal(b, p)
}

// countRaft returns how many messages there are in a packet, if it has nothing else.
func countRaft(b []byte) (n int, ok bool) {
	r := reader{b: b}
	for k := r.next(); k != 0; k = r.next() {
		if k != key(packetRaft, length) {
			return 0, false
		}
		r.bytes()
		n++
	}
	return n, n > 0 && !r.bad
}

func readPacket(b []byte, n int, p *ordealpb.StorePacket) bool {
	boxes := make([]raftBox, n)
	p.Raft = make([]*ordealpb.RaftMessage, n)
	r := reader{b: b}
	for i := range boxes {
		r.next()
		if !readRaft(r.bytes(), &boxes[i]) {
			return false
		}
		p.Raft[i] = &boxes[i].m
	}
	return true
}

func readRaft(b []byte, x *raftBox) bool {
	r := reader{b: b}
	m := &x.m
	for k := r.next(); k != 0; k = r.next() {
		switch k {
		case key(1, varint):
			m.RegionId = r.uint()
		case key(2, length):
			r.check(readPeer(r.message(2), &x.from))
			m.FromPeer = &x.from
		case key(3, length):
			r.check(readPeer(r.message(3), &x.to))
			m.ToPeer = &x.to
		case key(4, length):
			r.check(readEpoch(r.message(4), &x.epoch))
			m.RegionEpoch = &x.epoch
		case key(5, length):
			m.StartKey = r.bytes()
		case key(6, length):
			m.EndKey = r.bytes()
		case key(7, varint):
			m.IsTombstone = r.uint() != 0
		case key(8, length):
			m.Message = r.bytes()
		default:
			r.bad = true
		}
	}
	return !r.bad
}
