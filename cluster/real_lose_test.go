package cluster_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/cluster"
)

// TestRealStoreWithAnEmptyFolder: a store that lost its folder is refused under its old id, and the others serve without it.
func TestRealStoreWithAnEmptyFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	refused := make(chan string, 1)
	cfg := cluster.DefaultRealConfig()
	cfg.Store.Listener.Refused = func(store uint64, why string) {
		if store != 2 {
			panic("this one has its folder")
		}
		select {
		case refused <- why:
		default:
		}
	}
	c, err := cluster.NewReal(cfg, dir)
	require.NoError(t, err)
	require.NoError(t, c.Start())
	require.NoError(t, c.Close())
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "s2")))

	c, err = cluster.NewReal(cfg, dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	require.Contains(t, <-refused, "store 2 is known with disk")
}
