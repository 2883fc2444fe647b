package store

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/system/engine"
	"ordeal/world"
)

// lonely is a store of two shards that is stepped by hand, and whose placement driver has three members.
type lonely struct {
	t *testing.T
	n *Node
	// to are the members that were spoken to since the last look, by shard; ids are the questions that are open.
	to  [2][]world.NodeID
	ids []uint64
	now world.Time
}

func newLonely(t *testing.T) *lonely {
	disk := engine.NewSimDisk()
	t.Cleanup(func() { require.NoError(t, disk.Close()) })
	cfg := DefaultConfig()
	cfg.StoreID, cfg.PD = 1, []world.Addr{{Node: 100}, {Node: 101}, {Node: 102}}
	eng, err := disk.Open()
	require.NoError(t, err)
	var envs []world.Env
	for i := range uint16(2) {
		envs = append(envs, world.Env{Addr: world.Addr{Node: 1, Actor: i}, Rand: rand.New(rand.NewPCG(1, 2)), Nonce: 1 << 32})
	}
	n, err := Open(cfg, envs, eng)
	require.NoError(t, err)
	l := &lonely{t: t, n: n}
	l.step(0)
	l.step(1)
	return l
}

func (l *lonely) step(shard int, in ...world.Event) {
	var out world.Effects
	l.n.shards[shard].Step(l.now, in, &out)
	for _, b := range out.Barriers {
		out.Sends = append(out.Sends, b.Then...)
	}
	for _, s := range out.Sends {
		req := &ordealpb.PDRequest{}
		require.NoError(l.t, proto.Unmarshal(s.Payload, req))
		l.to[shard] = append(l.to[shard], s.To.Node)
		if req.GetId() != 0 {
			l.ids = append(l.ids, req.GetId())
		}
	}
}

// ticks lets time pass and returns whom the registrar has spoken to.
func (l *lonely) ticks(n int) []world.NodeID {
	l.to = [2][]world.NodeID{}
	for range n {
		for shard := range l.n.shards {
			l.step(shard, world.Event{Kind: world.EventTimer, Token: tokenTick})
		}
	}
	return l.to[l.registrar()]
}

func (l *lonely) registrar() int { return l.n.shards[0].cfg.shardOf(FirstRegion) }

// say has a member say something to the registrar.
func (l *lonely) say(resp *ordealpb.PDResponse) {
	payload, err := proto.Marshal(&ordealpb.StorePacket{Pd: resp})
	require.NoError(l.t, err)
	l.step(l.registrar(), world.Event{Kind: world.EventMessage, Payload: payload})
}

func notLeader(id uint64, leader string) *ordealpb.PDResponse {
	return &ordealpb.PDResponse{Id: id, NotLeader: &ordealpb.NotDriverLeader{Leader: leader}}
}

func heard() *ordealpb.PDResponse {
	return &ordealpb.PDResponse{Body: &ordealpb.PDResponse_StoreHeartbeat{StoreHeartbeat: &pdpb.StoreHeartbeatResponse{}}}
}

func TestStoresFindTheLeaderOfTheDriver(t *testing.T) {
	t.Parallel()
	l := newLonely(t)
	r, other := l.registrar(), 1-l.registrar()
	every := l.n.shards[r].cfg.StoreHeartbeatTicks
	require.Equal(t, []world.NodeID{100}, l.to[r], "the store is to be registered")

	// The member names another one, which hears from the store with the next tick; the question goes there too.
	l.say(notLeader(l.ids[0], "102/0"))
	require.Equal(t, []world.NodeID{102}, l.ticks(1), "registration; a store that is not registered has nothing else to say")
	require.Len(t, l.ids, 2)
	l.say(&ordealpb.PDResponse{Id: l.ids[1], Body: &ordealpb.PDResponse_PutStore{PutStore: &pdpb.PutStoreResponse{}}})
	require.True(t, l.n.shards[r].pd.registered)
	l.ticks(1)
	require.Equal(t, world.NodeID(102), l.n.shards[other].driver().Node, "the other shard was told")

	// Who does not know better, or names a stranger, moves nobody; nor does who names the member that is asked anyway.
	for _, leader := range []string{"", "77/0", "102/0"} {
		l.say(notLeader(0, leader))
		require.Equal(t, world.NodeID(102), l.n.shards[r].driver().Node)
	}
	// As long as heartbeats are answered, all is well. When they are not, the next member gets the next one.
	for range 3 {
		l.say(heard())
		for _, to := range l.ticks(every) {
			require.Equal(t, world.NodeID(102), to)
		}
	}
	l.ticks(every)
	require.Equal(t, world.NodeID(100), l.n.shards[r].driver().Node)
	l.ticks(2 * every)
	require.Equal(t, world.NodeID(101), l.n.shards[r].driver().Node, "and so on")
	l.ticks(1)
	require.Equal(t, world.NodeID(101), l.n.shards[other].driver().Node)
}
