package client

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/world"
)

// members is a Proc whose placement driver has three members, on nodes 100 to 102.
type members struct {
	now    world.Time
	rand   *rand.Rand
	leader world.NodeID
	down   map[world.NodeID]bool
	// says is whom a member that does not lead names, if not the leader.
	says  map[world.NodeID]string
	asked []world.NodeID
}

func newMembers(leader world.NodeID) *members {
	return &members{rand: rand.New(rand.NewPCG(1, 2)), leader: leader, down: map[world.NodeID]bool{}, says: map[world.NodeID]string{}}
}

func (m *members) client(o Options) *Client {
	return New(m, []world.Addr{{Node: 100}, {Node: 101}, {Node: 102}}, o)
}

func (m *members) Now() world.Time       { return m.now }
func (m *members) Rand() *rand.Rand      { return m.rand }
func (m *members) Sleep(d time.Duration) { m.now = m.now.Add(d) }

func (m *members) Call(to world.Addr, _ []byte, timeout time.Duration) ([]byte, error) {
	m.asked = append(m.asked, to.Node)
	switch {
	case m.down[to.Node]:
		m.now = m.now.Add(timeout)
		return nil, world.ErrTimeout
	case to.Node != m.leader:
		says, ok := m.says[to.Node]
		if !ok {
			says = world.Addr{Node: m.leader}.String()
		}
		return proto.Marshal(&ordealpb.PDResponse{NotLeader: &ordealpb.NotDriverLeader{Leader: says}})
	}
	return proto.Marshal(&ordealpb.PDResponse{Body: &ordealpb.PDResponse_AllocId{AllocId: &pdpb.AllocIDResponse{Id: 7, Count: 1}}})
}

func TestTheLeaderOfTheDriverIsFound(t *testing.T) {
	t.Parallel()
	m := newMembers(102)
	c := m.client(Options{})
	for range 2 {
		id, err := c.AllocID()
		require.NoError(t, err)
		require.Equal(t, uint64(7), id)
	}
	require.Equal(t, []world.NodeID{100, 102, 102}, m.asked, "who leads is remembered")
	require.Zero(t, m.now, "and nothing was waited for")

	// It dies, and nobody knows yet who comes next; then one does.
	m.down[102], m.leader, m.asked = true, 101, nil
	m.says[100] = ""
	_, err := c.AllocID()
	require.NoError(t, err)
	require.Equal(t, []world.NodeID{102, 100, 101}, m.asked)
	m.asked = nil
	_, err = c.AllocID()
	require.NoError(t, err)
	require.Equal(t, []world.NodeID{101}, m.asked)
}

// Members that name each other, or somebody who is none, are asked no more often than the client's patience allows.
func TestMembersThatAreWrong(t *testing.T) {
	t.Parallel()
	m := newMembers(0)
	m.says[100], m.says[101], m.says[102] = "101/0", "100/0", "77/0"
	_, err := m.client(Options{OpTimeout: time.Second}).AllocID()
	require.ErrorIs(t, err, ErrNotExecuted)
	require.ErrorContains(t, err, "does not lead, but")
	require.Less(t, len(m.asked), 40)
	require.LessOrEqual(t, m.now, world.Time(time.Second))
}
