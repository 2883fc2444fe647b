package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/world"
	"ordeal/world/sim"
)

func TestSimStartsAndServes(t *testing.T) {
	t.Parallel()
	net := sim.DefaultNet()
	net.Loss = 0 // where a message can be lost, a write may end unknown
	w := sim.New(sim.Config{Seed: 1, Net: net, CheckPayloads: true})
	defer w.Close()
	cfg := DefaultConfig()
	cfg.Clients = 1
	for i := 1; i < 8; i++ {
		cfg.SplitKeys = append(cfg.SplitKeys, []byte(fmt.Sprintf("k%d", i)))
	}
	c, err := NewSim(w, cfg)
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Logf("ready at %v, %d events", w.Now(), w.Events())
	for _, r := range c.Regions() {
		t.Logf("%+v", r)
	}
	done := false
	w.Go(FirstClient, "c0", func(p world.Proc) {
		cl := c.Client(p)
		for i := range 100 {
			key := []byte(fmt.Sprintf("k%d-%d", i%10, i))
			_, err := cl.Put(key, []byte{byte(i)})
			require.NoError(t, err)
			v, ok, _, err := cl.Get(key)
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, []byte{byte(i)}, v)
		}
		kvs, _, err := cl.Scan([]byte("k"), nil, 1000)
		require.NoError(t, err)
		require.Len(t, kvs, 100)
		done = true
	})
	require.True(t, w.RunWhile(func() bool { return !done }, w.Now().Add(30*time.Second)))
	require.Empty(t, c.Settle(10*time.Second))
	for _, r := range c.Replicas() {
		t.Logf("%+v", r)
	}
}
