package store

import (
	"ordeal/proto/ordealpb"
	"ordeal/proto/wire"
)

// outbox gathers a turn's messages by destination, in order of first use, into one packet for each store. Raft messages, of
// which there are many, are encoded as they come.
type outbox struct {
	packets []outPacket
}

type outPacket struct {
	store uint64
	raft  []byte
	// rest is everything that is no Raft message; nil is nothing.
	rest *ordealpb.StorePacket
}

// packetBytes is what a packet has room for at first.
const packetBytes = 1 << 10

func (o *outbox) add(store uint64, m *ordealpb.RaftMessage) {
	p := o.at(store)
	if p.raft == nil {
		p.raft = make([]byte, 0, packetBytes)
	}
	p.raft = wire.AppendRaft(p.raft, m)
}

// packet returns what is gathered for a store besides Raft messages.
func (o *outbox) packet(store uint64) *ordealpb.StorePacket {
	p := o.at(store)
	if p.rest == nil {
		p.rest = &ordealpb.StorePacket{}
	}
	return p.rest
}

func (o *outbox) at(store uint64) *outPacket {
	for i := range o.packets {
		if o.packets[i].store == store {
			return &o.packets[i]
		}
	}
	o.packets = append(o.packets, outPacket{store: store})
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
	return p
}
