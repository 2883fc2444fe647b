package store

import (
	"bytes"
	"errors"
	"fmt"

	"ordeal/proto/errorpb"
	"ordeal/proto/kvrpcpb"
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/system/region"
)

// What this file says about requests depends on the request alone, and on the region that it is for.

// inner is the request of one kind in a Request, or nil.
func inner(body *ordealpb.Request) interface{ GetContext() *kvrpcpb.Context } {
	switch b := body.GetBody().(type) {
	case *ordealpb.Request_Get:
		return b.Get
	case *ordealpb.Request_BatchGet:
		return b.BatchGet
	case *ordealpb.Request_Scan:
		return b.Scan
	case *ordealpb.Request_Put:
		return b.Put
	case *ordealpb.Request_BatchPut:
		return b.BatchPut
	case *ordealpb.Request_Delete:
		return b.Delete
	case *ordealpb.Request_DeleteRange:
		return b.DeleteRange
	case *ordealpb.Request_Cas:
		return b.Cas
	case *ordealpb.Request_Admin:
		return b.Admin
	}
	return nil
}

func contextOf(body *ordealpb.Request) *kvrpcpb.Context {
	if r := inner(body); r != nil {
		return r.GetContext()
	}
	return nil
}

// isRead says whether a request leaves everything as it is and so may be answered by any peer.
func isRead(body *ordealpb.Request) bool {
	return body.GetGet() != nil || body.GetBatchGet() != nil || body.GetScan() != nil
}

// grows says whether a request is to write something that stays.
func grows(body *ordealpb.Request) bool {
	return body.GetPut() != nil || body.GetBatchPut() != nil || (body.GetCas() != nil && !body.GetCas().GetDelete())
}

// check says what is wrong with a data request, whichever region it is for.
func check(body *ordealpb.Request) error {
	if r, ok := inner(body).(interface{ GetCf() string }); ok && r.GetCf() != "" && r.GetCf() != "default" {
		return fmt.Errorf("there is no column family %q, only the default one", r.GetCf())
	}
	if body.GetPut().GetTtl() != 0 || len(body.GetBatchPut().GetTtls()) > 0 || body.GetCas().GetTtl() != 0 {
		return errors.New("pairs do not expire: no time to live is allowed")
	}
	switch b := body.GetBody().(type) {
	case *ordealpb.Request_Get:
		return region.CheckKey(b.Get.GetKey())
	case *ordealpb.Request_BatchGet:
		return region.CheckBatchGet(b.BatchGet.GetKeys())
	case *ordealpb.Request_Scan:
		if b.Scan.GetReverse() {
			return region.CheckRange(b.Scan.GetEndKey(), b.Scan.GetStartKey())
		}
		return region.CheckRange(b.Scan.GetStartKey(), b.Scan.GetEndKey())
	case *ordealpb.Request_Put:
		return errors.Join(region.CheckKey(b.Put.GetKey()), region.CheckValue(b.Put.GetValue()))
	case *ordealpb.Request_BatchPut:
		return region.CheckBatchPut(b.BatchPut.GetPairs())
	case *ordealpb.Request_Delete:
		return region.CheckKey(b.Delete.GetKey())
	case *ordealpb.Request_DeleteRange:
		return region.CheckRange(b.DeleteRange.GetStartKey(), b.DeleteRange.GetEndKey())
	case *ordealpb.Request_Cas:
		return errors.Join(region.CheckKey(b.Cas.GetKey()), region.CheckValue(b.Cas.GetValue()),
			region.CheckValue(b.Cas.GetPreviousValue()))
	}
	return errors.New("a request without a body")
}

// outside returns a key that a data request names and that does not lie in r. A scan need only begin there, seen from
// where it comes.
func outside(r *metapb.Region, body *ordealpb.Request) (key []byte, out bool) {
	switch b := body.GetBody().(type) {
	case *ordealpb.Request_Get:
		key = b.Get.GetKey()
	case *ordealpb.Request_Put:
		key = b.Put.GetKey()
	case *ordealpb.Request_Delete:
		key = b.Delete.GetKey()
	case *ordealpb.Request_Cas:
		key = b.Cas.GetKey()
	case *ordealpb.Request_BatchGet:
		for _, k := range b.BatchGet.GetKeys() {
			if !region.Contains(r, k) {
				return k, true
			}
		}
		return nil, false
	case *ordealpb.Request_BatchPut:
		for _, kv := range b.BatchPut.GetPairs() {
			if !region.Contains(r, kv.GetKey()) {
				return kv.GetKey(), true
			}
		}
		return nil, false
	case *ordealpb.Request_Scan:
		key = b.Scan.GetStartKey()
		if b.Scan.GetReverse() {
			return key, !region.EndsIn(r, key)
		}
	case *ordealpb.Request_DeleteRange:
		key = b.DeleteRange.GetStartKey()
		if end := b.DeleteRange.GetEndKey(); !region.EndsIn(r, end) {
			return end, true
		}
	}
	return key, !region.Contains(r, key)
}

// logged returns the operation that a request puts into the log, or nil for a read.
func logged(body *ordealpb.Request) *ordealpb.Op {
	switch b := body.GetBody().(type) {
	case *ordealpb.Request_Put:
		return &ordealpb.Op{Kind: ordealpb.Op_PUT, Key: b.Put.GetKey(), Value: b.Put.GetValue()}
	case *ordealpb.Request_BatchPut:
		op := &ordealpb.Op{Kind: ordealpb.Op_BATCH_PUT}
		for _, kv := range b.BatchPut.GetPairs() {
			op.Pairs = append(op.Pairs, &ordealpb.KeyValue{Key: kv.GetKey(), Value: kv.GetValue()})
		}
		return op
	case *ordealpb.Request_Delete:
		return &ordealpb.Op{Kind: ordealpb.Op_DELETE, Key: b.Delete.GetKey()}
	case *ordealpb.Request_DeleteRange:
		return &ordealpb.Op{
			Kind: ordealpb.Op_DELETE_RANGE, Key: b.DeleteRange.GetStartKey(), Value: b.DeleteRange.GetEndKey(),
		}
	case *ordealpb.Request_Cas:
		op := &ordealpb.Op{
			Kind: ordealpb.Op_COMPARE_AND_SWAP, Key: b.Cas.GetKey(), Value: b.Cas.GetValue(),
			Expect: b.Cas.GetPreviousValue(), ExpectAbsent: b.Cas.GetPreviousNotExist(),
		}
		if b.Cas.GetDelete() {
			op.Kind, op.Value = ordealpb.Op_COMPARE_AND_DELETE, nil
		}
		return op
	}
	return nil
}

// opOutside returns a key that an operation in the log would write and that does not lie in r.
func opOutside(r *metapb.Region, op *ordealpb.Op) (key []byte, out bool) {
	switch op.GetKind() {
	case ordealpb.Op_BATCH_PUT:
		for _, kv := range op.GetPairs() {
			if !region.Contains(r, kv.GetKey()) {
				return kv.GetKey(), true
			}
		}
		return nil, false
	case ordealpb.Op_DELETE_RANGE:
		if !region.EndsIn(r, op.GetValue()) {
			return op.GetValue(), true
		}
	}
	return op.GetKey(), !region.Contains(r, op.GetKey())
}

// opSize is the bytes of keys and values in an operation.
func opSize(op *ordealpb.Op) int {
	n := len(op.GetKey()) + len(op.GetValue()) + len(op.GetExpect())
	for _, kv := range op.GetPairs() {
		n += len(kv.GetKey()) + len(kv.GetValue())
	}
	return n
}

// failure is the response to a request of any kind that had no effect: the region refused it, or it is wrong in itself.
func failure(body *ordealpb.Request, err *errorpb.Error, wrong string) *ordealpb.Response {
	resp := &ordealpb.Response{}
	switch body.GetBody().(type) {
	case *ordealpb.Request_Get:
		resp.Body = &ordealpb.Response_Get{Get: &kvrpcpb.RawGetResponse{RegionError: err, Error: wrong}}
	case *ordealpb.Request_BatchGet:
		resp.Body = &ordealpb.Response_BatchGet{BatchGet: &kvrpcpb.RawBatchGetResponse{RegionError: err}}
		resp.Error = wrong
	case *ordealpb.Request_Scan:
		resp.Body = &ordealpb.Response_Scan{Scan: &kvrpcpb.RawScanResponse{RegionError: err}}
		resp.Error = wrong
	case *ordealpb.Request_Put:
		resp.Body = &ordealpb.Response_Put{Put: &kvrpcpb.RawPutResponse{RegionError: err, Error: wrong}}
	case *ordealpb.Request_BatchPut:
		resp.Body = &ordealpb.Response_BatchPut{BatchPut: &kvrpcpb.RawBatchPutResponse{RegionError: err, Error: wrong}}
	case *ordealpb.Request_Delete:
		resp.Body = &ordealpb.Response_Delete{Delete: &kvrpcpb.RawDeleteResponse{RegionError: err, Error: wrong}}
	case *ordealpb.Request_DeleteRange:
		resp.Body = &ordealpb.Response_DeleteRange{DeleteRange: &kvrpcpb.RawDeleteRangeResponse{RegionError: err, Error: wrong}}
	case *ordealpb.Request_Cas:
		resp.Body = &ordealpb.Response_Cas{Cas: &kvrpcpb.RawCASResponse{RegionError: err, Error: wrong}}
	case *ordealpb.Request_Admin:
		resp.Body = &ordealpb.Response_Admin{Admin: &ordealpb.AdminResponse{RegionError: err, Error: wrong}}
	default:
		resp.Error = wrong
	}
	return resp
}

// maxKey returns the larger of two keys.
func maxKey(a, b []byte) []byte {
	if bytes.Compare(a, b) >= 0 {
		return a
	}
	return b
}

// clipEnd returns the smaller of two ends of ranges, where an empty one is the end of the key space.
func clipEnd(a, b []byte) []byte {
	if len(a) == 0 || (len(b) > 0 && bytes.Compare(b, a) < 0) {
		return b
	}
	return a
}
