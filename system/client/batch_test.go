package client_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/proto/kvrpcpb"
	"ordeal/system/client"
	"ordeal/system/client/clienttest"
	"ordeal/system/region"
	"ordeal/world"
)

func pairsAt(value string, at ...int) []*kvrpcpb.KvPair {
	var pairs []*kvrpcpb.KvPair
	for _, i := range at {
		pairs = append(pairs, &kvrpcpb.KvPair{Key: key(i), Value: []byte(value)})
	}
	return pairs
}

func TestBatches(t *testing.T) {
	t.Parallel()
	c := clienttest.New(1, 3, key(500))
	within(t, c, client.Options{}, func(_ world.Proc, cl *client.Client) {
		w, err := cl.BatchPut(pairsAt("x", 1, 3, 2))
		require.NoError(t, err)
		require.NotZero(t, w.GetRegionId())
		_, err = cl.Put(key(600), nil)
		require.NoError(t, err)
		values, witnesses, err := cl.BatchGet([][]byte{key(600), key(3), key(4), key(1), key(3)})
		require.NoError(t, err)
		require.Len(t, witnesses, 2, "one for each region")
		x := client.Value{Value: []byte("x"), Found: true}
		require.Equal(t, []client.Value{{Found: true}, x, {}, x, x}, values)

		_, err = cl.BatchPut(pairsAt("y", 1, 600))
		require.ErrorIs(t, err, client.ErrSpansRegions)
		require.ErrorIs(t, err, client.ErrNotExecuted)
		require.ErrorContains(t, err, "k600 lies outside of r", "the error names the border")
		require.ErrorContains(t, err, ",k500)")
		require.Zero(t, c.Applied["y"])
		_, err = cl.Split(key(2))
		require.NoError(t, err)
		_, err = cl.BatchPut(pairsAt("y", 1, 3))
		require.ErrorIs(t, err, client.ErrSpansRegions)
		require.Zero(t, c.Applied["y"])
	})
}

func TestInvalidArguments(t *testing.T) {
	t.Parallel()
	c := clienttest.New(1, 3)
	long, large := make([]byte, region.MaxKeySize+1), make([]byte, region.MaxValueSize+1)
	within(t, c, client.Options{}, func(_ world.Proc, cl *client.Client) {
		many := make([]*kvrpcpb.KvPair, region.BatchKeysMax+1)
		var heavy []*kvrpcpb.KvPair
		for i := range region.BatchBytesMax / region.MaxValueSize {
			heavy = append(heavy, &kvrpcpb.KvPair{Key: key(i), Value: make([]byte, region.MaxValueSize)})
		}
		for what, do := range map[string]func() error{
			"get":             func() error { _, _, _, err := cl.Get(nil); return err },
			"get long":        func() error { _, _, _, err := cl.Get(long); return err },
			"put":             func() error { _, err := cl.Put(nil, nil); return err },
			"put large":       func() error { _, err := cl.Put(key(1), large); return err },
			"delete":          func() error { _, err := cl.Delete(nil); return err },
			"cas":             func() error { _, _, _, _, err := cl.CompareAndSwap(nil, nil, true, nil); return err },
			"cas large":       func() error { _, _, _, _, err := cl.CompareAndSwap(key(1), large, false, nil); return err },
			"cad":             func() error { _, _, _, _, err := cl.CompareAndDelete(nil, nil); return err },
			"batch get":       func() error { _, _, err := cl.BatchGet([][]byte{key(1), {}}); return err },
			"batch get none":  func() error { _, _, err := cl.BatchGet(nil); return err },
			"batch put":       func() error { _, err := cl.BatchPut([]*kvrpcpb.KvPair{{}}); return err },
			"batch put none":  func() error { _, err := cl.BatchPut(nil); return err },
			"batch put many":  func() error { _, err := cl.BatchPut(many); return err },
			"batch put heavy": func() error { _, err := cl.BatchPut(heavy); return err },
			"delete range":    func() error { _, _, err := cl.DeleteRange(key(2), key(1)); return err },
			"scan":            func() error { _, _, err := cl.Scan(key(1), nil, 0); return err },
			"reverse scan":    func() error { _, _, err := cl.ReverseScan(long, nil, 1); return err },
		} {
			require.ErrorIs(t, do(), client.ErrInvalid, what)
		}
	})
}

// TestReverseScan reads downwards across borders that move while it does, from leaders and from any replica.
func TestReverseScan(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		c := clienttest.New(seed, 4, key(300), key(600))
		var want []string
		opts := client.Options{ReadFrom: client.ReadFrom(seed % 2)}
		within(t, c, opts, func(_ world.Proc, cl *client.Client) {
			for i := 0; i < 1000; i += 7 {
				want = append(want, string(key(i)))
				_, err := cl.Put(key(i), []byte("v"))
				require.NoError(t, err)
			}
		})
		c.Trouble(2*time.Millisecond, time.Duration(c.Now())+400*time.Millisecond, anyKey)
		within(t, c, opts, func(p world.Proc, cl *client.Client) {
			for range 40 {
				from, to := p.Rand().IntN(1000), p.Rand().IntN(1000)
				if from >= to {
					continue
				}
				limit := 1 + p.Rand().IntN(200)
				pairs, witnesses, err := cl.ReverseScan(key(from), key(to), limit)
				require.NoError(t, err)
				in := between(want, string(key(from)), string(key(to)), len(want))
				slices.Reverse(in)
				require.Equal(t, in[:min(limit, len(in))], keysOf(pairs), "seed %d", seed)
				require.NotEmpty(t, witnesses)
			}
			pairs, _, err := cl.ReverseScan(nil, nil, len(want))
			require.NoError(t, err)
			got := keysOf(pairs)
			slices.Reverse(got)
			require.Equal(t, want, got)
		})
	}
}

// TestDeleteRange deletes across borders, and says how far it came.
func TestDeleteRange(t *testing.T) {
	t.Parallel()
	told := map[string]int{}
	for seed := range uint64(60) {
		c := clienttest.New(seed, 4, key(300), key(600))
		within(t, c, client.Options{}, func(_ world.Proc, cl *client.Client) {
			for i := 0; i < 1000; i += 50 {
				_, err := cl.Put(key(i), []byte("v"))
				require.NoError(t, err)
			}
			c.Faults = clienttest.Faults{LoseRequest: 0.05, LoseReply: 0.05, Busy: 0.3, Undetermined: 0.1}
			c.Trouble(2*time.Millisecond, time.Duration(c.Now())+100*time.Millisecond, anyKey)
			from, to := key(130), key(820)
			done, witnesses, err := cl.DeleteRange(from, to)
			switch {
			case err == nil:
				told["done"]++
				require.Equal(t, to, done)
				require.NotEmpty(t, witnesses)
			case errors.Is(err, client.ErrOutcomeUnknown):
				told["unknown"]++
			default:
				require.ErrorIs(t, err, client.ErrNotExecuted)
				done = from
			}
			c.Faults = clienttest.Faults{}
			for i := 0; i < 1000; i += 50 {
				_, found := c.Value(key(i))
				switch {
				case bytes.Compare(key(i), from) < 0, bytes.Compare(key(i), to) >= 0:
					require.True(t, found, "seed %d: key %d is outside", seed, i)
				case bytes.Compare(key(i), done) < 0:
					require.False(t, found, "seed %d: key %d was deleted", seed, i)
				case !errors.Is(err, client.ErrOutcomeUnknown):
					require.Equal(t, err != nil, found, "seed %d: key %d", seed, i)
				}
			}
		})
	}
	require.NotZero(t, told["done"], fmt.Sprint(told))
	require.NotZero(t, told["unknown"], fmt.Sprint(told))
}
