package wire

import (
	"google.golang.org/protobuf/proto"

	"ordeal/proto/kvrpcpb"
	"ordeal/proto/ordealpb"
)

// Fields of Request, the same in Response, that are read and written here.
const (
	bodyGet = 1
	bodyPut = 2
)

// MarshalRequest writes a request.
func MarshalRequest(m *ordealpb.Request) []byte {
	switch body := m.GetBody().(type) {
	case *ordealpb.Request_Get:
		g := body.Get
		if g == nil || g.GetContext() == nil || g.GetCf() != "" || !simple(g.GetContext()) {
			break
		}
		n := sizeMessage(sizeContext(g.GetContext())) + sizeBytes(g.GetKey())
		b := appendHead(make([]byte, 0, sizeMessage(n)), bodyGet, n)
		return appendBytes(appendContext(b, 1, g.GetContext()), 2, g.GetKey())
	case *ordealpb.Request_Put:
		p := body.Put
		if p == nil || p.GetContext() == nil || p.GetCf() != "" || p.GetTtl() != 0 || p.GetForCas() || !simple(p.GetContext()) {
			break
		}
		n := sizeMessage(sizeContext(p.GetContext())) + sizeBytes(p.GetKey()) + sizeBytes(p.GetValue())
		b := appendHead(make([]byte, 0, sizeMessage(n)), bodyPut, n)
		return appendBytes(appendBytes(appendContext(b, 1, p.GetContext()), 2, p.GetKey()), 3, p.GetValue())
	}
	return marshal(nil, m)
}

// getBox and putBox are requests with all that is in them.
type getBox struct {
	m    ordealpb.Request
	of   ordealpb.Request_Get
	body kvrpcpb.RawGetRequest
	ctx  contextBox
}

type putBox struct {
	m    ordealpb.Request
	of   ordealpb.Request_Put
	body kvrpcpb.RawPutRequest
	ctx  contextBox
}

// UnmarshalRequest reads a request.
func UnmarshalRequest(b []byte) (*ordealpb.Request, error) {
	r := reader{b: b}
	switch k := r.next(); k {
	case key(bodyGet, length), key(bodyPut, length):
		inner := r.bytes()
		if r.bad || len(r.b) > 0 {
			break
		}
		if k == key(bodyGet, length) {
			x := &getBox{}
			if readGet(inner, x) {
				return &x.m, nil
			}
			break
		}
		x := &putBox{}
		if readPut(inner, x) {
			return &x.m, nil
		}
	}
	m := &ordealpb.Request{}
	return m, proto.Unmarshal(b, m)
}

func readGet(b []byte, x *getBox) bool {
	r := reader{b: b}
	for k := r.next(); k != 0; k = r.next() {
		switch k {
		case key(1, length):
			r.check(readContext(r.message(1), &x.ctx))
			x.body.Context = &x.ctx.ctx
		case key(2, length):
			x.body.Key = r.bytes()
		default:
			r.bad = true
		}
	}
	x.of.Get = &x.body
	x.m.Body = &x.of
	return !r.bad
}

func readPut(b []byte, x *putBox) bool {
	r := reader{b: b}
	for k := r.next(); k != 0; k = r.next() {
		switch k {
		case key(1, length):
			r.check(readContext(r.message(1), &x.ctx))
			x.body.Context = &x.ctx.ctx
		case key(2, length):
			x.body.Key = r.bytes()
		case key(3, length):
			x.body.Value = r.bytes()
		default:
			r.bad = true
		}
	}
	x.of.Put = &x.body
	x.m.Body = &x.of
	return !r.bad
}
