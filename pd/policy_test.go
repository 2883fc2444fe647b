package pd

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
)

func policy(req *ordealpb.PolicyRequest) *ordealpb.PDRequest {
	return &ordealpb.PDRequest{Body: &ordealpb.PDRequest_Policy{Policy: req}}
}

func add(name string) *ordealpb.PDRequest {
	return policy(&ordealpb.PolicyRequest{Change: &ordealpb.PolicyRequest_Add{Add: name}})
}

func remove(name string) *ordealpb.PDRequest {
	return policy(&ordealpb.PolicyRequest{Change: &ordealpb.PolicyRequest_Remove{Remove: name}})
}

func pause(name string, d time.Duration) *ordealpb.PDRequest {
	return policy(&ordealpb.PolicyRequest{Change: &ordealpb.PolicyRequest_Pause{
		Pause: &ordealpb.SchedulerPause{Name: name, Milliseconds: uint64(d / time.Millisecond)},
	}})
}

func order(req *ordealpb.OperatorRequest) *ordealpb.PDRequest {
	req.RegionId = 1
	return &ordealpb.PDRequest{Body: &ordealpb.PDRequest_Operator{Operator: req}}
}

func TestPolicyChangesAndIsKept(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.found(3)
	rules := &ordealpb.PlacementRules{LocationLabels: []string{"zone"}, TolerancePercent: 5, SplitBytes: 1 << 20, HotBytes: 100}
	h.call(add("hot-region"))
	h.call(add("scatter"))
	h.call(add("scatter"))
	h.call(add("evict-leader-3"))
	h.call(remove("balance-leader"))
	h.call(remove("balance-leader"))
	h.call(pause("balance-region", time.Minute))
	got := h.call(policy(&ordealpb.PolicyRequest{Change: &ordealpb.PolicyRequest_Rules{Rules: rules}})).GetPolicy().GetPolicy()
	want := &ordealpb.PlacementPolicy{
		Schedulers: []string{"replica", "evict-leader-3", "balance-region", "hot-region", "scatter"}, Rules: rules,
		Pauses: []*ordealpb.SchedulerPause{{Name: "balance-region", Milliseconds: 60_000}},
	}
	require.True(t, proto.Equal(want, got), "%v", got)
	require.Equal(t, []uint64{3}, h.m.plan.NoLeaders())

	h.now = h.now.Add(40 * time.Second)
	h.crash(0)
	got = h.call(policy(&ordealpb.PolicyRequest{})).GetPolicy().GetPolicy()
	require.True(t, proto.Equal(want, got), "%v", got)
	running := func() (names []string) {
		for _, s := range h.m.plan.Running(h.now) {
			names = append(names, s.Name)
		}
		return names
	}
	h.now = h.now.Add(59 * time.Second)
	require.Equal(t, []string{"evict-leader-3", "hot-region", "scatter"}, running(), "the pause begins anew")
	h.now = h.now.Add(time.Second)
	require.Contains(t, running(), "balance-region")
	h.call(pause("balance-region", 0))
	require.Empty(t, h.call(policy(&ordealpb.PolicyRequest{})).GetPolicy().GetPolicy().GetPauses())
}

// What a crash takes back was never told.
func TestPolicyIsDurableBeforeItIsTold(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.found(3)
	call := h.ask(add("hot-region"))
	require.NotContains(t, h.replies, call)
	h.crash(0)
	require.False(t, h.m.plan.Has("hot-region"))
}

func TestPolicyThatIsRefused(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.found(3)
	for _, req := range []*ordealpb.PDRequest{
		add("shuffle"), remove("replica"), pause("hot-region", time.Second), pause("replica", 2*time.Hour),
		policy(&ordealpb.PolicyRequest{Change: &ordealpb.PolicyRequest_Rules{Rules: &ordealpb.PlacementRules{TolerancePercent: 101}}}),
	} {
		requireRefused(t, h, pdpb.ErrorType_INVALID_VALUE, req)
	}
	h.crash(0)
	require.Equal(t, []string{"replica", "balance-region", "balance-leader"}, h.m.plan.Names())
}

func TestOrders(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(c *Config) { c.Schedulers = nil })
	h.found(4)
	const healthy = "r1 [,) v1 c4 {s1:2,s2:3,s3:4} leader=1 term=5"
	h.report(healthy)
	for _, c := range []struct {
		req  *ordealpb.OperatorRequest
		want string // what is begun
	}{
		{&ordealpb.OperatorRequest{What: &ordealpb.OperatorRequest_LeadFrom{LeadFrom: 2}}, "r1 ordered (asked for): transfer s1 to s2"},
		{&ordealpb.OperatorRequest{What: &ordealpb.OperatorRequest_Move{Move: &ordealpb.PeerMove{FromStore: 3, ToStore: 4}}}, "r1 ordered (asked for): add s4:1001, then remove s3:4"},
		{&ordealpb.OperatorRequest{What: &ordealpb.OperatorRequest_Split{Split: true}}, "r1 ordered (asked for): split in the middle"},
	} {
		require.Equal(t, c.want, h.call(order(c.req)).GetOperator().GetOperator())
		require.NotNil(t, h.report(healthy), "it is carried out")
		requireRefused(t, h, pdpb.ErrorType_INVALID_VALUE, order(&ordealpb.OperatorRequest{What: &ordealpb.OperatorRequest_Split{Split: true}}))
		cancel := order(&ordealpb.OperatorRequest{What: &ordealpb.OperatorRequest_Cancel{Cancel: true}})
		require.Equal(t, c.want, h.call(cancel).GetOperator().GetOperator())
		require.Empty(t, h.call(cancel).GetOperator().GetOperator())
	}
	for _, req := range []*ordealpb.OperatorRequest{
		{},
		{What: &ordealpb.OperatorRequest_LeadFrom{LeadFrom: 1}},
		{What: &ordealpb.OperatorRequest_LeadFrom{LeadFrom: 4}},
		{What: &ordealpb.OperatorRequest_Move{Move: &ordealpb.PeerMove{FromStore: 4, ToStore: 3}}},
		{What: &ordealpb.OperatorRequest_Move{Move: &ordealpb.PeerMove{FromStore: 1, ToStore: 2}}},
		{What: &ordealpb.OperatorRequest_Move{Move: &ordealpb.PeerMove{FromStore: 1, ToStore: 9}}},
		{What: &ordealpb.OperatorRequest_MergeInto{MergeInto: 7}},
		{What: &ordealpb.OperatorRequest_MergeInto{MergeInto: 1}},
	} {
		requireRefused(t, h, pdpb.ErrorType_INVALID_VALUE, order(req))
	}
	h.report("r1 [,) v1 c4 {s1:2,s2:3,s3:4} leader=1 term=5 pending=2")
	requireRefused(t, h, pdpb.ErrorType_INVALID_VALUE, order(&ordealpb.OperatorRequest{
		What: &ordealpb.OperatorRequest_Move{Move: &ordealpb.PeerMove{FromStore: 3, ToStore: 4}},
	}))
	unknown := order(&ordealpb.OperatorRequest{What: &ordealpb.OperatorRequest_Scatter{Scatter: true}})
	unknown.GetOperator().RegionId = 9
	requireRefused(t, h, pdpb.ErrorType_REGION_NOT_FOUND, unknown)
}
