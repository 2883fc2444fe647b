package client

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"ordeal/proto/errorpb"
	"ordeal/proto/kvrpcpb"
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/system/region"
	"ordeal/world"
)

var pdAddr = world.Addr{Node: 100}

// answer is what a scripted store does with a request.
type answer func(*ordealpb.Request) (*ordealpb.Response, error)

// script is a Proc whose stores answer as told; after that every answer is a success. Time passes only in waits.
type script struct {
	now     world.Time
	rand    *rand.Rand
	region  *metapb.Region
	answers []answer
	// asked are the stores that were called, in order; pdAsked counts the calls to the placement driver.
	asked   []uint64
	pdAsked int
	waited  time.Duration
}

func newScript(answers ...answer) *script {
	return &script{rand: rand.New(rand.NewPCG(1, 2)), region: testRegion(1, "", "", 1, 1), answers: answers}
}

func testRegion(id uint64, start, end string, version, confVer uint64) *metapb.Region {
	return &metapb.Region{
		Id: id, StartKey: []byte(start), EndKey: []byte(end),
		RegionEpoch: &metapb.RegionEpoch{Version: version, ConfVer: confVer},
		Peers:       []*metapb.Peer{{Id: id*10 + 1, StoreId: 1}, {Id: id*10 + 2, StoreId: 2}, {Id: id*10 + 3, StoreId: 3}},
	}
}

func (s *script) Now() world.Time       { return s.now }
func (s *script) Rand() *rand.Rand      { return s.rand }
func (s *script) Sleep(d time.Duration) { s.now, s.waited = s.now.Add(d), s.waited+d }

func (s *script) Call(to world.Addr, request []byte, timeout time.Duration) ([]byte, error) {
	if to == pdAddr {
		s.pdAsked++
		return s.servePD(request)
	}
	req := &ordealpb.Request{}
	if err := proto.Unmarshal(request, req); err != nil {
		return nil, err
	}
	s.asked = append(s.asked, uint64(to.Node))
	do := answer(succeed)
	if len(s.answers) > 0 {
		do, s.answers = s.answers[0], s.answers[1:]
	}
	resp, err := do(req)
	if err != nil {
		if err == world.ErrTimeout {
			s.now = s.now.Add(timeout)
		}
		return nil, err
	}
	return proto.Marshal(resp)
}

func (s *script) servePD(request []byte) ([]byte, error) {
	req := &ordealpb.PDRequest{}
	if err := proto.Unmarshal(request, req); err != nil {
		return nil, err
	}
	resp := &ordealpb.PDResponse{}
	if get := req.GetGetStore(); get != nil {
		store := &metapb.Store{Id: get.GetStoreId(), Address: world.Addr{Node: world.NodeID(get.GetStoreId())}.String()}
		resp.Body = &ordealpb.PDResponse_GetStore{GetStore: &pdpb.GetStoreResponse{Store: store}}
	} else {
		got := &pdpb.GetRegionResponse{Region: s.region, Leader: s.region.GetPeers()[0]}
		resp.Body = &ordealpb.PDResponse_GetRegion{GetRegion: got}
	}
	return proto.Marshal(resp)
}

func succeed(req *ordealpb.Request) (*ordealpb.Response, error) {
	return refusing(nil, "")(req)
}

// refusing answers with a region error, or with another one, or with success.
func refusing(e *errorpb.Error, reason string) answer {
	return func(req *ordealpb.Request) (*ordealpb.Response, error) {
		resp := &ordealpb.Response{}
		switch req.GetBody().(type) {
		case *ordealpb.Request_Get:
			resp.Body = &ordealpb.Response_Get{Get: &kvrpcpb.RawGetResponse{RegionError: e, Error: reason}}
		case *ordealpb.Request_Put:
			resp.Body = &ordealpb.Response_Put{Put: &kvrpcpb.RawPutResponse{RegionError: e, Error: reason}}
		case *ordealpb.Request_Cas:
			resp.Body = &ordealpb.Response_Cas{Cas: &kvrpcpb.RawCASResponse{RegionError: e, Error: reason, Succeed: true}}
		case *ordealpb.Request_Admin:
			resp.Body = &ordealpb.Response_Admin{Admin: &ordealpb.AdminResponse{RegionError: e}}
		}
		return resp, nil
	}
}

func failing(err error) answer {
	return func(*ordealpb.Request) (*ordealpb.Response, error) { return nil, err }
}

// ops are one operation of each class.
var ops = [4]func(*Client) error{
	read: func(c *Client) error { _, _, _, err := c.Get([]byte("k")); return err },
	write: func(c *Client) error {
		_, _, _, _, err := c.CompareAndSwap([]byte("k"), []byte("a"), false, []byte("b"))
		return err
	},
	split: func(c *Client) error { _, err := c.Split([]byte("k")); return err },
	admin: func(c *Client) error {
		r := testRegion(1, "", "", 1, 1)
		_, err := c.ChangePeer(r, pdpb.ConfChangeType_RemoveNode, r.GetPeers()[2])
		return err
	},
}

// What becomes of an operation whose first attempt fails and whose second would succeed.
const (
	retried = "retried"
	refusal = "not executed"
	lost    = "outcome unknown"
)

func TestPolicy(t *testing.T) {
	t.Parallel()
	newer := testRegion(1, "", "", 2, 1)
	wrongKind := func(*ordealpb.Request) (*ordealpb.Response, error) { return &ordealpb.Response{}, nil }
	for _, tc := range []struct {
		name                      string
		first                     answer
		read, write, split, admin string
	}{
		{"NotLeader with a hint", refusing(region.NotLeader(1, &metapb.Peer{Id: 12, StoreId: 2}), ""), retried, retried, retried, retried},
		{"NotLeader", refusing(region.NotLeader(1, nil), ""), retried, retried, retried, retried},
		{"NotLeader that names the one asked", refusing(region.NotLeader(1, &metapb.Peer{Id: 11, StoreId: 1}), ""), retried, retried, retried, retried},
		{"EpochNotMatch with news", refusing(region.EpochNotMatch(newer), ""), retried, retried, retried, refusal},
		{"EpochNotMatch", refusing(region.EpochNotMatch(), ""), retried, retried, retried, refusal},
		{"RegionNotFound", refusing(region.RegionNotFound(1), ""), retried, retried, retried, retried},
		{"RegionNotInitialized", refusing(&errorpb.Error{RegionNotInitialized: &errorpb.RegionNotInitialized{}}, ""), retried, retried, retried, retried},
		{"KeyNotInRegion", refusing(region.KeyNotInRegion([]byte("k"), newer), ""), retried, retried, retried, refusal},
		{"StoreNotMatch", refusing(region.StoreNotMatch(1, 2), ""), retried, retried, retried, retried},
		{"MismatchPeerId", refusing(region.MismatchPeerID(1, 2), ""), retried, retried, retried, retried},
		{"ServerIsBusy", refusing(region.ServerIsBusy("x"), ""), retried, retried, retried, retried},
		{"StaleCommand", refusing(region.StaleCommand(), ""), retried, retried, retried, retried},
		{"RaftEntryTooLarge", refusing(region.RaftEntryTooLarge(1, 9), ""), refusal, refusal, refusal, refusal},
		{"ReadIndexNotReady", refusing(&errorpb.Error{ReadIndexNotReady: &errorpb.ReadIndexNotReady{}}, ""), retried, retried, retried, retried},
		{"ProposalInMergingMode", refusing(&errorpb.Error{ProposalInMergingMode: &errorpb.ProposalInMergingMode{}}, ""), retried, retried, retried, retried},
		{"DiskFull", refusing(&errorpb.Error{DiskFull: &errorpb.DiskFull{}}, ""), retried, retried, retried, retried},
		{"UndeterminedResult", refusing(region.UndeterminedResult("x"), ""), retried, lost, lost, lost},
		{"UndeterminedResult beside another", refusing(&errorpb.Error{
			UndeterminedResult: &errorpb.UndeterminedResult{}, StaleCommand: &errorpb.StaleCommand{},
		}, ""), retried, lost, lost, lost},
		{"a reason of the future", refusing(&errorpb.Error{Message: "x"}, ""), retried, lost, lost, lost},
		{"refused", failing(world.ErrRefused), retried, retried, retried, retried},
		{"timeout", failing(world.ErrTimeout), retried, lost, lost, lost},
		{"reset", failing(world.ErrReset), retried, lost, lost, lost},
		{"another error", failing(errors.New("the cable is cut")), retried, lost, lost, lost},
		{"an answer to something else", wrongKind, retried, lost, lost, lost},
	} {
		want := [4]string{read: tc.read, write: tc.write, split: tc.split, admin: tc.admin}
		for class, do := range ops {
			s := newScript(tc.first)
			err := do(New(s, []world.Addr{pdAddr}, Options{}))
			got := outcome(err)
			require.Equal(t, want[class], got, "%s, class %d: %v", tc.name, class, err)
			calls := 1
			if got == retried {
				calls = 2
			}
			require.Len(t, s.asked, calls, "%s, class %d: %v", tc.name, class, err)
		}
	}
}

// outcome puts an error into words.
func outcome(err error) string {
	switch {
	case err == nil:
		return retried
	case strings.Contains(err.Error(), ErrOutcomeUnknown.Error()):
		return lost
	default:
		return refusal
	}
}

func TestRejectedRequest(t *testing.T) {
	t.Parallel()
	s := newScript(refusing(nil, "ttl is not supported"))
	_, err := New(s, []world.Addr{pdAddr}, Options{}).Put([]byte("k"), []byte("v"))
	require.ErrorIs(t, err, ErrNotExecuted)
	require.ErrorContains(t, err, "ttl is not supported")
	require.Len(t, s.asked, 1)
}

// TestPolicyIsComplete: a cause without a line in the table would be repeated for ever; and only what says for certain
// that nothing happened may be followed by a second attempt of anything but a read.
func TestPolicyIsComplete(t *testing.T) {
	t.Parallel()
	for c := range causes {
		for class, act := range policy[c] {
			require.NotZero(t, act, "cause %d, class %d", c, class)
		}
	}
	for _, c := range []cause{undetermined, unknownReason, timedOut, reset, malformed} {
		require.Equal(t, [4]action{nextPeer, unknown, unknown, unknown}, policy[c], "cause %d", c)
	}
}

func TestGiveUpAtTheDeadline(t *testing.T) {
	t.Parallel()
	for class, do := range ops {
		s := newScript()
		for range 10_000 {
			s.answers = append(s.answers, refusing(region.ServerIsBusy("full"), ""))
		}
		err := do(New(s, []world.Addr{pdAddr}, Options{OpTimeout: 3 * time.Second}))
		require.ErrorIs(t, err, ErrNotExecuted)
		require.ErrorContains(t, err, "full")
		require.LessOrEqual(t, s.waited, 3*time.Second)
		require.Greater(t, s.waited, 2*time.Second)
		require.InDelta(t, 25, len(s.asked), 15, "waits grow, class %d", class)
	}
}

// TestFirstPieceTakesTheTime: a scan goes on after its first piece, and may have no time left for the next.
func TestFirstPieceTakesTheTime(t *testing.T) {
	t.Parallel()
	s := newScript()
	s.answers = []answer{func(*ordealpb.Request) (*ordealpb.Response, error) {
		s.now = s.now.Add(3*time.Second - time.Millisecond)
		full := &kvrpcpb.KvPair{Key: []byte("a"), Value: make([]byte, region.ScanBytesMax)}
		return &ordealpb.Response{Body: &ordealpb.Response_Scan{Scan: &kvrpcpb.RawScanResponse{Kvs: []*kvrpcpb.KvPair{full}}}}, nil
	}}
	_, _, err := New(s, []world.Addr{pdAddr}, Options{OpTimeout: 3 * time.Second}).Scan(nil, nil, 10)
	require.ErrorIs(t, err, ErrNotExecuted)
	require.ErrorContains(t, err, "after 1 attempts in 2.999s, the last: only 1ms left for the next request")
	require.Len(t, s.asked, 1)
}

// TestPingPong: two stores that take each other for the leader must not make the client run in circles.
func TestPingPong(t *testing.T) {
	t.Parallel()
	s := newScript()
	for range 10_000 {
		s.answers = append(s.answers,
			refusing(region.NotLeader(1, &metapb.Peer{Id: 12, StoreId: 2}), ""),
			refusing(region.NotLeader(1, &metapb.Peer{Id: 11, StoreId: 1}), ""))
	}
	_, _, _, err := New(s, []world.Addr{pdAddr}, Options{}).Get([]byte("k"))
	require.ErrorIs(t, err, ErrNotExecuted)
	require.Less(t, len(s.asked), 100)
}

// TestNextPeer: without a hint all peers are asked in turn, then the placement driver.
func TestNextPeer(t *testing.T) {
	t.Parallel()
	none := refusing(region.NotLeader(1, nil), "")
	s := newScript(none, none, none, none)
	_, err := New(s, []world.Addr{pdAddr}, Options{}).Put([]byte("k"), []byte("v"))
	require.NoError(t, err)
	require.Equal(t, []uint64{1, 2, 3, 1, 2}, s.asked)
	require.Equal(t, 2+3, s.pdAsked, "the region twice, the address of each store once")
}

// TestAnswerEndsTheSearch: peers that were asked in vain before an answer do not count afterwards.
func TestAnswerEndsTheSearch(t *testing.T) {
	t.Parallel()
	none := refusing(region.NotLeader(1, nil), "")
	s := newScript(none, succeed, none, none)
	c := New(s, []world.Addr{pdAddr}, Options{})
	for range 2 {
		_, err := c.Put([]byte("k"), []byte("v"))
		require.NoError(t, err)
	}
	require.Equal(t, []uint64{1, 2, 2, 3, 1}, s.asked)
	require.Equal(t, 1+3, s.pdAsked, "the region once, the address of each store once")
}

// TestLostWriteTurnsAway: a write whose answer is lost is not sent again, but the next one goes to another peer.
func TestLostWriteTurnsAway(t *testing.T) {
	t.Parallel()
	s := newScript(failing(world.ErrTimeout))
	c := New(s, []world.Addr{pdAddr}, Options{})
	_, err := c.Put([]byte("k"), []byte("1"))
	require.ErrorIs(t, err, ErrOutcomeUnknown)
	require.ErrorIs(t, err, world.ErrTimeout)
	_, err = c.Put([]byte("k"), []byte("2"))
	require.NoError(t, err)
	require.Equal(t, []uint64{1, 2}, s.asked)
}

// TestSplitWhereARegionBegins: the store has nowhere else to send the client, so asking again would not end.
func TestSplitWhereARegionBegins(t *testing.T) {
	t.Parallel()
	s := newScript()
	s.region = testRegion(1, "k", "", 1, 1)
	for range 10 {
		s.answers = append(s.answers, refusing(region.KeyNotInRegion([]byte("k"), s.region), ""))
	}
	_, err := New(s, []world.Addr{pdAddr}, Options{}).Split([]byte("k"))
	require.ErrorIs(t, err, ErrNotExecuted)
	require.Len(t, s.asked, 1)
}

func TestBusyStoreSaysHowLong(t *testing.T) {
	t.Parallel()
	s := newScript(refusing(&errorpb.Error{ServerIsBusy: &errorpb.ServerIsBusy{BackoffMs: 120}}, ""))
	_, err := New(s, []world.Addr{pdAddr}, Options{}).Put([]byte("k"), []byte("v"))
	require.NoError(t, err)
	require.Equal(t, 120*time.Millisecond, s.waited)
}

func TestInvalidArguments(t *testing.T) {
	t.Parallel()
	s := newScript()
	c := New(s, []world.Addr{pdAddr}, Options{})
	long, large := make([]byte, region.MaxKeySize+1), make([]byte, region.MaxValueSize+1)
	k, v := []byte("k"), []byte("v")
	get := func(key []byte) error { _, _, _, err := c.Get(key); return err }
	put := func(key, value []byte) error { _, err := c.Put(key, value); return err }
	del := func(key []byte) error { _, err := c.Delete(key); return err }
	cas := func(key, expect, value []byte) error {
		_, _, _, _, err := c.CompareAndSwap(key, expect, false, value)
		return err
	}
	cad := func(key, expect []byte) error { _, _, _, _, err := c.CompareAndDelete(key, expect); return err }
	scan := func(start, end string, limit int) error {
		_, _, err := c.Scan([]byte(start), []byte(end), limit)
		return err
	}
	splitAt := func(key []byte) error { _, err := c.Split(key); return err }
	for want, errs := range map[string][]error{
		"empty": {get(nil), put(nil, v), del(nil), cas(nil, v, v), cad(nil, v), splitAt(nil), scan("b", "a", 1), scan("a", "a", 1)},
		"at most": {
			get(long), put(long, v), put(k, large), del(long), cas(long, v, v), cas(k, large, v), cas(k, v, large),
			cad(long, v), cad(k, large), splitAt(long),
		},
		"limit":       {scan("a", "b", 0), scan("a", "b", -1)},
		"longer than": {scan("a", string(long)+"a", 1)},
	} {
		for i, err := range errs {
			require.ErrorIs(t, err, ErrInvalid, "%s %d", want, i)
			if want != "longer than" {
				require.ErrorContains(t, err, want, "%s %d", want, i)
			}
		}
	}
	require.Empty(t, s.asked)
	require.NoError(t, put(k, nil), "an empty value is a value")
}

func TestBatchSplitKeys(t *testing.T) {
	t.Parallel()
	s := newScript()
	c := New(s, []world.Addr{pdAddr}, Options{})
	for _, keys := range [][][]byte{nil, {[]byte("b"), []byte("a")}, {[]byte("a"), []byte("a")}, {nil}, make([][]byte, region.SplitKeysMax+1)} {
		_, err := c.BatchSplit(keys, false)
		require.ErrorIs(t, err, ErrInvalid, "%q", keys)
	}
	require.Empty(t, s.asked)

	// Keys in two regions can't be cut at once, however often one asks.
	s = newScript()
	s.region = testRegion(1, "k", "p", 1, 1)
	s.answers = append(s.answers, refusing(region.KeyNotInRegion([]byte("q"), s.region), ""))
	_, err := New(s, []world.Addr{pdAddr}, Options{}).BatchSplit([][]byte{[]byte("m"), []byte("q")}, true)
	require.ErrorIs(t, err, ErrNotExecuted)
	require.Len(t, s.asked, 1)
}
