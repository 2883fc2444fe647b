package pd

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"ordeal/pd/core"
	"ordeal/proto/ordealpb"
	"ordeal/proto/pdpb"
	"ordeal/system/engine"
	"ordeal/world"
	"ordeal/world/sim"
)

// driver is a driver of several members in a simulated world, with one caller that may be cut off from nobody.
type driver struct {
	t       require.TestingT
	w       *sim.World
	cfg     Config
	disks   []*engine.SimDisk
	members []*Member
}

const caller world.NodeID = 1001

func newDriver(t require.TestingT, n int, change ...func(*Config)) *driver {
	d := &driver{t: t, w: sim.New(sim.Config{Seed: 7, Net: sim.DefaultNet(), Disk: sim.DefaultDisk()}), cfg: DefaultConfig()}
	for i := range n {
		d.cfg.Members = append(d.cfg.Members, memberAddr(i))
	}
	for _, f := range change {
		f(&d.cfg)
	}
	for i := range n {
		d.disks, d.members = append(d.disks, engine.NewSimDisk()), append(d.members, nil)
		require.NoError(t, d.w.AddNode(world.Node{
			ID: memberAddr(i).Node, Name: fmt.Sprintf("pd%d", i), Disk: d.disks[i], Actors: 1,
			Boot: func(envs []world.Env) ([]world.Actor, error) {
				eng, err := d.disks[i].Open()
				if err != nil {
					return nil, err
				}
				cfg := d.cfg
				jitter := envs[0].Rand.Uint64()
				cfg.Jitter = func(member, term uint64) int {
					return rand.New(rand.NewPCG(jitter, member^term<<32)).IntN(electionTicks)
				}
				d.members[i], err = New(cfg, envs[0], eng)
				return []world.Actor{d.members[i]}, err
			},
		}))
	}
	return d
}

func (d *driver) close() {
	for _, disk := range d.disks {
		require.NoError(d.t, disk.Close())
	}
}

// leader is the place of the member that leads with the highest term, -1 if none does.
func (d *driver) leader() int {
	leader := -1
	for i, m := range d.members {
		if d.w.Up(memberAddr(i).Node) && m.Term() != 0 && (leader < 0 || m.Term() > d.members[leader].Term()) {
			leader = i
		}
	}
	return leader
}

func (d *driver) pass(t time.Duration) { d.w.Run(d.w.Now().Add(t)) }

// await lets time pass until some member other than the one at not leads.
func (d *driver) await(not int) int {
	led := func() bool { return d.leader() >= 0 && d.leader() != not }
	require.True(d.t, d.w.RunWhile(func() bool { return !led() }, d.w.Now().Add(10*time.Second)), "nobody leads")
	return d.leader()
}

// ask calls a member and returns its answer, nil if none comes within limit.
func (d *driver) ask(member int, req *ordealpb.PDRequest, limit time.Duration) *ordealpb.PDResponse {
	var resp *ordealpb.PDResponse
	done := false
	d.w.Go(caller, "caller", func(p world.Proc) {
		defer func() { done = true }()
		if reply, err := p.Call(memberAddr(member), marshal(req), limit); err == nil {
			resp = &ordealpb.PDResponse{}
			if err := proto.Unmarshal(reply, resp); err != nil {
				panic(err)
			}
		}
	})
	require.True(d.t, d.w.RunWhile(func() bool { return !done }, d.w.Now().Add(2*limit)))
	return resp
}

// must calls the leader, and another one if that has been deposed, until there is an answer.
func (d *driver) must(req *ordealpb.PDRequest) *ordealpb.PDResponse {
	for end := d.w.Now().Add(10 * time.Second); d.w.Now() < end; d.pass(50 * time.Millisecond) {
		if resp := d.ask(d.await(-1), req, time.Second); resp != nil && resp.GetNotLeader() == nil {
			return resp
		}
	}
	require.FailNow(d.t, "no answer", "%v", req)
	return nil
}

// isolate cuts a member off from the others.
func (d *driver) isolate(member int) {
	for i := range d.members {
		if i != member {
			d.w.Cut(memberAddr(i).Node, memberAddr(member).Node)
			d.w.Cut(memberAddr(member).Node, memberAddr(i).Node)
		}
	}
}

func (d *driver) crash(member int) {
	_, err := d.w.CrashNode(memberAddr(member).Node)
	require.NoError(d.t, err)
}

func (d *driver) restart(member int) { require.NoError(d.t, d.w.Restart(memberAddr(member).Node)) }

func getMembers() *ordealpb.PDRequest {
	return &ordealpb.PDRequest{Body: &ordealpb.PDRequest_GetMembers{GetMembers: &pdpb.GetMembersRequest{}}}
}

func transferTo(member int) *ordealpb.PDRequest {
	return &ordealpb.PDRequest{Body: &ordealpb.PDRequest_TransferDriver{
		TransferDriver: &ordealpb.TransferDriverRequest{MemberId: memberID(memberAddr(member))},
	}}
}

// Whoever leads next knows all that was promised, and begins what was only heard anew.
func TestPromisesSurviveAChangeOfLeader(t *testing.T) {
	t.Parallel()
	d := newDriver(t, 3, func(c *Config) { c.Schedulers = nil })
	defer d.close()
	require.Nil(t, d.must(bootstrap(1)).GetBootstrap().GetHeader().GetError())
	for id := range uint64(5) {
		require.Nil(t, d.must(putStore(id+1)).GetPutStore().GetHeader().GetError())
	}
	require.Nil(t, d.must(emptyStore(5, false)).GetEmptyStore().GetHeader().GetError())
	id := d.must(allocID(3)).GetAllocId().GetId()
	ts := d.must(tso(9)).GetTso().GetTimestamp()
	d.pass(time.Second) // the first region is in the log by then
	first := d.leader()
	require.Len(t, d.members[first].Stores(), 5)

	d.crash(first)
	second := d.await(first)
	require.True(t, d.must(isBootstrapped()).GetIsBootstrapped().GetBootstrapped())
	require.Equal(t, pdpb.ErrorType_ALREADY_BOOTSTRAPPED, d.must(bootstrap(2)).GetBootstrap().GetHeader().GetError().GetType())
	require.Len(t, d.must(getAllStores()).GetGetAllStores().GetStores(), 5)
	s, _ := d.members[second].cluster.Store(5, d.members[second].now)
	require.Equal(t, core.StoreOffline, s.State, "what was decided stays so")
	require.Equal(t, firstRegionLine, d.members[second].Regions()[0].String())
	require.Greater(t, d.must(allocID(1)).GetAllocId().GetId(), id)
	require.Greater(t, d.must(tso(1)).GetTso().GetTimestamp().GetPhysical(), ts.GetPhysical())

	// The first one comes back and follows.
	d.restart(first)
	d.pass(2 * time.Second)
	require.Equal(t, second, d.leader())
	require.Zero(t, d.members[first].Term())
	require.Empty(t, d.members[first].Stores(), "who does not lead believes in nothing")
}

func TestWhoDoesNotLeadSaysWhoDoes(t *testing.T) {
	t.Parallel()
	d := newDriver(t, 3)
	defer d.close()
	leader := d.await(-1)
	d.pass(time.Second)
	for i := range d.members {
		members := d.ask(i, getMembers(), time.Second).GetGetMembers()
		require.Len(t, members.GetMembers(), 3)
		require.Equal(t, memberID(memberAddr(leader)), members.GetLeader().GetMemberId())
		require.Equal(t, []string{memberAddr(leader).String()}, members.GetLeader().GetClientUrls())
		if i != leader {
			no := d.ask(i, allocID(1), time.Second)
			require.Equal(t, memberAddr(leader).String(), no.GetNotLeader().GetLeader())
			require.Nil(t, no.GetBody())
		}
	}
	to := (leader + 1) % 3
	require.Nil(t, d.must(transferTo(to)).GetTransferDriver().GetHeader().GetError())
	require.Equal(t, to, d.await(leader))
	require.Equal(t, pdpb.ErrorType_ENTRY_NOT_FOUND, d.must(transferTo(9)).GetTransferDriver().GetHeader().GetError().GetType())
	require.Equal(t, pdpb.ErrorType_INVALID_VALUE, d.must(transferTo(to)).GetTransferDriver().GetHeader().GetError().GetType())
}

// A leader that is cut off says nothing from then on, however long it goes on believing that it leads; and its callers learn of
// their bad luck when it stops.
func TestADeposedLeaderAnswersNothing(t *testing.T) {
	t.Parallel()
	d := newDriver(t, 3)
	defer d.close()
	first := d.await(-1)
	require.NotZero(t, d.must(allocID(1)).GetAllocId().GetId())
	require.NotZero(t, d.must(tso(1)).GetTso().GetTimestamp().GetPhysical())
	d.isolate(first)
	for _, req := range []*ordealpb.PDRequest{allocID(1), tso(1), isBootstrapped(), getAllStores(), putStore(3)} {
		require.NotZero(t, d.members[first].Term())
		require.Nil(t, d.ask(first, req, 10*time.Millisecond), "%v", req)
	}
	held := d.ask(first, allocID(1), 2*time.Second)
	require.NotNil(t, held.GetNotLeader(), "it has heard of no quorum for too long")
	require.Empty(t, held.GetNotLeader().GetLeader())
	d.await(first)
	id := d.must(allocID(1)).GetAllocId().GetId()
	require.Empty(t, d.must(getAllStores()).GetGetAllStores().GetStores(), "store 3 was promised nothing")

	d.w.HealNetwork()
	d.pass(3 * time.Second)
	require.Greater(t, d.must(allocID(1)).GetAllocId().GetId(), id)
	require.Empty(t, d.must(getAllStores()).GetGetAllStores().GetStores())
}

// Without a majority nobody answers, and with it again all goes on.
func TestAMajorityIsNeeded(t *testing.T) {
	t.Parallel()
	d := newDriver(t, 3)
	defer d.close()
	first := d.await(-1)
	d.crash((first + 1) % 3)
	require.NotZero(t, d.must(allocID(1)).GetAllocId().GetId())
	d.crash((first + 2) % 3)
	require.Nil(t, d.ask(first, allocID(1), 100*time.Millisecond).GetAllocId())
	d.pass(2 * time.Second)
	require.Equal(t, -1, d.leader())
	d.restart((first + 1) % 3)
	require.NotZero(t, d.must(allocID(1)).GetAllocId().GetId())
}

// While a leader tries to hand over to a member that is gone, its group takes no entries: what needs one is answered when it has
// given up, and what does not need one at once.
func TestAnswersWaitWhileALeaderHandsOver(t *testing.T) {
	t.Parallel()
	d := newDriver(t, 3)
	defer d.close()
	first := d.await(-1)
	gone := (first + 1) % 3
	d.crash(gone)
	require.Nil(t, d.must(transferTo(gone)).GetTransferDriver().GetHeader().GetError())
	require.NotNil(t, d.ask(first, getAllStores(), 20*time.Millisecond).GetGetAllStores())
	begun := d.w.Now()
	require.Nil(t, d.ask(first, putStore(1), time.Second).GetPutStore().GetHeader().GetError())
	require.Greater(t, d.w.Now().Sub(begun), d.cfg.Tick)
	require.Equal(t, first, d.leader())
	require.Len(t, d.must(getAllStores()).GetGetAllStores().GetStores(), 1)
}

// A member that was away for longer than the others keep their log gets all there is at once.
func TestASnapshotBringsAMemberUpToDate(t *testing.T) {
	t.Parallel()
	d := newDriver(t, 3, func(c *Config) { c.LogEntriesMax = 4 })
	defer d.close()
	first := d.await(-1)
	late := (first + 1) % 3
	d.must(bootstrap(1))
	d.crash(late)
	for id := range uint64(30) {
		d.must(putStore(id + 1))
	}
	keys := readWrites(d.members[first].rep.eng)
	require.Greater(t, d.members[first].rep.group.Truncated().Index, d.members[late].rep.group.LastIndex())
	d.restart(late)
	d.pass(2 * time.Second)
	require.True(t, proto.Equal(keys, readWrites(d.members[late].rep.eng)))

	require.Nil(t, d.must(transferTo(late)).GetTransferDriver().GetHeader().GetError())
	require.Equal(t, late, d.await(first))
	require.Len(t, d.must(getAllStores()).GetGetAllStores().GetStores(), 30)
	d.crash(late)
	d.restart(late)
	d.pass(time.Second)
	require.Len(t, d.must(getAllStores()).GetGetAllStores().GetStores(), 30)
}

// A disk is one member's of one group for good.
func TestIdentity(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.call(putStore(1))
	eng := h.m.rep.eng
	three := []world.Addr{memberAddr(0), memberAddr(1), memberAddr(2)}
	for want, change := range map[string]func(*Config, *world.Env){
		"member 100 of cluster 1 with members [100], this is member 100 of cluster 2": func(c *Config, _ *world.Env) { c.ClusterID = 2 },
		"this is member 101 of cluster 1 with members [101]":                          func(_ *Config, e *world.Env) { e.Addr = memberAddr(1) },
		"this is member 100 of cluster 1 with members [100 101 102]":                  func(c *Config, _ *world.Env) { c.Members = three },
	} {
		cfg, env := DefaultConfig(), world.Env{Addr: memberAddr(0)}
		change(&cfg, &env)
		_, err := New(cfg, env, eng)
		require.ErrorContains(t, err, want)
	}
	// Of the time before there were members: one without others goes on, and can't become one of several.
	b := eng.NewBatch()
	b.Delete(engine.StoreIdentKey())
	b.Delete(engine.ApplyStateKey(groupID))
	start, end := engine.RegionRaftRange(groupID)
	b.DeleteRange(start, end)
	eng.Commit(b)
	cfg := DefaultConfig()
	cfg.Members = three
	_, err := New(cfg, world.Env{Addr: memberAddr(0)}, eng)
	require.ErrorContains(t, err, "it can't become one of 3 members")
	h.sync()
	h.crash(0)
	require.Len(t, h.m.Stores(), 1)
}

// Whatever is done to members, ids and timestamps only rise, in the order in which they are asked for, and what was answered
// stays so.
func TestPromisesOfMembers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := newDriver(t, 3, func(c *Config) {
			c.IDBatch, c.LogEntriesMax = 5, rapid.Uint64Range(1, 20).Draw(t, "log")
		})
		defer d.close()
		id, last, stores := uint64(0), [2]int64{}, 0
		for range rapid.IntRange(5, 60).Draw(t, "steps") {
			member := rapid.IntRange(0, 2).Draw(t, "member")
			up := d.w.Up(memberAddr(member).Node)
			switch what := rapid.IntRange(0, 9).Draw(t, "what"); what {
			case 0:
				if up {
					d.crash(member)
				} else {
					d.restart(member)
				}
			case 1:
				if d.w.HealNetwork(); rapid.Bool().Draw(t, "cut") {
					d.isolate(member)
				}
			case 2:
				d.ask(member, transferTo(rapid.IntRange(0, 2).Draw(t, "to")), 10*time.Millisecond)
			case 3:
				d.pass(time.Duration(rapid.IntRange(1, 1500).Draw(t, "ms")) * time.Millisecond)
			case 4, 5:
				if got := d.ask(member, allocID(3), 100*time.Millisecond).GetAllocId(); got.GetId() != 0 {
					require.Greater(t, got.GetId()-2, id)
					id = got.GetId()
				}
			case 6, 7:
				if ts := d.ask(member, tso(1), 100*time.Millisecond).GetTso().GetTimestamp(); ts != nil {
					now := [2]int64{ts.GetPhysical(), ts.GetLogical()}
					require.True(t, now[0] > last[0] || now[0] == last[0] && now[1] > last[1], "%v after %v", now, last)
					last = now
				}
			case 8:
				got := d.ask(member, putStore(uint64(stores+1)), 100*time.Millisecond)
				if p := got.GetPutStore(); p != nil && p.GetHeader().GetError() == nil {
					stores++
				}
			case 9:
				if all := d.ask(member, getAllStores(), 100*time.Millisecond).GetGetAllStores(); all != nil {
					require.GreaterOrEqual(t, len(all.GetStores()), stores)
				}
			}
		}
		d.w.HealNetwork()
		for i := range d.members {
			if !d.w.Up(memberAddr(i).Node) {
				d.restart(i)
			}
		}
		require.Greater(t, d.must(allocID(3)).GetAllocId().GetId()-2, id)
		require.GreaterOrEqual(t, len(d.must(getAllStores()).GetGetAllStores().GetStores()), stores)
		d.pass(2 * time.Second)
		for i := range d.members {
			require.True(t, proto.Equal(readWrites(d.members[0].rep.eng), readWrites(d.members[i].rep.eng)), "member %d differs", i)
		}
	})
}
