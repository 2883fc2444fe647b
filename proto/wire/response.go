package wire

import (
	"google.golang.org/protobuf/proto"

	"ordeal/proto/kvrpcpb"
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
)

// fieldWitness is the field of a Response that says where it was made.
const fieldWitness = 7

// MarshalResponse writes a response. Protobuf puts what is in a oneof behind all else.
func MarshalResponse(m *ordealpb.Response) []byte {
	switch body := m.GetBody().(type) {
	case *ordealpb.Response_Get:
		g := body.Get
		if g == nil || m.GetError() != "" || g.GetRegionError() != nil || g.GetError() != "" {
			break
		}
		n := sizeBytes(g.GetValue()) + sizeBool(g.GetNotFound())
		b := appendWitness(make([]byte, 0, sizeMessage(n)+sizeWitness(m.GetWitness())), m.GetWitness())
		b = appendHead(b, bodyGet, n)
		return appendBool(appendBytes(b, 3, g.GetValue()), 4, g.GetNotFound())
	case *ordealpb.Response_Put:
		p := body.Put
		if p == nil || m.GetError() != "" || p.GetRegionError() != nil || p.GetError() != "" {
			break
		}
		b := appendWitness(make([]byte, 0, sizeMessage(0)+sizeWitness(m.GetWitness())), m.GetWitness())
		return appendHead(b, bodyPut, 0)
	}
	return marshal(nil, m)
}

func witnessBody(w *ordealpb.Witness) int {
	n := sizeUint(w.GetRegionId()) + sizeUint(w.GetTerm()) + sizeUint(w.GetApplyIndex()) + sizeUint(w.GetStoreId())
	if e := w.GetRegionEpoch(); e != nil {
		n += sizeMessage(sizeEpoch(e))
	}
	return n
}

func sizeWitness(w *ordealpb.Witness) int {
	if w == nil {
		return 0
	}
	return sizeMessage(witnessBody(w))
}

func appendWitness(b []byte, w *ordealpb.Witness) []byte {
	if w == nil {
		return b
	}
	b = appendHead(b, fieldWitness, witnessBody(w))
	b = appendUint(b, 1, w.GetRegionId())
	b = appendEpoch(b, 2, w.GetRegionEpoch())
	b = appendUint(b, 3, w.GetTerm())
	b = appendUint(b, 4, w.GetApplyIndex())
	return appendUint(b, 5, w.GetStoreId())
}

type witnessBox struct {
	w     ordealpb.Witness
	epoch metapb.RegionEpoch
}

type gotBox struct {
	m       ordealpb.Response
	of      ordealpb.Response_Get
	body    kvrpcpb.RawGetResponse
	witness witnessBox
}

type doneBox struct {
	m       ordealpb.Response
	of      ordealpb.Response_Put
	body    kvrpcpb.RawPutResponse
	witness witnessBox
}

// UnmarshalResponse reads a response.
func UnmarshalResponse(b []byte) (*ordealpb.Response, error) {
	var kind byte
	var body, witness []byte
	r := reader{b: b}
	for k := r.next(); k != 0; k = r.next() {
		switch k {
		case key(fieldWitness, length):
			witness = r.message(fieldWitness)
		case key(bodyGet, length), key(bodyPut, length):
			// A second body would take the place of the first.
			kind, body = k, r.message(bodyGet)
		default:
			r.bad = true
		}
	}
	switch {
	case r.bad:
	case kind == key(bodyGet, length):
		x := &gotBox{}
		x.m.Body, x.of.Get = &x.of, &x.body
		if readGot(body, &x.body) && readWitness(witness, &x.m, &x.witness) {
			return &x.m, nil
		}
	case kind == key(bodyPut, length) && len(body) == 0:
		x := &doneBox{}
		x.m.Body, x.of.Put = &x.of, &x.body
		if readWitness(witness, &x.m, &x.witness) {
			return &x.m, nil
		}
	}
	m := &ordealpb.Response{}
	return m, proto.Unmarshal(b, m)
}

func readGot(b []byte, g *kvrpcpb.RawGetResponse) bool {
	r := reader{b: b}
	for k := r.next(); k != 0; k = r.next() {
		switch k {
		case key(3, length):
			g.Value = r.bytes()
		case key(4, varint):
			g.NotFound = r.uint() != 0
		default:
			r.bad = true
		}
	}
	return !r.bad
}

// readWitness reads the witness of a response; nil is none.
func readWitness(b []byte, m *ordealpb.Response, x *witnessBox) bool {
	if b == nil {
		return true
	}
	m.Witness = &x.w
	r := reader{b: b}
	for k := r.next(); k != 0; k = r.next() {
		switch k {
		case key(1, varint):
			x.w.RegionId = r.uint()
		case key(2, length):
			r.check(readEpoch(r.message(2), &x.epoch))
			x.w.RegionEpoch = &x.epoch
		case key(3, varint):
			x.w.Term = r.uint()
		case key(4, varint):
			x.w.ApplyIndex = r.uint()
		case key(5, varint):
			x.w.StoreId = r.uint()
		default:
			r.bad = true
		}
	}
	return !r.bad
}
