package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDirDiskSurvivesItsObject(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "not", "there", "yet")
	d := NewDirDisk(path)
	commit(open(t, d), [2]string{"a", "1"})
	require.NoError(t, d.Close())

	again := NewDirDisk(path)
	require.Equal(t, "a=1 ", dump(open(t, again), "", ""))
	require.NoError(t, again.Close())
}

func TestDirDiskSyncedCommitsSurviveAKill(t *testing.T) {
	t.Parallel()
	d := NewDirDisk(t.TempDir())
	e := open(t, d)
	commit(e, [2]string{"synced", "1"})
	require.NoError(t, d.Sync())

	// What a killed process leaves is what its files hold at that moment.
	left := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(left, "copy"), os.DirFS(d.path)))
	require.NoError(t, d.Close())

	after := NewDirDisk(filepath.Join(left, "copy"))
	require.Equal(t, "synced=1 ", dump(open(t, after), "", ""))
	require.NoError(t, after.Close())
}

func TestDirDiskErrors(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "disk")
	d := NewDirDisk(path)
	open(t, d)
	_, err := NewDirDisk(path).Open()
	require.ErrorContains(t, err, path)
	require.ErrorContains(t, err, "another process")
	require.PanicsWithValue(t, fmt.Sprintf("engine: disk %s is real and can't be crashed; kill its process instead", path),
		func() { d.Crash(0, false) })
	require.NoError(t, d.Close())

	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = NewDirDisk(file).Open()
	require.ErrorContains(t, err, file)
}

// TestDirDiskFromManyGoroutines is for the race detector: shards commit and read while others sync, and close at the end.
func TestDirDiskFromManyGoroutines(t *testing.T) {
	t.Parallel()
	const shards, commits = 4, 50
	d := NewDirDisk(t.TempDir())
	e := open(t, d)
	var wg sync.WaitGroup
	for s := range shards {
		wg.Go(func() {
			b := e.NewBatch()
			for i := range commits {
				b.Put([]byte(fmt.Sprintf("%d/%d", s, i)), []byte("x"))
				e.Commit(b)
				before := d.Position()
				if i%10 == 0 && d.Sync() != nil {
					panic("sync failed")
				}
				if _, ok := e.Get([]byte(fmt.Sprintf("%d/%d", s, i))); !ok || d.Position() < before {
					panic("a commit does not show")
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, uint64(shards*commits), d.Position())
	_, pairs := e.Hash(nil, nil)
	require.Equal(t, shards*commits, pairs)
	require.NoError(t, d.Close())
}
