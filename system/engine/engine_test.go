package engine

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// onBothDisks runs a test on an empty disk of each kind.
func onBothDisks(t *testing.T, test func(t *testing.T, d Disk)) {
	t.Parallel()
	for name, disk := range map[string]func() Disk{
		"sim": func() Disk { return NewSimDisk() },
		"dir": func() Disk { return NewDirDisk(t.TempDir()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := disk()
			t.Cleanup(func() { require.NoError(t, d.Close()) })
			test(t, d)
		})
	}
}

func open(t *testing.T, d Disk) *Engine {
	t.Helper()
	e, err := d.Open()
	require.NoError(t, err)
	return e
}

// commit writes pairs in one batch.
func commit(e *Engine, pairs ...[2]string) {
	b := e.NewBatch()
	for _, p := range pairs {
		b.Put([]byte(p[0]), []byte(p[1]))
	}
	e.Commit(b)
}

// dump prints the pairs in [start, end).
func dump(e *Engine, start, end string) string {
	out := ""
	e.Scan([]byte(start), []byte(end), func(k, v []byte) bool {
		out += fmt.Sprintf("%s=%s ", k, v)
		return true
	})
	return out
}

func TestBatch(t *testing.T) {
	onBothDisks(t, func(t *testing.T, d Disk) {
		e := open(t, d)
		b := e.NewBatch()
		require.True(t, b.Empty())
		require.Zero(t, b.Count())
		e.Commit(b)
		require.Zero(t, d.Position(), "an empty batch is no commit")

		b.Put([]byte("a"), []byte("1"))
		b.Put([]byte("b"), []byte("2"))
		b.Put([]byte("c"), nil)
		b.Delete([]byte("a"))
		b.Delete([]byte("never there"))
		b.Put([]byte("b"), []byte("3"))
		require.False(t, b.Empty())
		require.Equal(t, 6, b.Count())
		require.Greater(t, b.Size(), 20)
		require.Empty(t, dump(e, "", ""), "nothing shows before the commit")
		e.Commit(b)
		require.Equal(t, "b=3 c= ", dump(e, "", ""), "the last write to a key counts")
		require.Equal(t, uint64(1), d.Position())
		require.True(t, b.Empty(), "a commit empties the batch")

		b.Put([]byte("d"), []byte("4"))
		b.DeleteRange([]byte("b"), []byte("d"))
		e.Commit(b)
		require.Equal(t, "d=4 ", dump(e, "", ""), "the end is not deleted")

		b.Put([]byte("e"), []byte("5"))
		b.Reset()
		require.True(t, b.Empty())
		b.DeleteRange([]byte("e"), []byte("a"))
		b.DeleteRange([]byte("d"), []byte("d"))
		require.True(t, b.Empty(), "nothing lies between crossed bounds")
		require.Panics(t, func() { b.DeleteRange([]byte("a"), nil) })
		require.Equal(t, uint64(2), d.Position())
	})
}

func TestBatchCopies(t *testing.T) {
	onBothDisks(t, func(t *testing.T, d Disk) {
		e := open(t, d)
		k, v := []byte("key"), []byte("value")
		b := e.NewBatch()
		b.Put(k, v)
		k[0], v[0] = 'X', 'X'
		e.Commit(b)
		require.Equal(t, "key=value ", dump(e, "", ""))

		got, ok := e.Get([]byte("key"))
		require.True(t, ok)
		got[0] = 'X'
		got, _ = e.Get([]byte("key"))
		require.Equal(t, "value", string(got), "the caller owns what Get returned")
	})
}

func TestGet(t *testing.T) {
	onBothDisks(t, func(t *testing.T, d Disk) {
		e := open(t, d)
		commit(e, [2]string{"a", "1"}, [2]string{"empty", ""})
		v, ok := e.Get([]byte("a"))
		require.True(t, ok)
		require.Equal(t, "1", string(v))
		v, ok = e.Get([]byte("empty"))
		require.True(t, ok)
		require.NotNil(t, v)
		require.Empty(t, v)
		v, ok = e.Get([]byte("b"))
		require.False(t, ok)
		require.Nil(t, v)
	})
}

func TestScan(t *testing.T) {
	onBothDisks(t, func(t *testing.T, d Disk) {
		e := open(t, d)
		commit(e, [2]string{"a1", ""}, [2]string{"a2", ""}, [2]string{"a3", ""}, [2]string{"b1", ""}, [2]string{"\xff\xff", ""})
		for _, c := range []struct {
			start, end string
			limit      int
			forward    string
			backward   string
		}{
			{"a1", "a3", 99, "a1 a2 ", "a2 a1 "},
			{"a1", "a3", 1, "a1 ", "a2 "},
			{"a2", "", 99, "a2 a3 ", "a3 a2 "},
			{"b", "", 99, "b1 ", "b1 "},
			{"c", "", 99, "", ""},
			{"\xff", "", 99, "\xff\xff ", "\xff\xff "},
			{"", "", 99, "a1 a2 a3 b1 \xff\xff ", "\xff\xff b1 a3 a2 a1 "},
			{"", "a2", 99, "a1 ", "a1 "},
			{"a3", "a1", 99, "", ""},
			{"a1", "a1", 99, "", ""},
		} {
			got := ""
			collect := func(k, _ []byte) bool {
				got += string(k) + " "
				return len(got) < c.limit
			}
			e.Scan([]byte(c.start), []byte(c.end), collect)
			require.Equal(t, c.forward, got, "scan %q to %q", c.start, c.end)
			got = ""
			e.ReverseScan([]byte(c.start), []byte(c.end), collect)
			require.Equal(t, c.backward, got, "reverse scan %q to %q", c.start, c.end)
		}
	})
}

func TestScanDoesNotSeeItsOwnCommits(t *testing.T) {
	onBothDisks(t, func(t *testing.T, d Disk) {
		e := open(t, d)
		commit(e, [2]string{"a", "1"})
		seen := 0
		e.Scan([]byte("a"), nil, func(k, _ []byte) bool {
			seen++
			commit(e, [2]string{string(k) + "+", ""})
			return seen < 10
		})
		require.Equal(t, 1, seen)
		require.Equal(t, "a=1 a+= ", dump(e, "", ""))
	})
}

func TestHash(t *testing.T) {
	onBothDisks(t, func(t *testing.T, d Disk) {
		e := open(t, d)
		empty, pairs := e.Hash(nil, nil)
		require.Zero(t, pairs)
		seen := map[uint64]string{empty: "nothing"}
		for _, c := range []struct {
			key, value string
			pairs      int
		}{{"ab", "c", 1}, {"ab", "", 1}, {"a", "bc", 2}, {"b", "", 3}} {
			commit(e, [2]string{c.key, c.value})
			h, pairs := e.Hash(nil, nil)
			require.Equal(t, c.pairs, pairs)
			require.NotContains(t, seen, h)
			seen[h] = c.key
		}
		one, _ := e.Hash([]byte("a"), []byte("ab"))
		commit(e, [2]string{"b", "other"})
		again, pairs := e.Hash([]byte("a"), []byte("ab"))
		require.Equal(t, one, again, "what lies outside does not count")
		require.Equal(t, 1, pairs)
	})
}

func TestHashIsTheSameOnBothDisks(t *testing.T) {
	t.Parallel()
	sim, dir := NewSimDisk(), NewDirDisk(t.TempDir())
	a, b := open(t, sim), open(t, dir)
	for i := range 100 {
		for _, e := range []*Engine{a, b} {
			commit(e, [2]string{fmt.Sprint(i % 30), fmt.Sprint(i)})
		}
	}
	ha, na := a.Hash(nil, nil)
	hb, nb := b.Hash(nil, nil)
	require.Equal(t, ha, hb)
	require.Equal(t, na, nb)
	require.NoError(t, sim.Close())
	require.NoError(t, dir.Close())
}

func TestOpenTwice(t *testing.T) {
	onBothDisks(t, func(t *testing.T, d Disk) {
		open(t, d)
		_, err := d.Open()
		require.ErrorContains(t, err, "open already")
	})
}

func TestCloseKeepsEverything(t *testing.T) {
	onBothDisks(t, func(t *testing.T, d Disk) {
		require.Error(t, d.Sync(), "there is nothing to sync before the first opening")
		require.NoError(t, d.Close())
		for i := range 3 {
			e := open(t, d)
			require.Equal(t, uint64(i), d.Position(), "positions go on over lives")
			commit(e, [2]string{fmt.Sprint(i), "x"})
			require.NoError(t, d.Sync())
			require.NoError(t, d.Close())
			require.NoError(t, d.Close(), "closing twice is no error")
			require.Error(t, d.Sync())
		}
		e := open(t, d)
		require.Equal(t, "0=x 1=x 2=x ", dump(e, "", ""))
	})
}

func TestPutFuncWritesInPlace(t *testing.T) {
	t.Parallel()
	_, e := openSim(t)
	b := e.NewBatch()
	b.PutFunc([]byte("k"), 5, func(v []byte) []byte { return append(v, "value"...) })
	b.PutFunc([]byte("empty"), 0, func(v []byte) []byte { return v })
	b.Put([]byte("l"), []byte("other"))
	e.Commit(b)
	for key, want := range map[string]string{"k": "value", "empty": "", "l": "other"} {
		v, ok := e.Get([]byte(key))
		require.True(t, ok, key)
		require.Equal(t, want, string(v), key)
	}
	for _, v := range []string{"short", "much too long"} {
		require.Panics(t, func() {
			e.NewBatch().PutFunc([]byte("k"), 6, func(b []byte) []byte { return append(b, v...) })
		}, v)
	}
}

func TestReadMany(t *testing.T) {
	t.Parallel()
	disk := NewSimDisk()
	e, err := disk.Open()
	require.NoError(t, err)
	b := e.NewBatch()
	b.Put([]byte("b"), []byte("1"))
	b.Put([]byte("d"), nil)
	e.Commit(b)
	var got []string
	read := func(until int, keys ...string) {
		got = nil
		var asked [][]byte
		for _, k := range keys {
			asked = append(asked, []byte(k))
		}
		require.NoError(t, e.ReadMany(asked, func(i int, v []byte, ok bool) bool {
			got = append(got, fmt.Sprintf("%s=%s %v", keys[i], v, ok))
			return len(got) < until
		}))
	}
	read(9, "d", "a", "b", "c", "b", "e")
	require.Equal(t, []string{"d= true", "a= false", "b=1 true", "c= false", "b=1 true", "e= false"}, got)
	read(2, "b", "d", "a")
	require.Len(t, got, 2)
	read(9)
	require.Empty(t, got)
	require.NoError(t, disk.Close())
}
