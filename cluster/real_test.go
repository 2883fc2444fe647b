package cluster_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"ordeal/checker"
	"ordeal/cluster"
	"ordeal/nemesis"
	"ordeal/workloads/traffic"
	"ordeal/world"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// settleMax is how long a healed cluster may take to come to rest; only a failing test waits that long.
const settleMax = 30 * time.Second

func newReal(t *testing.T, cfg cluster.Config, dir string) *cluster.Real {
	t.Helper()
	c, err := cluster.NewReal(cfg, dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	require.NoError(t, c.Start())
	return c
}

// The workload, the nemesis and the checker of the simulation do their work in the real world as they are.
func TestRealIsLinearizableWhileAStoreDies(t *testing.T) {
	t.Parallel()
	const (
		regions, clients = 4, 4
		lasts            = 2 * time.Second
		opsMin           = 50
	)
	cfg := cluster.DefaultRealConfig()
	cfg.Clients = clients
	cfg.SplitKeys = traffic.SplitKeys(regions)
	c := newReal(t, cfg, t.TempDir())
	require.Len(t, c.Regions(), regions)

	schedule, err := nemesis.ParseSchedule("+0.400s for 0.700s kill leader(1)\n+1.500s transfer-leader region(0) to(0)\n")
	require.NoError(t, err)
	hurt := make(chan []nemesis.Record, 1)
	c.World.Go(cluster.NemesisNode, "nemesis", func(p world.Proc) { hurt <- nemesis.Run(p, c, schedule, lasts, nil) })

	recs, keys := make([]*checker.Recorder, clients), make([]*traffic.KeySet, clients)
	for i := range clients {
		recs[i], keys[i] = checker.NewRecorder(i), traffic.NewKeySet()
		runClient(c, recs[i], keys[i], i, clients, func(ctx *traffic.Ctx) {
			end := ctx.Proc.Now().Add(lasts)
			// On a machine that is busy with other things, time alone may not bring much to judge.
			ctx.Stop = func() bool {
				now := ctx.Proc.Now()
				return now >= end && (recs[i].Len() >= opsMin || now >= end.Add(settleMax))
			}
			register(ctx)
		})
	}
	c.World.Wait()
	records := <-hurt
	for _, r := range records {
		t.Log(r)
	}
	require.Contains(t, records[0].Text, "down")
	require.Empty(t, c.Settle(settleMax))

	unread := make([][]string, clients)
	for i := range clients {
		runClient(c, recs[i], keys[i], i, clients, func(ctx *traffic.Ctx) { unread[i] = traffic.FinalReads(ctx, keys[i].Used()) })
	}
	c.World.Wait()
	for i := range clients {
		require.Empty(t, unread[i])
	}
	h := checker.Merge(recs...)
	t.Logf("%+v", h.Count())
	require.Greater(t, h.Count().Ok, clients*opsMin/2)
	got := checker.Check(h, checker.Options{})
	require.Equal(t, checker.OK, got.Verdict, got.Reasons)
}

func register(ctx *traffic.Ctx) {
	w, err := traffic.ByName("register")
	if err != nil {
		panic(err)
	}
	w.Client(ctx)
}

func runClient(c *cluster.Real, rec *checker.Recorder, keys *traffic.KeySet, id, clients int, f func(*traffic.Ctx)) {
	c.World.Go(cluster.FirstClient+world.NodeID(id), fmt.Sprintf("c%d", id), func(p world.Proc) {
		f(&traffic.Ctx{
			Proc: p, Client: c.Client(p), Rec: rec, ID: id, Clients: clients, Rand: p.Rand(), Keys: keys,
			Knobs: traffic.Knobs{Regions: 4, RotateAfter: 500 / clients, FinalWithin: settleMax},
		})
	})
}

func TestRealGoesOnFromItsFolders(t *testing.T) {
	t.Parallel()
	cfg := cluster.DefaultRealConfig()
	cfg.Stores, cfg.Replicas = 2, 1
	cfg.SplitKeys = [][]byte{[]byte("m")}
	dir := t.TempDir()
	c := newReal(t, cfg, dir)
	keys := []string{"a", "m", "z"}
	require.NoError(t, c.Do(cluster.FirstClient, "writer", func(p world.Proc) error {
		cl := c.Client(p)
		for _, k := range keys {
			if _, err := cl.Put([]byte(k), []byte("v"+k)); err != nil {
				return err
			}
		}
		return nil
	}))
	_, err := cluster.NewReal(cfg, dir)
	require.ErrorContains(t, err, "is another process using it?")
	before := c.Regions()
	require.NoError(t, c.Close())
	require.Error(t, c.Do(cluster.FirstClient, "late", func(world.Proc) error { return nil }))

	c = newReal(t, cfg, dir)
	require.NoError(t, c.Do(cluster.FirstClient, "reader", func(p world.Proc) error {
		cl := c.Client(p)
		for _, k := range keys {
			v, found, _, err := cl.Get([]byte(k))
			if err != nil || !found || string(v) != "v"+k {
				return fmt.Errorf("get %s: %q, %v, %v", k, v, found, err)
			}
		}
		return nil
	}))
	after := c.Regions()
	require.Len(t, after, 2)
	for i := range after {
		require.Equal(t, before[i].ID, after[i].ID)
	}
}

func TestRealAsATarget(t *testing.T) {
	t.Parallel()
	cfg := cluster.DefaultRealConfig()
	cfg.Clients = 1
	cfg.Replicas = 2
	cfg.PD.Schedulers = nil
	c := newReal(t, cfg, t.TempDir())
	require.Equal(t, []world.NodeID{1, 2, 3}, c.Stores())
	require.Equal(t, []world.NodeID{cluster.FirstClient}, c.Procs())

	first := c.Regions()
	require.Len(t, first, 1)
	require.Len(t, first[0].Peers, 2)
	require.NoError(t, c.Do(cluster.NemesisNode, "admin", func(p world.Proc) error {
		cl := c.Client(p)
		for i := range 10 {
			if _, err := cl.Put(fmt.Appendf(nil, "k%d", i), []byte("v")); err != nil {
				return err
			}
		}
		return c.Split(p, c.SplitKey(p, first[0].ID))
	}))
	require.Empty(t, c.Settle(settleMax))
	halves := c.Regions()
	require.Len(t, halves, 2)
	require.Equal(t, "k5", string(halves[1].Start))

	// While the placement driver is down, its last word stands.
	_, err := c.Crash(cluster.PDNode)
	require.NoError(t, err)
	require.Len(t, c.Regions(), 2)
	require.NotEmpty(t, c.Settle(0))
	require.NoError(t, c.Restart(cluster.PDNode))
	require.Empty(t, c.Settle(settleMax))

	for _, s := range c.Stores() {
		c.Cut(cluster.FirstClient, s)
	}
	before := c.MessagesCut()
	require.Error(t, c.Do(cluster.FirstClient, "cut off", func(p world.Proc) error {
		_, err := c.Client(p).Put([]byte("k"), []byte("v"))
		return err
	}))
	require.Greater(t, c.MessagesCut(), before)
	c.HealNetwork()
	require.Empty(t, c.Failpoints())
	require.Error(t, c.Arm("anything", 1, nemesis.Act{}))
	require.Empty(t, c.Disarm())
}
