package real_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/cluster"
	"ordeal/proto/kvrpcpb"
	"ordeal/system/client"
	"ordeal/world"
)

const (
	// soon is how long a healthy cluster, or one that has just lost a leader, may take for anything; only a failing
	// test waits that long.
	soon = 20 * time.Second
	// pollPause is the time between two looks.
	pollPause = 5 * time.Millisecond
	// ackedMin is how many writes each writer must have acknowledged in each phase of the test.
	ackedMin = 50
)

// The actors that the simulation tests, three stores and a placement driver, live through a day in the real world: they
// serve, a region splits, the leader of both halves is killed while clients write, writes go on, the store comes back,
// catches up and leads again. Nothing that was acknowledged is lost. TestMain sees to it that no goroutine is left.
func TestSmoke(t *testing.T) {
	t.Parallel()
	c := start(t)
	do(t, c, "basics", func(p world.Proc) error { return basics(c.Client(p)) })
	do(t, c, "split", func(p world.Proc) error { return splitAt(p, c, "m") })

	writers := startWriters(t, c, "a", "z")
	writers.awaitMore(t)
	victim := leaders(t, c, 0)[0]
	_, err := c.Crash(victim)
	require.NoError(t, err)
	require.False(t, c.Up(victim))
	writers.awaitMore(t)
	leaders(t, c, victim)
	require.NoError(t, c.Restart(victim))
	writers.awaitMore(t)
	acked := writers.stop(t)

	require.Empty(t, c.Settle(soon))
	do(t, c, "read", func(p world.Proc) error { return readAll(c.Client(p), acked) })
	// The store that was down has caught up if it can lead and has everything.
	do(t, c, "transfer", func(p world.Proc) error { return leadAll(p, c, victim) })
	do(t, c, "read again", func(p world.Proc) error { return readAll(c.Client(p), acked) })
	require.NoError(t, c.Close())
}

func start(t *testing.T) *cluster.Real {
	cfg := cluster.DefaultRealConfig()
	cfg.Clients = 2
	cfg.Store.Shards = 2 // shards run at the same time only here
	// Nobody but the test moves leaders.
	cfg.PD.Schedulers = nil
	c, err := cluster.NewReal(cfg, t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	require.NoError(t, c.Start())
	return c
}

func do(t *testing.T, c *cluster.Real, name string, f func(world.Proc) error) {
	t.Helper()
	require.NoError(t, c.Do(cluster.SetupNode, name, f), name)
}

// basics does one of everything that clients do.
func basics(cl *client.Client) error {
	key, value := []byte("basic"), []byte("one")
	if _, err := cl.Put(key, value); err != nil {
		return err
	}
	got, found, _, err := cl.Get(key)
	if err != nil || !found || string(got) != "one" {
		return fmt.Errorf("get: %q, %v, %v", got, found, err)
	}
	swapped, seen, _, _, err := cl.CompareAndSwap(key, []byte("two"), false, []byte("three"))
	if err != nil || swapped || string(seen) != "one" {
		return fmt.Errorf("a swap that must fail: %v, saw %q, %v", swapped, seen, err)
	}
	swapped, _, _, _, err = cl.CompareAndSwap(key, value, false, []byte("two"))
	if err != nil || !swapped {
		return fmt.Errorf("a swap that must succeed: %v, %v", swapped, err)
	}
	swapped, _, _, _, err = cl.CompareAndDelete(key, []byte("two"))
	if err != nil || !swapped {
		return fmt.Errorf("compare and delete: %v, %v", swapped, err)
	}
	if _, found, _, err = cl.Get(key); err != nil || found {
		return fmt.Errorf("get of a deleted key: %v, %v", found, err)
	}
	return nil
}

// splitAt splits the only region between some keys, with one on each side of the border, and scans across it.
func splitAt(p world.Proc, c *cluster.Real, border string) error {
	cl := c.Client(p)
	keys := []string{"b", "l", border, "n"}
	for _, k := range keys {
		if _, err := cl.Put([]byte(k), []byte("v"+k)); err != nil {
			return err
		}
	}
	halves, err := cl.Split([]byte(border))
	if err != nil {
		return err
	}
	if len(halves) != 2 || string(halves[0].GetEndKey()) != border || string(halves[1].GetStartKey()) != border {
		return fmt.Errorf("split into %v", halves)
	}
	pairs, witnesses, err := cl.Scan([]byte("b"), []byte("z"), 100)
	if err != nil {
		return err
	}
	want := func(k string, kv *kvrpcpb.KvPair) bool {
		return string(kv.GetKey()) == k && string(kv.GetValue()) == "v"+k
	}
	if len(witnesses) != 2 || !slices.EqualFunc(keys, pairs, want) {
		return fmt.Errorf("scan across the border: %v, in %d pieces", pairs, len(witnesses))
	}
	return nil
}

// leaders waits until both halves have leaders, and others than not, and returns their stores.
func leaders(t *testing.T, c *cluster.Real, not world.NodeID) []world.NodeID {
	t.Helper()
	var stores []world.NodeID
	do(t, c, "leaders", func(p world.Proc) error {
		return poll(p, "leaders of both halves", func() error {
			stores = nil
			for _, r := range c.Regions() {
				if r.Leader != 0 && r.Leader != not {
					stores = append(stores, r.Leader)
				}
			}
			if len(stores) != 2 {
				return fmt.Errorf("only %v lead", stores)
			}
			return nil
		})
	})
	return stores
}

// leadAll makes a store lead every region.
func leadAll(p world.Proc, c *cluster.Real, store world.NodeID) error {
	return poll(p, "transfer", func() error {
		var waiting error
		for _, r := range c.Regions() {
			if r.Leader != store {
				err := c.TransferLeader(p, r.ID, store)
				waiting = errors.Join(waiting, fmt.Errorf("region %d is led by %d: %v", r.ID, r.Leader, err))
			}
		}
		return waiting
	})
}

func readAll(cl *client.Client, acked map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(acked)) {
		got, found, _, err := cl.Get([]byte(key))
		if err != nil || !found || string(got) != acked[key] {
			return fmt.Errorf("%s was acknowledged as %s, and is %q now (found: %v, error: %v)", key, acked[key], got, found, err)
		}
	}
	return nil
}

// poll asks until there is no error left.
func poll(p world.Proc, what string, ask func() error) error {
	for end := p.Now().Add(soon); ; p.Sleep(pollPause) {
		err := ask()
		if err == nil {
			return nil
		}
		if p.Now() >= end {
			return fmt.Errorf("%s: not within %v: %w", what, soon, err)
		}
	}
}

// writers write keys of their own until they are stopped.
type writers struct {
	c     *cluster.Real
	stops atomic.Bool
	// acked counts what each has had acknowledged, results are all of it at the end.
	acked   []atomic.Int64
	results []chan result
}

type result struct {
	acked map[string]string
	err   error
}

// startWriters starts one writer for each prefix of keys.
func startWriters(t *testing.T, c *cluster.Real, prefixes ...string) *writers {
	t.Helper()
	w := &writers{c: c, acked: make([]atomic.Int64, len(prefixes))}
	for i, prefix := range prefixes {
		done := make(chan result, 1)
		w.results = append(w.results, done)
		c.World.Go(cluster.FirstClient+world.NodeID(i), "writer "+prefix, func(p world.Proc) {
			r := result{err: errors.New("the writer was ended from outside")}
			defer func() { done <- r }()
			r.acked, r.err = w.write(c.Client(p), prefix, &w.acked[i])
		})
	}
	return w
}

// write ends with an error only for what no fault excuses.
func (w *writers) write(cl *client.Client, prefix string, count *atomic.Int64) (map[string]string, error) {
	acked := map[string]string{}
	for i := 0; !w.stops.Load(); i++ {
		key, value := fmt.Sprintf("%s%06d", prefix, i), fmt.Sprint("value ", i)
		_, err := cl.Put([]byte(key), []byte(value))
		switch {
		case err == nil:
			acked[key] = value
			count.Add(1)
		case errors.Is(err, client.ErrOutcomeUnknown), errors.Is(err, client.ErrNotExecuted):
		default:
			return acked, err
		}
	}
	return acked, nil
}

// awaitMore waits until every writer has made some progress from now on.
func (w *writers) awaitMore(t *testing.T) {
	t.Helper()
	var target []int64
	for i := range w.acked {
		target = append(target, w.acked[i].Load()+ackedMin)
	}
	do(t, w.c, "await writes", func(p world.Proc) error {
		return poll(p, "writes", func() error {
			for i := range w.acked {
				if n := w.acked[i].Load(); n < target[i] {
					return fmt.Errorf("writer %d has had %d writes acknowledged, want %d", i, n, target[i])
				}
			}
			return nil
		})
	})
}

// stop ends the writers and returns everything that was acknowledged to any of them.
func (w *writers) stop(t *testing.T) map[string]string {
	t.Helper()
	w.stops.Store(true)
	all := map[string]string{}
	for _, done := range w.results {
		r := <-done
		require.NoError(t, r.err)
		maps.Copy(all, r.acked)
	}
	return all
}
