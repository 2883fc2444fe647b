package traffic

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/proto/ordealpb"
	"ordeal/system/client/clienttest"
	"ordeal/world"
)

// TestTornBatchesAreReported: what a read at one moment may see of a group, and what it may not.
func TestTornBatchesAreReported(t *testing.T) {
	t.Parallel()
	g := coarse.groupOf(3, 8, 2)
	one, two := []*ordealpb.Witness{{}}, []*ordealpb.Witness{{}, {}}
	pairs := func(tags ...string) (kvs []checker.KV) {
		for i, tag := range tags {
			kvs = append(kvs, checker.KV{Key: g.key(i), Value: fmt.Sprintf("%s.%d", tag, i)})
		}
		return kvs
	}
	for _, c := range []struct {
		what      string
		pairs     []checker.KV
		limit     int
		witnesses []*ordealpb.Witness
		torn      bool
	}{
		{"whole", pairs("a", "a", "a", "a"), 4, one, false},
		{"absent", nil, 4, one, false},
		{"cut by its limit", pairs("a", "a"), 2, one, false},
		{"two batches", pairs("a", "a", "b", "b"), 4, one, true},
		{"a part", pairs("a", "a"), 4, one, true},
		{"a part of what its limit allows", pairs("a"), 3, one, true},
		{"two moments", pairs("a", "b", "b", "b"), 4, two, false},
		{"no answer", pairs("a"), 4, nil, false},
	} {
		reports := 0
		ctx := &Ctx{Proc: noProc{}, Keys: NewKeySet(), Fail: func(string, ...any) { reports++ }}
		b := &batchClient{Ctx: ctx}
		for range 2 {
			b.checkWhole(g, "scan", c.pairs, c.limit, c.witnesses)
		}
		require.Equal(t, c.torn, reports == 1, "%s: %d reports", c.what, reports)
	}
}

// TestDeletionsInPieces: a group that is deleted in two pieces may be seen in part (batch, seed 70181: the two regions were
// merged again between the pieces, and a batch was written). One that is deleted as a whole may not, before or after.
func TestDeletionsInPieces(t *testing.T) {
	t.Parallel()
	g := coarse.groupOf(3, 8, 2)
	for _, c := range []struct {
		what          string
		do            func(w *wholeness) [][]string
		before, after int // reports before and after the last step
	}{
		{"seen during a deletion that was one", func(w *wholeness) [][]string {
			w.deleting++
			return [][]string{w.seen("torn"), w.deleted(true)}
		}, 0, 1},
		{"seen during a deletion in pieces", func(w *wholeness) [][]string {
			w.deleting++
			return [][]string{w.seen("torn"), w.deleted(false)}
		}, 0, 0},
		{"seen after a deletion in pieces", func(w *wholeness) [][]string {
			w.deleting++
			return [][]string{w.deleted(false), w.seen("torn")}
		}, 0, 0},
		{"seen after a deletion that was one", func(w *wholeness) [][]string {
			w.deleting++
			return [][]string{w.deleted(true), w.seen("torn")}
		}, 0, 1},
		{"one of two deletions is still under way", func(w *wholeness) [][]string {
			w.deleting += 2
			w.seen("torn")
			return [][]string{w.deleted(true), w.deleted(true)}
		}, 0, 1},
	} {
		steps := c.do(NewKeySet().wholeness(g))
		require.Len(t, steps[0], c.before, c.what)
		require.Len(t, steps[1], c.after, c.what)
	}
}

// TestCompanion: it is in what batches write and range deletions take, and no read of the group sees it.
func TestCompanion(t *testing.T) {
	t.Parallel()
	g := coarse.groupOf(3, 8, 2)
	require.Contains(t, g.all(), g.companion())
	require.NotContains(t, g.keys(), g.companion())
	for _, k := range g.keys() {
		require.Less(t, k, g.end())
	}
	require.GreaterOrEqual(t, g.companion(), g.end())
	require.Less(t, g.companion(), g.endOfAll())
	next := coarse.groupOf(3, 8, 3)
	require.False(t, g.prefix < next.key(0) && next.key(0) < g.endOfAll(), "nobody else has keys in its range")
}

// noProc is a proc of which only the clock is asked.
type noProc struct{ world.Proc }

func (noProc) Now() world.Time { return 0 }

// TestReadersOnlyRead: and the others write.
func TestReadersOnlyRead(t *testing.T) {
	t.Parallel()
	for _, w := range All() {
		o := run(t, 1, w, Knobs{Readers: 2, KeysMax: 50}, clienttest.Faults{}, time.Second)
		wrote := map[int]bool{}
		for _, op := range o.history.Ops {
			if op.Kind != checker.Get && op.Kind != checker.Scan && op.Invoke > 0 {
				wrote[op.Client] = true
			}
		}
		require.True(t, wrote[clients-1], w.Name)
		require.False(t, wrote[1], w.Name)
	}
}
