package wire

import (
	"google.golang.org/protobuf/proto"

	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
)

// MarshalCommand writes a command.
func MarshalCommand(c *ordealpb.Command) []byte {
	if c.GetAdmin() != nil {
		return marshal(nil, c)
	}
	n := 0
	if e := c.GetEpoch(); e != nil {
		n += sizeMessage(sizeEpoch(e))
	}
	for _, op := range c.GetOps() {
		if len(op.GetPairs()) > 0 {
			return marshal(nil, c)
		}
		n += sizeMessage(sizeOp(op))
	}
	b := appendEpoch(make([]byte, 0, n), 1, c.GetEpoch())
	for _, op := range c.GetOps() {
		b = appendHead(b, 2, sizeOp(op))
		b = appendUint(b, 1, uint64(op.GetKind()))
		b = appendBytes(b, 2, op.GetKey())
		b = appendBytes(b, 3, op.GetValue())
		b = appendBool(b, 4, op.GetExpectAbsent())
		b = appendBytes(b, 5, op.GetExpect())
	}
	return b
}

func sizeOp(op *ordealpb.Op) int {
	return sizeUint(uint64(op.GetKind())) + sizeBytes(op.GetKey()) + sizeBytes(op.GetValue()) +
		sizeBool(op.GetExpectAbsent()) + sizeBytes(op.GetExpect())
}

// commandBox is a command with its epoch.
type commandBox struct {
	c     ordealpb.Command
	epoch metapb.RegionEpoch
}

// CommandReader reads commands, one after the other, and has their operations in the same memory each time. Its zero value
// is ready.
type CommandReader struct {
	// ops are those that the last command may have used, and of points to all there are.
	ops []ordealpb.Op
	of  []*ordealpb.Op
}

// Unmarshal reads a command. The operations in it are there until the next call; what their fields refer to lies in b.
func (cr *CommandReader) Unmarshal(b []byte) (*ordealpb.Command, error) {
	if c := cr.read(b); c != nil {
		return c, nil
	}
	c := &ordealpb.Command{}
	return c, proto.Unmarshal(b, c)
}

// read returns nil for what it leaves to protobuf.
func (cr *CommandReader) read(b []byte) *ordealpb.Command {
	n := 0
	for r := (reader{b: b}); ; {
		k := r.next()
		if k == 0 {
			if r.bad {
				return nil
			}
			break
		}
		if k != key(1, length) && k != key(2, length) {
			return nil
		}
		r.bytes()
		n++
	}
	x := &commandBox{}
	clear(cr.ops)
	if n > cap(cr.ops) {
		cr.ops, cr.of = make([]ordealpb.Op, n), make([]*ordealpb.Op, n)
		for i := range cr.ops {
			cr.of[i] = &cr.ops[i]
		}
	}
	cr.ops = cr.ops[:n]
	used := 0
	r := reader{b: b}
	for k := r.next(); k != 0; k = r.next() {
		if k == key(1, length) {
			r.check(readEpoch(r.message(1), &x.epoch))
			x.c.Epoch = &x.epoch
			continue
		}
		r.check(readOp(r.bytes(), cr.of[used]))
		used++
	}
	if used > 0 {
		x.c.Ops = cr.of[:used:used]
	}
	if r.bad {
		return nil
	}
	return &x.c
}

func readOp(b []byte, op *ordealpb.Op) bool {
	r := reader{b: b}
	for k := r.next(); k != 0; k = r.next() {
		switch k {
		case key(1, varint):
			op.Kind = ordealpb.Op_Kind(r.uint())
		case key(2, length):
			op.Key = r.bytes()
		case key(3, length):
			op.Value = r.bytes()
		case key(4, varint):
			op.ExpectAbsent = r.uint() != 0
		case key(5, length):
			op.Expect = r.bytes()
		default:
			r.bad = true
		}
	}
	return !r.bad
}
