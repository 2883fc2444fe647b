package client_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/proto/kvrpcpb"
	"ordeal/proto/metapb"
	"ordeal/proto/pdpb"
	"ordeal/system/client"
	"ordeal/system/client/clienttest"
	"ordeal/system/region"
	"ordeal/world"
)

// eventsMax ends a test whose client runs for ever.
const eventsMax = 5_000_000

// within runs f as the only client of a cluster.
func within(t *testing.T, c *clienttest.Cluster, opts client.Options, f func(world.Proc, *client.Client)) {
	t.Helper()
	done := false
	c.Go(func(p world.Proc) {
		f(p, client.New(p, []world.Addr{clienttest.PDAddr}, opts))
		done = true
	})
	require.True(t, c.Run(eventsMax), "the client is still at it")
	require.True(t, done)
}

func key(i int) []byte { return fmt.Appendf(nil, "k%03d", i) }

func anyKey(r *rand.Rand) []byte { return key(r.IntN(1000)) }

func TestOperations(t *testing.T) {
	t.Parallel()
	c := clienttest.New(1, 3, key(500))
	within(t, c, client.Options{}, func(_ world.Proc, cl *client.Client) {
		k := key(1)
		_, found, w, err := cl.Get(k)
		require.NoError(t, err)
		require.False(t, found)
		require.NotZero(t, w.GetRegionId())

		w, err = cl.Put(k, nil)
		require.NoError(t, err)
		require.NotZero(t, w.GetApplyIndex())
		value, found, _, err := cl.Get(k)
		require.NoError(t, err)
		require.True(t, found, "an empty value is not an absent key")
		require.Empty(t, value)

		swapped, seen, seenFound, _, err := cl.CompareAndSwap(k, nil, true, []byte("x"))
		require.NoError(t, err)
		require.Equal(t, []any{false, true, ""}, []any{swapped, seenFound, string(seen)})
		swapped, _, seenFound, _, err = cl.CompareAndSwap(k, nil, false, []byte("x"))
		require.NoError(t, err)
		require.Equal(t, []any{true, true}, []any{swapped, seenFound})
		swapped, seen, _, _, err = cl.CompareAndDelete(k, []byte("y"))
		require.NoError(t, err)
		require.Equal(t, []any{false, "x"}, []any{swapped, string(seen)})
		swapped, _, _, _, err = cl.CompareAndDelete(k, []byte("x"))
		require.NoError(t, err)
		require.True(t, swapped)
		swapped, _, seenFound, _, err = cl.CompareAndSwap(k, nil, true, []byte("z"))
		require.NoError(t, err)
		require.Equal(t, []any{true, false}, []any{swapped, seenFound})
		_, err = cl.Delete(k)
		require.NoError(t, err)
		_, found, _, err = cl.Get(k)
		require.NoError(t, err)
		require.False(t, found)
	})
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	c := clienttest.New(1, 4, key(500))
	within(t, c, client.Options{}, func(_ world.Proc, cl *client.Client) {
		stores, err := cl.Stores()
		require.NoError(t, err)
		require.Len(t, stores, 4)
		halves, err := cl.Split(key(250))
		require.NoError(t, err)
		require.Len(t, halves, 2)
		require.Equal(t, key(250), halves[0].GetEndKey())
		require.Equal(t, key(250), halves[1].GetStartKey())
		c.Report()
		regions, err := cl.Regions()
		require.NoError(t, err)
		require.Len(t, regions, 3)
		r, leader, err := cl.LocateRegion(key(300))
		require.NoError(t, err)
		require.Equal(t, halves[1].GetId(), r.GetId())

		id, err := cl.AllocID()
		require.NoError(t, err)
		grown, err := cl.ChangePeer(r, pdpb.ConfChangeType_AddNode, &metapb.Peer{Id: id, StoreId: 4})
		require.NoError(t, err)
		require.Len(t, grown.GetPeers(), 4)
		to := region.FindPeer(grown, 4)
		require.NoError(t, cl.TransferLeader(grown, to))
		status, told, err := cl.Status(grown, to)
		require.NoError(t, err)
		require.Equal(t, to.GetId(), status.GetLeader().GetId())
		require.Equal(t, grown.GetRegionEpoch().GetConfVer(), told.GetRegionEpoch().GetConfVer())
		_, _, err = cl.Status(grown, leader)
		require.ErrorIs(t, err, client.ErrNotExecuted, "this store answers only for the leader")

		require.NoError(t, cl.Merge(halves[0], grown))
		c.Report()
		k := key(100)
		_, err = cl.Put(k, []byte("in the merged region"))
		require.NoError(t, err)
		r, _, err = cl.LocateRegion(k)
		require.NoError(t, err)
		require.Equal(t, grown.GetId(), r.GetId())
		require.ErrorIs(t, cl.Merge(halves[0], grown), client.ErrNotExecuted, "it is gone")

		_, err = cl.Split(key(300))
		require.NoError(t, err)
		_, err = cl.ChangePeer(grown, pdpb.ConfChangeType_RemoveNode, leader)
		require.ErrorIs(t, err, client.ErrNotExecuted, "the region it was meant for has changed")
	})
}

// TestScan reads across borders that move while it does.
func TestScan(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		c := clienttest.New(seed, 4, key(300), key(600))
		var want []string
		within(t, c, client.Options{}, func(_ world.Proc, cl *client.Client) {
			for i := 0; i < 1000; i += 7 {
				want = append(want, string(key(i)))
				_, err := cl.Put(key(i), []byte("v"))
				require.NoError(t, err)
			}
		})
		c.Trouble(2*time.Millisecond, time.Duration(c.Now())+400*time.Millisecond, anyKey)
		within(t, c, client.Options{}, func(p world.Proc, cl *client.Client) {
			for range 60 {
				from, to := p.Rand().IntN(1000), p.Rand().IntN(1000)
				if from >= to {
					continue
				}
				limit := 1 + p.Rand().IntN(200)
				pairs, witnesses, err := cl.Scan(key(from), key(to), limit)
				require.NoError(t, err)
				require.Equal(t, between(want, string(key(from)), string(key(to)), limit), keysOf(pairs), "seed %d", seed)
				require.NotEmpty(t, witnesses)
			}
			pairs, witnesses, err := cl.Scan(nil, nil, len(want))
			require.NoError(t, err)
			require.Equal(t, want, keysOf(pairs))
			require.Greater(t, len(witnesses), 2)
		})
	}
}

// TestScanOfLargeValues: a store stops at its bound in bytes, in the middle of the region.
func TestScanOfLargeValues(t *testing.T) {
	t.Parallel()
	c := clienttest.New(1, 3, key(5))
	within(t, c, client.Options{}, func(_ world.Proc, cl *client.Client) {
		var want []string
		for i := range 14 {
			want = append(want, string(key(i)))
			_, err := cl.Put(key(i), make([]byte, region.MaxValueSize))
			require.NoError(t, err)
		}
		pairs, witnesses, err := cl.Scan(key(0), nil, 100)
		require.NoError(t, err)
		require.Equal(t, want, keysOf(pairs))
		require.Len(t, witnesses, 2+3)
		pairs, witnesses, err = cl.Scan(key(0), append(key(3), 0), 100)
		require.NoError(t, err)
		require.Equal(t, want[:4], keysOf(pairs))
		require.Len(t, witnesses, 1, "the last pair ends the range")
	})
}

func between(keys []string, from, to string, limit int) []string {
	in := []string{}
	for _, k := range keys {
		if from <= k && k < to && len(in) < limit {
			in = append(in, k)
		}
	}
	return in
}

func keysOf(pairs []*kvrpcpb.KvPair) []string {
	keys := []string{}
	for _, p := range pairs {
		keys = append(keys, string(p.GetKey()))
	}
	return keys
}

// TestOutcomes holds what clients are told against what happened: done is exactly once, not executed is never, and
// unknown at most once.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	told := map[string]int{}
	for seed := range uint64(20) {
		c := clienttest.New(seed, 5, key(250), key(500), key(750))
		c.Faults = clienttest.Faults{LoseRequest: 0.02, LoseReply: 0.02, Slow: 0.02, Busy: 0.1, Undetermined: 0.01}
		c.Trouble(5*time.Millisecond, 20*time.Second, anyKey)
		outcomes := map[string]error{}
		for id := range 4 {
			c.Go(func(p world.Proc) {
				cl := client.New(p, []world.Addr{clienttest.PDAddr}, client.Options{OpTimeout: 2 * time.Second})
				for n := 0; p.Now() < world.Time(20*time.Second); n++ {
					value := fmt.Sprintf("c%d-%d", id, n)
					_, outcomes[value] = cl.Put(anyKey(p.Rand()), []byte(value))
				}
			})
		}
		require.True(t, c.Run(eventsMax))
		for value, err := range outcomes {
			n := c.Applied[value]
			switch {
			case err == nil:
				told["done"]++
				require.Equal(t, 1, n, "seed %d, %s", seed, value)
			case errors.Is(err, client.ErrOutcomeUnknown):
				told[fmt.Sprintf("unknown, applied %d times", n)]++
				require.LessOrEqual(t, n, 1, "seed %d, %s: %v", seed, value, err)
			default:
				require.ErrorIs(t, err, client.ErrNotExecuted)
				told["not executed"]++
				require.Zero(t, n, "seed %d, %s: %v", seed, value, err)
			}
		}
	}
	t.Log(told)
	require.Greater(t, told["done"], 5_000)
	require.NotZero(t, told["not executed"])
	require.NotZero(t, told["unknown, applied 0 times"])
	require.NotZero(t, told["unknown, applied 1 times"])
}

// TestSameSeedSameRun: nothing in a client depends on chance other than its Proc's.
func TestSameSeedSameRun(t *testing.T) {
	t.Parallel()
	run := func() (results []string) {
		c := clienttest.New(7, 5, key(500))
		c.Faults = clienttest.Faults{LoseRequest: 0.05, LoseReply: 0.05, Slow: 0.05, Busy: 0.1}
		c.Trouble(5*time.Millisecond, 5*time.Second, anyKey)
		within(t, c, client.Options{}, func(p world.Proc, cl *client.Client) {
			for p.Now() < world.Time(5*time.Second) {
				w, err := cl.Put(anyKey(p.Rand()), []byte("v"))
				results = append(results, fmt.Sprint(p.Now(), w.GetRegionId(), w.GetApplyIndex(), err))
			}
		})
		return results
	}
	require.Equal(t, run(), run())
}
