package pd

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/pd/core"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
)

func emptyStore(id uint64, cancel bool) *ordealpb.PDRequest {
	return &ordealpb.PDRequest{Body: &ordealpb.PDRequest_EmptyStore{EmptyStore: &ordealpb.EmptyStoreRequest{StoreId: id, Cancel: cancel}}}
}

func (h *host) state(id uint64) core.StoreState {
	s, _ := h.m.cluster.Store(id, h.now)
	return s.State
}

func TestStoreIsEmptiedAndBuried(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(c *Config) { c.Schedulers = nil })
	h.found(4)
	h.report("r1 [,) v1 c4 {s1:2,s2:3,s3:4} leader=1 term=5")
	require.Nil(t, h.call(emptyStore(1, false)).GetEmptyStore().GetHeader().GetError())
	require.Equal(t, core.StoreOffline, h.state(1))

	// The decision survives, and so does the store's wish to be up again.
	h.crash(0)
	h.call(putStore(1))
	require.Equal(t, core.StoreOffline, h.state(1))
	h.advance(time.Second, 1, 2, 3, 4)
	add := h.report("r1 [,) v1 c4 {s1:2,s2:3,s3:4} leader=1 term=5")
	require.Equal(t, uint64(4), add.GetChangePeer().GetPeer().GetStoreId())
	h.advance(time.Second, 1, 2, 3, 4)
	require.Equal(t, core.StoreOffline, h.state(1), "it has a peer")

	// It is empty, but that is known from the disk alone: it may be old news.
	h.report("r1 [,) v1 c7 {s4:1004,s2:3,s3:4} leader=2 term=6")
	h.advance(time.Second, 1, 2, 3, 4)
	require.Equal(t, core.StoreTombstone, h.state(1))
	requireRefused(t, h, pdpb.ErrorType_STORE_TOMBSTONE, storeHeartbeat(1))
	requireRefused(t, h, pdpb.ErrorType_STORE_TOMBSTONE, putStore(1))
	requireRefused(t, h, pdpb.ErrorType_STORE_TOMBSTONE, emptyStore(1, true))
	h.crash(0)
	require.Equal(t, core.StoreTombstone, h.state(1))
}

func TestStoreIsNotBuriedOnOldNews(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(c *Config) { c.Schedulers = nil })
	h.found(4)
	h.report("r1 [,) v1 c4 {s2:3,s3:4,s4:5} leader=2 term=5")
	h.now = h.now.Add(time.Millisecond)
	h.call(emptyStore(1, false))
	h.advance(time.Second, 1, 2, 3, 4)
	require.Equal(t, core.StoreOffline, h.state(1), "nobody has reported since")
	h.report("r1 [,m) v2 c4 {s2:3,s3:4,s4:5} leader=2 term=5")
	h.advance(time.Second, 1, 2, 3, 4)
	require.Equal(t, core.StoreOffline, h.state(1), "what is at m may have a peer there")
	h.call(emptyStore(1, true))
	require.Equal(t, core.StoreUp, h.state(1))
	h.call(emptyStore(1, false))
	h.now = h.now.Add(time.Millisecond)
	h.report("r1 [,m) v2 c4 {s2:3,s3:4,s4:5} leader=2 term=5")
	h.report("r5 [m,) v2 c4 {s2:7,s3:8,s4:9} leader=2 term=5")
	h.advance(time.Second, 1, 2, 3, 4)
	require.Equal(t, core.StoreTombstone, h.state(1))

	// Regions need somewhere to live.
	requireRefused(t, h, pdpb.ErrorType_INVALID_VALUE, emptyStore(2, false))
	requireRefused(t, h, pdpb.ErrorType_ENTRY_NOT_FOUND, emptyStore(9, false))
	// Its address is free for another store, but its id is not.
	again := putStore(1)
	again.GetPutStore().GetStore().Id = 5
	require.Nil(t, h.call(again).GetPutStore().GetHeader().GetError())
	twice := putStore(1)
	twice.GetPutStore().GetStore().Id = 6
	requireRefused(t, h, pdpb.ErrorType_DUPLICATED_ENTRY, twice)
}
