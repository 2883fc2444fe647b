package clienttest

import (
	"ordeal/proto/errorpb"
	"ordeal/proto/kvrpcpb"
	"ordeal/proto/ordealpb"
	"ordeal/system/region"
	"ordeal/world"
)

// serveMany answers the operations on several keys of one region. They must all lie in it.
func (c *Cluster) serveMany(to world.Addr, req *ordealpb.Request, resp *ordealpb.Response) {
	switch b := req.GetBody().(type) {
	case *ordealpb.Request_BatchGet:
		r := &kvrpcpb.RawBatchGetResponse{}
		resp.Body = &ordealpb.Response_BatchGet{BatchGet: r}
		keys := b.BatchGet.GetKeys()
		r.RegionError = c.withAll(to, b.BatchGet.GetContext(), keys, resp, false, func(g *group) {
			for _, k := range keys {
				if v, ok := g.data.Get(string(k)); ok {
					r.Pairs = append(r.Pairs, &kvrpcpb.KvPair{Key: k, Value: v})
				}
			}
		})
	case *ordealpb.Request_BatchPut:
		r := &kvrpcpb.RawBatchPutResponse{}
		resp.Body = &ordealpb.Response_BatchPut{BatchPut: r}
		var keys [][]byte
		for _, p := range b.BatchPut.GetPairs() {
			keys = append(keys, p.GetKey())
		}
		r.RegionError = c.withAll(to, b.BatchPut.GetContext(), keys, resp, true, func(g *group) {
			for _, p := range b.BatchPut.GetPairs() {
				c.put(g, p.GetKey(), p.GetValue())
			}
		})
	case *ordealpb.Request_DeleteRange:
		r := &kvrpcpb.RawDeleteRangeResponse{}
		resp.Body = &ordealpb.Response_DeleteRange{DeleteRange: r}
		start, end := b.DeleteRange.GetStartKey(), b.DeleteRange.GetEndKey()
		r.RegionError = c.with(to, b.DeleteRange.GetContext(), start, resp, true, func(g *group) {
			var keys []string
			g.data.Ascend(string(start), func(k string, _ []byte) bool {
				if region.InRange([]byte(k), nil, end) {
					keys = append(keys, k)
				}
				return true
			})
			for _, k := range keys {
				g.data.Delete(k)
			}
		})
	}
}

func (c *Cluster) withAll(to world.Addr, ctx *kvrpcpb.Context, keys [][]byte, resp *ordealpb.Response, writes bool, do func(*group)) *errorpb.Error {
	for _, k := range keys[1:] {
		if g, err := c.check(to, ctx, keys[0], writes); err == nil && !region.Contains(g.meta, k) {
			return region.KeyNotInRegion(k, g.meta)
		}
	}
	return c.with(to, ctx, keys[0], resp, writes, do)
}

// firstOf is a key of the region that a scan begins in. One that goes downwards begins in front of its first border.
func firstOf(req *kvrpcpb.RawScanRequest) []byte {
	key := req.GetStartKey()
	switch {
	case !req.GetReverse():
		return key
	case len(key) == 0:
		return []byte{0xff}
	case key[len(key)-1] == 0:
		return key[:len(key)-1]
	}
	last := len(key) - 1
	return append(append([]byte(nil), key[:last]...), key[last]-1, 0xff, 0xff)
}

// scan stops at the same bounds as a real store.
func scan(g *group, req *kvrpcpb.RawScanRequest) []*kvrpcpb.KvPair {
	var pairs []*kvrpcpb.KvPair
	size := 0
	start, end := req.GetStartKey(), req.GetEndKey()
	if req.GetReverse() {
		start, end = end, start
	}
	take := func(k string, v []byte) bool {
		if size >= region.ScanBytesMax || len(pairs) >= min(int(req.GetLimit()), region.ScanLimitMax) {
			return false
		}
		pairs = append(pairs, &kvrpcpb.KvPair{Key: []byte(k), Value: v})
		size += len(k) + len(v)
		return true
	}
	if !req.GetReverse() {
		g.data.Ascend(string(start), func(k string, v []byte) bool { return region.InRange([]byte(k), nil, end) && take(k, v) })
		return pairs
	}
	g.data.Reverse(func(k string, v []byte) bool {
		if !region.InRange([]byte(k), nil, end) {
			return true // it lies behind what is asked for
		}
		return k >= string(start) && take(k, v)
	})
	return pairs
}
