package engine

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// TestDamagedLogIsRefused flips bits of whatever was synced to a log, in all of its bytes, and has the disk opened.
func TestDamagedLogIsRefused(t *testing.T) {
	t.Parallel()
	// The last one goes over the end of a block. Of a long record few bytes are tried: Pebble looks long for the bit that was flipped.
	for _, sizes := range [][]int{{10, 10, 10}, {100, 28_000, 5000, 100}} {
		for _, torn := range []bool{false, true} {
			d := NewSimDisk()
			e := open(t, d)
			for i, size := range sizes {
				numbered(e, i, i+1, size)
			}
			numbered(e, len(sizes), len(sizes)+1, 50)
			keep := uint64(len(sizes))
			require.Equal(t, uint64(1), d.Crash(keep, torn))
			log, synced := theLog(t, d)
			for at := 0; at < synced; at++ {
				if synced > 1000 && at%1999 != 0 && at != logBlock+5 {
					continue
				}
				d.fs.flipBit(log, at, uint(at%8))
				_, err := d.Open()
				var damaged *LogDamagedError
				if err == nil {
					require.NoError(t, d.Close())
					t.Fatalf("values of %d bytes, torn %v: nobody noticed damage at byte %d of %d", sizes, torn, at, synced)
				}
				require.ErrorAs(t, err, &damaged, "at byte %d of %d", at, synced)
				require.Equal(t, int64(synced), damaged.Synced)
				require.LessOrEqual(t, damaged.At, int64(at))
				d.fs.flipBit(log, at, uint(at%8))
			}
			requireNumbered(t, open(t, d), int(keep))
			require.NoError(t, d.Close())
		}
	}
}

// theLog returns the write-ahead log of a closed disk, and how much of it counts.
func theLog(t *testing.T, d *SimDisk) (name string, synced int) {
	t.Helper()
	content, err := readFile(d.fs, folder+"/"+markName)
	require.NoError(t, err)
	m, ok := decodeMark(content)
	require.True(t, ok)
	name, err = logNamed(d.fs, folder, m.log)
	require.NoError(t, err)
	return name, int(m.synced)
}

func TestRotLog(t *testing.T) {
	t.Parallel()
	d := NewSimDisk()
	what, err := d.RotLog(7)
	require.NoError(t, err)
	require.Empty(t, what, "it has no log")
	numbered(open(t, d), 0, 10, 30)
	_, err = d.RotLog(7)
	require.EqualError(t, err, "rot: the simulated disk is open")
	require.Zero(t, d.Crash(10, false))
	for n := range uint64(3000) {
		log, synced := theLog(t, d)
		before, _ := d.fs.durableContent(log)
		before = append([]byte{}, before...)
		what, err := d.RotLog(n)
		require.NoError(t, err)
		require.NotEmpty(t, what)
		require.Error(t, checkLog(d.fs, folder), what)
		require.LessOrEqual(t, synced, len(before))
		after, _ := d.fs.durableContent(log)
		copy(after, before) // as good as new
	}
	requireNumbered(t, open(t, d), 10)
	require.NoError(t, d.Close())
}

// TestClosedLogIsWhole: the end of a log that was closed in order is none too early.
func TestClosedLogIsWhole(t *testing.T) {
	t.Parallel()
	for size := 32_600; size < 32_768; size++ {
		d := NewSimDisk()
		numbered(open(t, d), 0, 1, size)
		require.NoError(t, d.Close())
		requireNumbered(t, open(t, d), 1)
		require.NoError(t, d.Close())
	}
}

// TestDirDiskNotesWhatIsSynced: damage to a real log is noticed wherever it is, be the disk closed in order or not.
func TestDirDiskNotesWhatIsSynced(t *testing.T) {
	t.Parallel()
	for how, leave := range map[string]func(t *testing.T, d *DirDisk, e *Engine) string{
		"closed": func(t *testing.T, d *DirDisk, e *Engine) string {
			require.NoError(t, d.Close())
			return d.path
		},
		"killed": func(t *testing.T, d *DirDisk, e *Engine) string {
			numbered(e, 40, 41, 10) // not synced
			left := filepath.Join(t.TempDir(), "left")
			require.NoError(t, os.CopyFS(left, os.DirFS(d.path)))
			require.NoError(t, d.Close())
			return left
		},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			d := NewDirDisk(t.TempDir())
			e := open(t, d)
			for i := range 40 {
				numbered(e, i, i+1, 50*i)
				require.NoError(t, d.Sync())
			}
			path := leave(t, d, e)
			content, err := os.ReadFile(filepath.Join(path, markName))
			require.NoError(t, err)
			require.LessOrEqual(t, len(content), markBytes*markPlaces)
			m, ok := decodeMark(content)
			require.True(t, ok)
			name, err := logNamed(vfs.Default, path, m.log)
			require.NoError(t, err)
			log := filepath.Join(path, name)
			whole, err := os.ReadFile(log)
			require.NoError(t, err)
			require.NotEmpty(t, whole[:m.synced])
			records, err := readRecords(whole[:m.synced], m.log)
			require.NoError(t, err)
			for _, r := range records {
				bad := append([]byte{}, whole...)
				bad[r.end-1] ^= 4
				require.NoError(t, os.WriteFile(log, bad, 0o600))
				_, err := NewDirDisk(path).Open()
				var damaged *LogDamagedError
				require.ErrorAs(t, err, &damaged)
			}
			require.NoError(t, os.WriteFile(log, whole[:m.synced-1], 0o600))
			if how == "killed" {
				_, err = NewDirDisk(path).Open()
				require.ErrorContains(t, err, "is damaged")
			}
			require.NoError(t, os.WriteFile(log, whole, 0o600))
			after := NewDirDisk(path)
			_, ok = open(t, after).Get([]byte("000039"))
			require.True(t, ok)
			require.NoError(t, after.Close())
		})
	}
}

func TestMarkOfTwoPlaces(t *testing.T) {
	t.Parallel()
	a, b := logMark{log: 3, synced: 70, count: 8}, logMark{log: 3, synced: 90, count: 9}
	content := append(a.encode(), b.encode()...)
	m, ok := decodeMark(content)
	require.True(t, ok)
	require.Equal(t, b, m)
	content[markBytes+9] ^= 1
	m, ok = decodeMark(content)
	require.True(t, ok)
	require.Equal(t, a, m, "the later one was torn")
	content[0] ^= 1
	_, ok = decodeMark(content)
	require.False(t, ok)
	_, ok = decodeMark(make([]byte, markBytes*markPlaces))
	require.False(t, ok)
}
