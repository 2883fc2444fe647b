package wire

import (
	"ordeal/proto/kvrpcpb"
	"ordeal/proto/metapb"
)

func sizeEpoch(e *metapb.RegionEpoch) int { return sizeUint(e.GetConfVer()) + sizeUint(e.GetVersion()) }

func appendEpoch(b []byte, field int, e *metapb.RegionEpoch) []byte {
	if e == nil {
		return b
	}
	b = appendHead(b, field, sizeEpoch(e))
	return appendUint(appendUint(b, 1, e.GetConfVer()), 2, e.GetVersion())
}

func readEpoch(b []byte, e *metapb.RegionEpoch) bool {
	r := reader{b: b}
	for k := r.next(); k != 0; k = r.next() {
		switch k {
		case key(1, varint):
			e.ConfVer = r.uint()
		case key(2, varint):
			e.Version = r.uint()
		default:
			r.bad = true
		}
	}
	return !r.bad
}

func sizePeer(p *metapb.Peer) int {
	return sizeUint(p.GetId()) + sizeUint(p.GetStoreId()) + sizeUint(uint64(p.GetRole()))
}

func appendPeer(b []byte, field int, p *metapb.Peer) []byte {
	if p == nil {
		return b
	}
	b = appendHead(b, field, sizePeer(p))
	return appendUint(appendUint(appendUint(b, 1, p.GetId()), 2, p.GetStoreId()), 3, uint64(p.GetRole()))
}

func readPeer(b []byte, p *metapb.Peer) bool {
	r := reader{b: b}
	for k := r.next(); k != 0; k = r.next() {
		switch k {
		case key(1, varint):
			p.Id = r.uint()
		case key(2, varint):
			p.StoreId = r.uint()
		case key(3, varint):
			p.Role = metapb.PeerRole(r.uint())
		default:
			r.bad = true
		}
	}
	return !r.bad
}

// contextBox is a context with what is in it, in one piece of memory.
type contextBox struct {
	ctx   kvrpcpb.Context
	epoch metapb.RegionEpoch
	peer  metapb.Peer
}

func readContext(b []byte, c *contextBox) bool {
	r := reader{b: b}
	for k := r.next(); k != 0; k = r.next() {
		switch k {
		case key(1, varint):
			c.ctx.RegionId = r.uint()
		case key(2, length):
			r.check(readEpoch(r.message(2), &c.epoch))
			c.ctx.RegionEpoch = &c.epoch
		case key(3, length):
			r.check(readPeer(r.message(3), &c.peer))
			c.ctx.Peer = &c.peer
		case key(5, varint):
			c.ctx.Term = r.uint()
		case key(12, varint):
			c.ctx.ReplicaRead = r.uint() != 0
		default:
			r.bad = true
		}
	}
	return !r.bad
}

// simple says that a context has only fields that are written here.
func simple(c *kvrpcpb.Context) bool {
	return c.GetMaxExecutionDurationMs() == 0 && !c.GetIsRetryRequest() && c.GetApiVersion() == 0 &&
		c.GetRequestSource() == "" && c.GetKeyspaceId() == 0 && c.GetClusterId() == 0
}

func sizeContext(c *kvrpcpb.Context) int {
	n := sizeUint(c.GetRegionId()) + sizeUint(c.GetTerm()) + sizeBool(c.GetReplicaRead())
	if e := c.GetRegionEpoch(); e != nil {
		n += sizeMessage(sizeEpoch(e))
	}
	if p := c.GetPeer(); p != nil {
		n += sizeMessage(sizePeer(p))
	}
	return n
}

func appendContext(b []byte, field int, c *kvrpcpb.Context) []byte {
	if c == nil {
		return b
	}
	b = appendHead(b, field, sizeContext(c))
	b = appendUint(b, 1, c.GetRegionId())
	b = appendEpoch(b, 2, c.GetRegionEpoch())
	b = appendPeer(b, 3, c.GetPeer())
	b = appendUint(b, 5, c.GetTerm())
	return appendBool(b, 12, c.GetReplicaRead())
}
