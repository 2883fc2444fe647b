package engine

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestViewStaysAsItWas(t *testing.T) {
	t.Parallel()
	d := NewSimDisk()
	e := open(t, d)
	numbered(e, 0, 10, 1000)
	before := e.View()
	want, pairs := e.Hash(nil, nil)
	require.Equal(t, 10, pairs)
	// Overwritten, deleted, flushed and compacted: the view shows none of it.
	numbered(e, 0, 5000, 1000)
	b := e.NewBatch()
	b.DeleteRange([]byte("000003"), []byte("000007"))
	e.Commit(b)
	numbered(e, 5000, 6000, 1000)
	got, pairs, err := before.Hash(nil, nil)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, 10, pairs)
	before.Close()
	before.Close()
	require.NoError(t, d.Close())
}

func TestViewsEndWithTheDisk(t *testing.T) {
	t.Parallel()
	d := NewSimDisk()
	e := open(t, d)
	numbered(e, 0, 5, 10)
	left := e.View()
	require.Equal(t, uint64(2), d.Crash(3, true))
	left.Close() // by somebody who does not know yet
	e = open(t, d)
	e.View()
	require.NoError(t, d.Close())
	requireNumbered(t, open(t, d), 3)
	require.NoError(t, d.Close())

	dir := NewDirDisk(t.TempDir())
	e, err := dir.Open()
	require.NoError(t, err)
	e.View()
	require.NoError(t, dir.Close())
}

func TestViewsAreBounded(t *testing.T) {
	t.Parallel()
	d := NewSimDisk()
	e := open(t, d)
	for range MaxViews {
		e.View()
	}
	require.PanicsWithValue(t, fmt.Sprintf("engine: %d views are open: somebody does not close them", MaxViews), func() { e.View() })
	require.NoError(t, d.Close())
}

// TestViewsDoNotShow crashes disks with and without a view open: what is durable when depends on commits alone.
func TestViewsDoNotShow(t *testing.T) {
	t.Parallel()
	durable := func(views bool) (marks []uint64) {
		d := NewSimDisk()
		e := open(t, d)
		for i := range 300 {
			if views && i%50 == 10 {
				e.View()
			}
			numbered(e, i*10, i*10+10, 1000)
			marks = append(marks, d.Durable())
		}
		d.Crash(d.Position(), false)
		return marks
	}
	require.Equal(t, durable(false), durable(true))
}
