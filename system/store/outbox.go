package store

import (
	"ordeal/proto/ordealpb"
	"ordeal/proto/wire"
	"ordeal/world"
)

// outbox gathers a turn's messages by destination, in order of first use, into one packet for each store. Raft messages, of
// which there are many, are encoded as they come, into memory that is used again in the next turn.
type outbox struct {
	packets []outPacket
	free    [][]byte
}

type outPacket struct {
	to   world.Addr
	raft []byte
	// rest is everything that is no Raft message; nil is nothing.
	rest *ordealpb.StorePacket
}

// packetRoomMax is how many bytes of memory are kept for a packet to come.
const packetRoomMax = 256 << 10

func (o *outbox) add(to world.Addr, m *ordealpb.RaftMessage) {
	p := o.at(to)
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
	p := outPacket{to: to}
	if n := len(o.free); n > 0 {
		p.raft, o.free = o.free[n-1], o.free[:n-1]
	}
	o.packets = append(o.packets, p)
	return &o.packets[len(o.packets)-1]
}

// take empties the outbox and appends what was in it to sends, packet by packet.
func (o *outbox) take(sends []world.Send) []world.Send {
	for i := range o.packets {
		p := &o.packets[i]
		var rest []byte
		if p.rest != nil {
			rest = mustMarshal(p.rest)
		}
		payload := append(make([]byte, 0, len(p.raft)+len(rest)), p.raft...)
		sends = append(sends, world.Send{To: p.to, Payload: append(payload, rest...)})
		if cap(p.raft) <= packetRoomMax {
			o.free = append(o.free, p.raft[:0])
		}
	}
	clear(o.packets)
	o.packets = o.packets[:0]
	return sends
}
