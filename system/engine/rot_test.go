package engine

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func anyBlock(*Block) bool { return true }

// rotten returns a disk with keys k000 to k499, of which those in one block are lost, and one of these.
func rotten(t *testing.T, n uint64) (*SimDisk, *Engine, string) {
	t.Helper()
	d := NewSimDisk()
	e := open(t, d)
	b := e.NewBatch()
	b.Put(RegionStateKey(1), bytes.Repeat([]byte{7}, 100))
	for i := range 500 {
		b.Put(DataKey(fmt.Appendf(nil, "k%03d", i)), bytes.Repeat([]byte{byte(i)}, 40))
	}
	e.Commit(b)
	require.NoError(t, d.Close())
	block, err := d.Rot(n, anyBlock)
	require.NoError(t, err)
	require.NotNil(t, block)
	return d, open(t, d), string(UserKey(block.First))
}

func corrupt(err error) bool {
	var bad *CorruptError
	return errors.As(err, &bad)
}

func TestRotIsNoticed(t *testing.T) {
	t.Parallel()
	for n := range uint64(6) {
		d, e, key := rotten(t, n)
		_, _, err := e.Read(DataKey([]byte(key)))
		require.True(t, corrupt(err), "block %d with %s: %v", n, key, err)
		require.Panics(t, func() { e.Get(DataKey([]byte(key))) })
		lo, hi := DataRange(nil, nil)
		view := e.View()
		_, _, err = view.Hash(lo, hi)
		require.True(t, corrupt(err))
		view.Close()
		for _, read := range []func(lo, hi []byte, fn func(k, v []byte) bool) error{e.ReadRange, e.ReverseReadRange} {
			pairs := 0
			require.True(t, corrupt(read(lo, hi, func(_, _ []byte) bool { pairs++; return true })))
			require.Less(t, pairs, 500)
		}
		_, ok := e.Get(RegionStateKey(1))
		require.True(t, ok, "nothing but data is damaged")
		require.NoError(t, d.Close())
	}
}

func TestExciseRemovesRot(t *testing.T) {
	t.Parallel()
	d, e, key := rotten(t, 5)
	// Cutting through the damaged block fails and changes nothing.
	lo, hi := DataRange([]byte(key+"+"), []byte("k499"))
	require.True(t, corrupt(e.Excise(lo, hi)))
	lo, hi = DataRange([]byte("k010"), []byte("k490"))
	require.NoError(t, e.Excise(lo, hi))
	_, ok, err := e.Read(DataKey([]byte(key)))
	require.NoError(t, err)
	require.False(t, ok)
	count := func(e *Engine) int {
		lo, hi := DataRange(nil, nil)
		_, pairs := e.Hash(lo, hi)
		return pairs
	}
	require.Equal(t, 20, count(e))
	// Life goes on, through flushes, compactions and crashes.
	b := e.NewBatch()
	for i := range 3000 {
		b.Put(DataKey(fmt.Appendf(nil, "k%05d", i)), bytes.Repeat([]byte{1}, 1000))
		e.Commit(b)
	}
	want := count(e)
	d.Crash(d.Position(), false)
	require.Equal(t, want, count(open(t, d)))
	require.NoError(t, d.Close())
}

// TestRotBesideWhatAStoreNeeds: the first block of the data is damaged. Reads of other key spaces do not come to it, though what
// they look for is nowhere and would be next to it.
func TestRotBesideWhatAStoreNeeds(t *testing.T) {
	t.Parallel()
	d := NewSimDisk()
	e := open(t, d)
	b := e.NewBatch()
	b.Put(RaftLogKey(1, 1), bytes.Repeat([]byte{7}, 130))
	for i := range 500 {
		b.Put(DataKey(fmt.Appendf(nil, "k%03d", i)), bytes.Repeat([]byte{byte(i)}, 40))
	}
	e.Commit(b)
	require.NoError(t, d.Close())
	first, err := d.Rot(0, anyBlock)
	require.NoError(t, err)
	require.Equal(t, DataKey([]byte("k000")), first.First)
	e = open(t, d)
	lo, hi := RegionStateRange()
	e.Scan(lo, hi, func(_, _ []byte) bool { return true })
	lo, hi = AllSpools()
	e.ReverseScan(lo, hi, func(_, _ []byte) bool { return true })
	_, ok := e.Get(RegionStateKey(1))
	require.False(t, ok)
	require.NoError(t, d.Close())
}

// TestExciseAtTheEndOfATable: a damaged block at which a table ends can be cut out with all that may lie behind it.
func TestExciseAtTheEndOfATable(t *testing.T) {
	t.Parallel()
	d := NewSimDisk()
	e := open(t, d)
	b := e.NewBatch()
	for i := range 500 {
		b.Put(DataKey(fmt.Appendf(nil, "k%03d", i)), bytes.Repeat([]byte{byte(i)}, 40))
	}
	// What was deleted reaches as far as data can, and so does the table.
	lo, hi := DataRange([]byte("l"), nil)
	b.DeleteRange(lo, hi)
	e.Commit(b)
	require.NoError(t, d.Close())
	last, err := d.Rot(0, func(b *Block) bool { return b.Before == nil })
	require.NoError(t, err)
	require.Equal(t, DataKey([]byte("k499")), last.Last)
	e = open(t, d)
	lo, hi = DataRange([]byte("k100"), nil)
	require.NoError(t, e.Excise(lo, hi))
	lo, hi = DataRange(nil, nil)
	_, pairs := e.Hash(lo, hi)
	require.Equal(t, 100, pairs)
	require.NoError(t, d.Close())
}

func TestLifeWithRot(t *testing.T) {
	t.Parallel()
	d, e, key := rotten(t, 9)
	b := e.NewBatch()
	for i := range 3000 {
		b.Put(DataKey(fmt.Appendf(nil, "m%05d", i)), bytes.Repeat([]byte{1}, 1000))
		e.Commit(b)
	}
	_, _, err := e.Read(DataKey([]byte(key)))
	require.True(t, corrupt(err))
	v, ok := e.Get(DataKey([]byte("m02000")))
	require.True(t, ok)
	require.Len(t, v, 1000)
	d.Crash(d.Position(), false)
	require.NoError(t, d.Close())
}

// TestCompactionMeetsRot: nobody reads the block but a compaction, and it tells of it, each time anew until the block is gone.
func TestCompactionMeetsRot(t *testing.T) {
	t.Parallel()
	d, e, key := rotten(t, 5)
	b := e.NewBatch()
	fill := func() {
		for i := range 3000 {
			b.Put(DataKey(fmt.Appendf(nil, "m%05d", i)), bytes.Repeat([]byte{1}, 1000))
			e.Commit(b)
		}
	}
	require.False(t, e.Damaged())
	for range 2 {
		fill()
		require.True(t, e.Damaged())
		found := e.TakeDamages()
		require.False(t, e.Damaged())
		require.Len(t, found, 1)
		start, end := found[0].Range()
		require.True(t, bytes.Compare(start, DataKey([]byte(key))) < 0 && bytes.Compare(DataKey([]byte(key)), end) < 0)
		harms := func(from, to string) bool {
			lo, hi := DataRange([]byte(from), []byte(to))
			return e.Harms(found[0], lo, hi)
		}
		require.True(t, harms("", ""))
		require.True(t, harms(key, key+"+"))
		require.True(t, harms("k0", "k4"))
		require.False(t, harms("k0", "k01"))
		require.False(t, harms("k4", ""))
	}
	lo, hi := DataRange([]byte("k010"), []byte("k490"))
	require.NoError(t, e.Excise(lo, hi))
	fill()
	require.False(t, e.Damaged())
	require.NoError(t, d.Close())
}

func TestWhereABlockLies(t *testing.T) {
	t.Parallel()
	b := Block{After: []byte("b"), First: []byte("c"), Last: []byte("e"), Before: []byte("g")}
	for _, c := range []struct {
		start, end string
		want       bool
	}{
		{"", "b", false}, {"", "b0", true}, {"a", "z", true}, {"d", "d0", true}, {"f", "", true}, {"g", "", false}, {"", "", true},
	} {
		require.Equal(t, c.want, b.Meets([]byte(c.start), []byte(c.end)), "%q to %q", c.start, c.end)
	}
	require.True(t, (&Block{}).Meets([]byte("z"), []byte("zz")), "one that is alone in its table")
}

func TestRotWithoutData(t *testing.T) {
	t.Parallel()
	d := NewSimDisk()
	b, err := d.Rot(0, anyBlock)
	require.NoError(t, err)
	require.Nil(t, b)
	open(t, d)
	_, err = d.Rot(0, anyBlock)
	require.Error(t, err)
	require.NoError(t, d.Close())
}

// TestReadBesideRot: what was deleted hides a damaged block, which stays until it is cut out. A read that comes to it all the same,
// looking for the end of the range that was deleted, tells in which table it is, and that it has nothing of what was read.
func TestReadBesideRot(t *testing.T) {
	t.Parallel()
	d := NewSimDisk()
	e := open(t, d)
	b := e.NewBatch()
	for i := range 500 {
		b.Put(DataKey(fmt.Appendf(nil, "k%03d", i)), bytes.Repeat([]byte{byte(i)}, 40))
	}
	e.Commit(b)
	require.NoError(t, d.Close())
	lo, hi := DataRange([]byte("k300"), []byte("k400"))
	block, err := d.Rot(3, func(b *Block) bool { return b.Meets(lo, hi) })
	require.NoError(t, err)
	e = open(t, d)
	require.True(t, d.Has(block))
	in := string(UserKey(block.Last))
	start, end := DataRange([]byte("k100"), []byte(in))
	b = e.NewBatch()
	b.DeleteRange(start, end)
	e.Commit(b)
	lo, hi = DataRange(nil, []byte("k200"))
	err = e.ReadRange(lo, hi, func(_, _ []byte) bool { return true })
	var bad *CorruptError
	require.True(t, errors.As(err, &bad))
	require.True(t, bad.In.Known())
	require.False(t, e.Harms(bad.In, lo, hi))
	_, _, err = e.Read(DataKey([]byte("k150")))
	require.NoError(t, err, "who looks for one key comes to no other")
	require.NoError(t, e.ReadMany([][]byte{DataKey([]byte("k150"))}, func(int, []byte, bool) bool { return true }))
	require.True(t, e.Harms(bad.In, DataKey([]byte(in)), nil))
	require.True(t, d.Has(block))
	require.NoError(t, e.Excise(DataKey([]byte("k200")), DataKey([]byte("k450"))))
	require.False(t, d.Has(block))
	require.NoError(t, e.ReadRange(lo, hi, func(_, _ []byte) bool { return true }))
	require.NoError(t, d.Close())
}
