package region

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/proto/errorpb"
	"ordeal/proto/metapb"
)

func TestInRange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		key, start, end string
		want            bool
	}{
		{"b", "a", "c", true},
		{"a", "a", "c", true},  // the start is in
		{"c", "a", "c", false}, // the end is not
		{"", "", "", true},
		{"", "", "a", true},
		{"", "a", "", false},
		{"zzz", "a", "", true},
		{"a\x00", "a", "a\x00", false},
		{"a", "a", "a\x00", true},
	} {
		got := InRange([]byte(c.key), []byte(c.start), []byte(c.end))
		require.Equalf(t, c.want, got, "%q in [%q,%q)", c.key, c.start, c.end)
		r := &metapb.Region{StartKey: []byte(c.start), EndKey: []byte(c.end)}
		require.Equal(t, c.want, Contains(r, []byte(c.key)))
	}
}

func TestOverlaps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b [2]string
		want bool
	}{
		{[2]string{"", ""}, [2]string{"", ""}, true},
		{[2]string{"a", "b"}, [2]string{"b", "c"}, false},
		{[2]string{"a", "c"}, [2]string{"b", "c"}, true},
		{[2]string{"a", "d"}, [2]string{"b", "c"}, true},
		{[2]string{"", "b"}, [2]string{"b", ""}, false},
		{[2]string{"", "b"}, [2]string{"", "a"}, true},
		{[2]string{"m", ""}, [2]string{"z", ""}, true},
		{[2]string{"m", ""}, [2]string{"a", "m"}, false},
	} {
		s := func(k string) []byte { return []byte(k) }
		require.Equalf(t, c.want, Overlaps(s(c.a[0]), s(c.a[1]), s(c.b[0]), s(c.b[1])), "%v", c)
		require.Equalf(t, c.want, Overlaps(s(c.b[0]), s(c.b[1]), s(c.a[0]), s(c.a[1])), "%v swapped", c)
	}
}

func TestEpochs(t *testing.T) {
	t.Parallel()
	e := func(confVer, version uint64) *metapb.RegionEpoch {
		return &metapb.RegionEpoch{ConfVer: confVer, Version: version}
	}
	for _, c := range []struct {
		req, cur         *metapb.RegionEpoch
		confVer, version bool
		want             bool
	}{
		{e(1, 1), e(1, 1), true, true, true},
		{e(1, 1), e(2, 1), true, false, false},
		{e(1, 1), e(2, 1), false, true, true},
		{e(1, 1), e(1, 2), false, true, false},
		{e(1, 1), e(1, 2), true, false, true},
		{e(1, 3), e(1, 2), true, true, false}, // from the future
		{nil, e(1, 1), true, true, false},
		{nil, e(0, 0), true, true, false},
		{nil, e(1, 1), false, false, true},
	} {
		require.Equalf(t, c.want, CheckEpoch(c.req, c.cur, c.confVer, c.version), "%v", c)
	}
	require.True(t, StaleEpoch(e(1, 1), e(2, 1)))
	require.True(t, StaleEpoch(e(1, 1), e(1, 2)))
	require.True(t, StaleEpoch(e(2, 1), e(1, 2)))
	require.True(t, StaleEpoch(nil, e(1, 1)))
	require.False(t, StaleEpoch(e(1, 1), e(1, 1)))
	require.False(t, StaleEpoch(e(2, 2), e(1, 1)))
	require.True(t, SameEpoch(e(2, 2), e(2, 2)))
	require.False(t, SameEpoch(e(2, 2), e(2, 1)))
	require.False(t, SameEpoch(e(2, 2), e(1, 2)))
}

func sample() *metapb.Region {
	return &metapb.Region{
		Id: 1001, StartKey: []byte("a"), EndKey: []byte("m"),
		RegionEpoch: &metapb.RegionEpoch{ConfVer: 3, Version: 2},
		Peers: []*metapb.Peer{
			{Id: 1002, StoreId: 1}, {Id: 1003, StoreId: 2}, {Id: 1004, StoreId: 3, Role: metapb.PeerRole_Learner},
		},
	}
}

func TestPeers(t *testing.T) {
	t.Parallel()
	r := sample()
	require.Equal(t, uint64(1003), FindPeer(r, 2).GetId())
	require.Nil(t, FindPeer(r, 9))
	require.Equal(t, uint64(3), FindPeerByID(r, 1004).GetStoreId())
	require.Nil(t, FindPeerByID(r, 2))
	require.Nil(t, FindPeer(nil, 1))

	c := Clone(r)
	require.Nil(t, RemovePeer(c, 9))
	require.Len(t, c.GetPeers(), 3)
	require.Equal(t, uint64(1003), RemovePeer(c, 2).GetId())
	require.Equal(t, "r1001 [a,m) v2 c3 {s1:1002,s3:1004(Learner)}", Format(c))
	require.Equal(t, "r1001 [a,m) v2 c3 {s1:1002,s2:1003,s3:1004(Learner)}", Format(r), "a clone shares nothing")
	require.Nil(t, Clone(nil))
}

func TestFormat(t *testing.T) {
	t.Parallel()
	require.Equal(t, "no region", Format(nil))
	require.Equal(t, "no peer", FormatPeer(nil))
	require.Equal(t, "r7 [,) v0 c0 {}", Format(&metapb.Region{Id: 7}))
	require.Equal(t, "user/1:x_2-3.y", FormatKey([]byte("user/1:x_2-3.y")))
	require.Equal(t, `"a,b"`, FormatKey([]byte("a,b")))
	require.Equal(t, `"\x00\xff"`, FormatKey([]byte{0, 0xff}))
	require.Equal(t, "k", FormatKey([]byte("k")))
	long := bytes.Repeat([]byte("k"), MaxKeySize)
	require.Equal(t, string(long[:formatKeyMax])+"..(4096 B)", FormatKey(long))
}

func TestErrors(t *testing.T) {
	t.Parallel()
	r := sample()
	for _, c := range []struct {
		err      *errorpb.Error
		want     string
		definite bool
	}{
		{NotLeader(7, r.GetPeers()[1]), "not the leader of region 7: its leader is s2:1003", true},
		{NotLeader(7, nil), "not the leader of region 7: its leader is not known here", true},
		{EpochNotMatch(r), "the region has changed since it was looked up, now: " + Format(r), true},
		{RegionNotFound(7), "region 7 has no peer on this store", true},
		{KeyNotInRegion([]byte("z"), r), "key z is not in " + Format(r), true},
		{ServerIsBusy("inbox full"), "the store is busy: inbox full", true},
		{ProposalInMergingMode(7), "region 7 is being merged", true},
		{StaleCommand(), "the request was overtaken by a new leader and not applied", true},
		{StoreNotMatch(1, 2), "the request is for store 1, this is store 2", true},
		{MismatchPeerID(1, 2), "the request is for peer 1, this store has peer 2", true},
		{
			RaftEntryTooLarge(7, 9<<20),
			"the request to region 7 makes a log entry of 9437184 B, at most 8388608 B are allowed", true,
		},
		{UndeterminedResult("leader changed"), "the outcome is not known: leader changed", false},
		{&errorpb.Error{Message: "a reason from the future"}, "a reason from the future", false},
	} {
		require.Equal(t, c.want, c.err.GetMessage())
		require.Equal(t, c.definite, Definite(c.err), c.want)
	}
	require.False(t, Definite(nil))
	both := NotLeader(7, nil)
	both.UndeterminedResult = &errorpb.UndeterminedResult{}
	require.False(t, Definite(both), "the worst reason counts")

	k := KeyNotInRegion([]byte("z"), r).GetKeyNotInRegion()
	require.Equal(t, uint64(1001), k.GetRegionId())
	require.Equal(t, "m", string(k.GetEndKey()))
}
