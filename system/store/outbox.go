package store

import (
	"ordeal/proto/ordealpb"
	"ordeal/proto/wire"
	"ordeal/world"
)

// outbox gathers a turn's messages by destination, in order of first use, into one packet for each store. Raft messages, of
// which there are many, are encoded as they come.
type outbox struct {
	packets []outPacket
	// room is what the longest packet of the last turn took: the next one is likely to take as much.
	room int
}

type outPacket struct {
	to   world.Addr
	raft []byte
	// rest is everything that is no Raft message; nil is nothing.
	rest *ordealpb.StorePacket
}

// packetMin and packetMax bound what a packet has room for at first, in bytes.
const (
	packetMin = 256
	packetMax = 256 << 10
)

func (o *outbox) add(to world.Addr, m *ordealpb.RaftMessage) {
	p := o.at(to)
	if p.raft == nil {
		p.raft = make([]byte, 0, min(max(o.room+o.room/8, packetMin), packetMax))
	}
	p.raft = wire.AppendRaft(p.raft, m)
}

// packet returns what is gathered for a store besides Raft messages.
func (o *outbox) packet(to world.Addr) *ordealpb.StorePacket {
	p := o.at(to)
	if p.rest == nil {
		p.rest = &ordealpb.StorePacket{}
	}
	return p.rest
}

func (o *outbox) at(to world.Addr) *outPacket {
	for i := range o.packets {
		if o.packets[i].to == to {
			return &o.packets[i]
		}
	}
	o.packets = append(o.packets, outPacket{to: to})
	return &o.packets[len(o.packets)-1]
}

// payload encodes the packet.
func (p *outPacket) payload() []byte {
	if p.rest == nil {
		return p.raft
	}
	return append(p.raft, mustMarshal(p.rest)...)
}

func (o *outbox) take() []outPacket {
	p := o.packets
	o.packets = nil
	if len(p) > 0 {
		o.room = 0
	}
	for i := range p {
		o.room = max(o.room, len(p[i].raft))
	}
	return p
}
