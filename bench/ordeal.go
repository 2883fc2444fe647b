package main

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"ordeal/cluster"
	"ordeal/pd"
	"ordeal/proto/errorpb"
	"ordeal/proto/kvrpcpb"
	"ordeal/proto/metapb"
	"ordeal/proto/ordealpb"
	"ordeal/proto/wire"
	"ordeal/system/client"
	"ordeal/system/region"
	"ordeal/world"
)

// ordeal is a cluster of this repository: three stores and a placement driver in this process.
type ordeal struct {
	sc scenario
	c  *cluster.Real
	// routes by region: whom to ask and what to call it.
	routes []atomic.Pointer[route]
}

// route is a region, the peer to ask and what goes into every request for it. It is never modified.
type route struct {
	region *metapb.Region
	leader *metapb.Peer
	ctx    *kvrpcpb.Context
	addr   world.Addr
}

func newRoute(r *metapb.Region, leader *metapb.Peer) *route {
	return &route{
		region: r, leader: leader, addr: world.Addr{Node: world.NodeID(leader.GetStoreId())},
		ctx: &kvrpcpb.Context{RegionId: r.GetId(), RegionEpoch: r.GetRegionEpoch(), Peer: leader},
	}
}

// nodes of the benchmark's own procs.
const (
	clientNode world.NodeID = cluster.FirstClient
	// splitters is how many procs split regions at the same time.
	splitters = 16
)

func (o *ordeal) Start(dir string, sc scenario) error {
	o.sc = sc
	cfg := cluster.DefaultRealConfig()
	cfg.Stores, cfg.Replicas = stores, stores
	cfg.Store.TickInterval, cfg.Store.ElectionTicks, cfg.Store.HeartbeatTicks = tick, electionTicks, 1
	cfg.Store.RegionSplitBytes = 0
	cfg.Store.LeaseReads = sc.Lease
	if !sc.Quiet {
		cfg.Store.HibernateTicks = 0
	}
	// Leaders are spread by hand on both sides.
	cfg.PD.Schedulers = nil
	// As configured by default, not as tests want it.
	cfg.PD.ScheduleEvery = pd.DefaultConfig().ScheduleEvery
	c, err := cluster.NewReal(cfg, dir)
	if err != nil {
		return err
	}
	o.c = c
	if err := c.Start(); err != nil {
		return err
	}
	if err := o.split(); err != nil {
		return err
	}
	return o.balance()
}

// split makes the regions: halves first, so that many can be split at the same time.
func (o *ordeal) split() error {
	type span struct{ lo, hi int }
	level := []span{{0, o.sc.Regions}}
	for len(level) > 0 {
		var borders []int
		var next []span
		for _, s := range level {
			if mid := (s.lo + s.hi) / 2; mid > s.lo {
				borders = append(borders, mid)
				next = append(next, span{s.lo, mid}, span{mid, s.hi})
			}
		}
		if err := o.splitAt(borders); err != nil {
			return err
		}
		level = next
	}
	return nil
}

func (o *ordeal) splitAt(borders []int) error {
	var at atomic.Int64
	errs := make([]error, splitters)
	var wg sync.WaitGroup
	for i := range splitters {
		wg.Go(func() {
			errs[i] = o.c.Do(clientNode, fmt.Sprintf("split %d", i), func(p world.Proc) error {
				cl := newClient(p)
				for n := int(at.Add(1)) - 1; n < len(borders); n = int(at.Add(1)) - 1 {
					if err := splitOnce(cl, borderOf(borders[n])); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func splitOnce(cl *client.Client, key []byte) error {
	return patient(func() error {
		r, _, err := cl.LocateRegion(key)
		if err != nil || string(r.GetStartKey()) == string(key) {
			return err
		}
		_, err = cl.Split(key)
		return err
	})
}

func newClient(p world.Proc) *client.Client {
	return client.New(p, []world.Addr{{Node: cluster.PDNode}}, client.Options{})
}

// balance waits until every region is led by the store that should, and notes where.
func (o *ordeal) balance() error {
	return o.c.Do(clientNode, "balance", func(p world.Proc) error {
		cl := newClient(p)
		for end := p.Now().Add(balanceMax); ; p.Sleep(balanceStep) {
			missing, err := o.lookAndMove(cl)
			if err == nil && missing == 0 {
				return nil
			}
			if p.Now() > end {
				return fmt.Errorf("%d regions are not led by who should after %v (%w)", missing, balanceMax, err)
			}
		}
	})
}

// lookAndMove asks who leads, fills in the routes and moves leaders to where they belong.
func (o *ordeal) lookAndMove(cl *client.Client) (missing int, err error) {
	regions, err := cl.Regions()
	if err != nil || len(regions) != o.sc.Regions {
		return o.sc.Regions, err
	}
	o.routes = make([]atomic.Pointer[route], len(regions))
	for i, r := range regions {
		leader := r.GetLeader()
		want := region.FindPeer(r.GetRegion(), wantedLeader(i))
		if want == nil || leader.GetStoreId() == 0 {
			return o.sc.Regions, nil
		}
		o.routes[i].Store(newRoute(r.GetRegion(), leader))
		if leader.GetId() != want.GetId() {
			missing++
			// What came of it shows in the next look.
			_ = cl.TransferLeader(r.GetRegion(), want)
		}
	}
	return missing, nil
}

func (o *ordeal) LedBy(store int) ([]int, error) {
	var led []int
	for i := range o.routes {
		if o.routes[i].Load().leader.GetStoreId() == uint64(store) {
			led = append(led, i)
		}
	}
	return led, nil
}

func (o *ordeal) Go(n int, f func(int, conn)) (wait func()) {
	var wg sync.WaitGroup
	wg.Add(n)
	for i := range n {
		o.c.World.Go(clientNode, fmt.Sprintf("client %d", i), func(p world.Proc) {
			defer wg.Done()
			f(i, &ordealConn{o: o, p: p})
		})
	}
	return wg.Wait
}

func (o *ordeal) Stop(store int) error { return o.c.World.Crash(world.NodeID(store)) }

func (o *ordeal) Restart() error {
	var wg sync.WaitGroup
	errs := make([]error, stores+1)
	for id := world.NodeID(1); id <= stores; id++ {
		if !o.c.Up(id) {
			wg.Go(func() { errs[id] = o.c.World.Restart(id) })
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (o *ordeal) Close() error {
	if o.c == nil {
		return nil
	}
	return o.c.Close()
}

// ordealConn knows where every region is led and asks there, with the store's own messages; a refusal corrects it.
type ordealConn struct {
	o *ordeal
	p world.Proc
}

func (c *ordealConn) Put(n int, key, value []byte) error {
	r := c.o.routes[n].Load()
	resp, err := c.call(n, r, &ordealpb.Request{Body: &ordealpb.Request_Put{
		Put: &kvrpcpb.RawPutRequest{Context: r.ctx, Key: key, Value: value},
	}})
	if err != nil {
		return err
	}
	return c.check(n, r, resp.GetPut() != nil, resp.GetPut().GetRegionError(), resp.GetPut().GetError())
}

func (c *ordealConn) Get(n int, key []byte) ([]byte, error) {
	r := c.o.routes[n].Load()
	resp, err := c.call(n, r, &ordealpb.Request{Body: &ordealpb.Request_Get{
		Get: &kvrpcpb.RawGetRequest{Context: r.ctx, Key: key},
	}})
	if err != nil {
		return nil, err
	}
	got := resp.GetGet()
	return got.GetValue(), c.check(n, r, got != nil, got.GetRegionError(), got.GetError())
}

func (c *ordealConn) call(n int, r *route, req *ordealpb.Request) (*ordealpb.Response, error) {
	timeout := opTimeout
	if c.o.sc.Kind == kindFailover || c.o.sc.Kind == kindRestart {
		timeout = retryTimeout
	}
	reply, err := c.p.Call(r.addr, wire.MarshalRequest(req), timeout)
	if err != nil {
		c.turn(n, r)
		return nil, err
	}
	return wire.UnmarshalResponse(reply)
}

// check makes an error of a refusal, and takes from it who leads.
func (c *ordealConn) check(n int, r *route, fits bool, refused *errorpb.Error, reason string) error {
	switch hint := refused.GetNotLeader().GetLeader(); {
	case !fits:
		return errors.New("an answer that does not fit the question")
	case hint.GetStoreId() != 0:
		c.o.routes[n].CompareAndSwap(r, newRoute(r.region, hint))
	case refused != nil:
		c.turn(n, r)
	}
	if refused != nil || reason != "" {
		return fmt.Errorf("refused: %s %s", refused.GetMessage(), reason)
	}
	return nil
}

// turn asks the next peer from now on.
func (c *ordealConn) turn(n int, r *route) {
	peers := r.region.GetPeers()
	for i, p := range peers {
		if p.GetId() == r.leader.GetId() {
			c.o.routes[n].CompareAndSwap(r, newRoute(r.region, peers[(i+1)%len(peers)]))
			return
		}
	}
}
