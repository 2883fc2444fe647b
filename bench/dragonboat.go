package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	db "github.com/lni/dragonboat/v4"
	"github.com/lni/dragonboat/v4/client"
	"github.com/lni/dragonboat/v4/config"
	"github.com/lni/dragonboat/v4/logger"
	"github.com/lni/dragonboat/v4/statemachine"
)

// Both sides count time in ticks of this length, send heartbeats every tick and elect after 10 to 20 of silence.
const (
	tick          = 100 * time.Millisecond
	electionTicks = 10
	opTimeout     = 5 * time.Second
	// balanceMax is how long a side may take to spread its leaders, and balanceStep the time between two looks.
	balanceMax  = 120 * time.Second
	balanceStep = 100 * time.Millisecond
)

// dragonboat is three NodeHosts of Dragonboat v4 in this process.
type dragonboat struct {
	dir   string
	sc    scenario
	addrs map[uint64]string
	// hosts by replica id, 1 to 3; a nil one is stopped.
	hosts [stores + 1]atomic.Pointer[dragonHost]
	// leaders is where the leader of each region was last seen, by replica id.
	leaders []atomic.Uint64
}

// dragonHost is one NodeHost with the database of its state machines.
type dragonHost struct {
	host *db.NodeHost
	data *pebble.DB
	// sessions by region.
	sessions []*client.Session
}

func (d *dragonboat) Start(dir string, sc scenario) error {
	for _, name := range []string{"raft", "rsm", "transport", "grpc", "dragonboat", "logdb", "config", "raftpb", "utils", "tests", "settings"} {
		logger.GetLogger(name).SetLevel(logger.CRITICAL)
	}
	d.dir, d.sc, d.addrs = dir, sc, map[uint64]string{}
	d.leaders = make([]atomic.Uint64, sc.Regions)
	for id := uint64(1); id <= stores; id++ {
		addr, err := freeAddr()
		if err != nil {
			return err
		}
		d.addrs[id] = addr
	}
	if err := d.Restart(); err != nil {
		return err
	}
	return d.balance()
}

// freeAddr finds a port that nobody listens on just now.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (d *dragonboat) Restart() error {
	var wg sync.WaitGroup
	errs := make([]error, stores+1)
	for id := uint64(1); id <= stores; id++ {
		if d.hosts[id].Load() == nil {
			wg.Go(func() { errs[id] = d.boot(id) })
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (d *dragonboat) boot(id uint64) error {
	dir := filepath.Join(d.dir, fmt.Sprint(id))
	data, err := openDiskMap(filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	expert := config.GetDefaultExpertConfig()
	// One log for all groups of a host, and one worker: the best of what was tried on two cores.
	expert.Engine.ExecShards, expert.LogDB.Shards = 1, 1
	host, err := db.NewNodeHost(config.NodeHostConfig{
		NodeHostDir: filepath.Join(dir, "log"), RTTMillisecond: uint64(tick / time.Millisecond), RaftAddress: d.addrs[id], Expert: expert,
	})
	if err != nil {
		return errors.Join(fmt.Errorf("host %d: %w", id, err), data.Close())
	}
	h := &dragonHost{host: host, data: data, sessions: make([]*client.Session, d.sc.Regions)}
	d.hosts[id].Store(h)
	for region := range d.sc.Regions {
		shard := shardOf(region)
		h.sessions[region] = host.GetNoOPSession(shard)
		err := host.StartOnDiskReplica(d.addrs, false, func(shard, _ uint64) statemachine.IOnDiskStateMachine {
			return &diskMap{db: data, shard: shard}
		}, config.Config{
			ReplicaID: id, ShardID: shard, ElectionRTT: electionTicks, HeartbeatRTT: 1,
			CheckQuorum: true, PreVote: true, Quiesce: d.sc.Quiet,
		})
		if err != nil {
			return fmt.Errorf("host %d: start shard %d: %w", id, shard, err)
		}
	}
	return nil
}

// shardOf is the shard that holds a region; they count from 1.
func shardOf(region int) uint64 { return uint64(region) + 1 }

// wantedLeader spreads leaders evenly over the stores.
func wantedLeader(region int) uint64 { return uint64(region%stores) + 1 }

// balance waits until every region is led by the replica that should.
func (d *dragonboat) balance() error {
	for begin := time.Now(); ; time.Sleep(balanceStep) {
		missing := 0
		for region := range d.sc.Regions {
			leader := d.leader(region)
			if leader == wantedLeader(region) {
				continue
			}
			missing++
			if leader != 0 {
				// It may be busy; what came of it shows in the next look.
				_ = d.hosts[leader].Load().host.RequestLeaderTransfer(shardOf(region), wantedLeader(region))
			}
		}
		if missing == 0 {
			return nil
		}
		if time.Since(begin) > balanceMax {
			return fmt.Errorf("%d regions are not led by who should after %v", missing, balanceMax)
		}
	}
}

// leader asks the hosts, and remembers, who leads a region; 0 if nobody knows.
func (d *dragonboat) leader(region int) uint64 {
	best, bestTerm := uint64(0), uint64(0)
	for id := range d.hosts {
		if h := d.hosts[id].Load(); h != nil {
			leader, term, ok, err := h.host.GetLeaderID(shardOf(region))
			if err == nil && ok && term >= bestTerm && leader != 0 && d.hosts[leader].Load() != nil {
				best, bestTerm = leader, term
			}
		}
	}
	d.leaders[region].Store(best)
	return best
}

func (d *dragonboat) LedBy(store int) ([]int, error) {
	var led []int
	for region := range d.sc.Regions {
		if d.leader(region) == uint64(store) {
			led = append(led, region)
		}
	}
	return led, nil
}

func (d *dragonboat) Go(n int, f func(int, conn)) (wait func()) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i, &dragonConn{d: d}) })
	}
	return wg.Wait
}

func (d *dragonboat) Stop(store int) error {
	h := d.hosts[store].Swap(nil)
	h.host.Close()
	return h.data.Close()
}

func (d *dragonboat) Close() error {
	var errs []error
	for id := range d.hosts {
		if d.hosts[id].Load() != nil {
			errs = append(errs, d.Stop(id))
		}
	}
	return errors.Join(errs...)
}

// dragonConn calls the host of a region's leader in this process, as Dragonboat means it to be used.
type dragonConn struct{ d *dragonboat }

// at calls f on the host of the region's leader; if that fails, the leader is looked up anew for the next call.
func (c *dragonConn) at(region int, f func(context.Context, *dragonHost) error) error {
	d := c.d
	leader := d.leaders[region].Load()
	if leader == 0 {
		leader = d.leader(region)
	}
	h := d.hosts[leader].Load()
	if h == nil {
		d.leader(region)
		return errors.New("no leader is known")
	}
	timeout := opTimeout
	if d.sc.Kind == kindFailover || d.sc.Kind == kindRestart {
		timeout = retryTimeout
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	err := f(ctx, h)
	if err != nil {
		d.leader(region)
	}
	return err
}

// retryTimeout bounds one attempt where stores come and go.
const retryTimeout = 500 * time.Millisecond

func (c *dragonConn) Put(region int, key, value []byte) error {
	cmd := make([]byte, 0, 4+len(key)+len(value))
	cmd = binary.BigEndian.AppendUint32(cmd, uint32(len(key)))
	cmd = append(append(cmd, key...), value...)
	return c.at(region, func(ctx context.Context, h *dragonHost) error {
		_, err := h.host.SyncPropose(ctx, h.sessions[region], cmd)
		return err
	})
}

func (c *dragonConn) Get(region int, key []byte) (value []byte, err error) {
	err = c.at(region, func(ctx context.Context, h *dragonHost) error {
		v, err := h.host.SyncRead(ctx, shardOf(region), key)
		if err == nil {
			value, _ = v.([]byte)
		}
		return err
	})
	return value, err
}
