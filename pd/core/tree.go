package core

import (
	"bytes"
	"math/rand/v2"
	"sort"

	"github.com/tidwall/btree"

	"ordeal/system/region"
)

// regionTree holds regions that do not overlap, by id, and their ids by start key: the latter changes only where ranges do,
// so what goes on inside of regions, which is what most news is about, costs no comparison of keys. Ranges that nobody
// has reported are gaps. Copies share memory until one of them changes.
type regionTree struct {
	byKey *btree.BTreeG[treeItem]
	byID  *btree.Map[uint64, *RegionInfo]
}

type treeItem struct {
	start []byte
	id    uint64
}

func newRegionTree() regionTree {
	less := func(a, b treeItem) bool { return bytes.Compare(a.start, b.start) < 0 }
	return regionTree{
		byKey: btree.NewBTreeGOptions(less, btree.Options{NoLocks: true}),
		byID:  new(btree.Map[uint64, *RegionInfo]),
	}
}

func (t regionTree) copy() regionTree {
	return regionTree{byKey: t.byKey.Copy(), byID: t.byID.Copy()}
}

// RegionCount returns how many regions are known.
func (t regionTree) RegionCount() int { return t.byKey.Len() }

// Region returns the region of that id, or nil.
func (t regionTree) Region(id uint64) *RegionInfo {
	r, _ := t.byID.Get(id)
	return r
}

// RegionByKey returns the region whose range has the key, or nil if nobody has reported one.
func (t regionTree) RegionByKey(key []byte) *RegionInfo {
	var found *RegionInfo
	t.byKey.Descend(treeItem{start: key}, func(it treeItem) bool {
		if r := t.Region(it.id); region.Contains(r.Region, key) {
			found = r
		}
		return false
	})
	return found
}

// LastBefore returns the last region that starts before the key, or nil.
func (t regionTree) LastBefore(key []byte) *RegionInfo {
	var found *RegionInfo
	t.byKey.Descend(treeItem{start: key}, func(it treeItem) bool {
		if bytes.Equal(it.start, key) {
			return true
		}
		found = t.Region(it.id)
		return false
	})
	return found
}

// Ascend calls fn for the regions that overlap [start, end) in the order of keys, until fn returns false. An empty end
// is the end of the key space.
func (t regionTree) Ascend(start, end []byte, fn func(*RegionInfo) bool) {
	first := start
	if r := t.RegionByKey(start); r != nil {
		first = r.Region.GetStartKey()
	}
	t.byKey.Ascend(treeItem{start: first}, func(it treeItem) bool {
		if len(end) > 0 && bytes.Compare(it.start, end) >= 0 {
			return false
		}
		return fn(t.Region(it.id))
	})
}

// Scan returns the first limit of the regions that overlap [start, end), in the order of keys; all with limit 0.
func (t regionTree) Scan(start, end []byte, limit int) []*RegionInfo {
	var out []*RegionInfo
	t.Ascend(start, end, func(r *RegionInfo) bool {
		out = append(out, r)
		return len(out) != limit
	})
	return out
}

// At returns the i-th region in the order of keys, 0 <= i < RegionCount.
func (t regionTree) At(i int) *RegionInfo {
	it, _ := t.byKey.GetAt(i)
	return t.Region(it.id)
}

// RandomRegion returns a random one of the regions that start in [start, end), or nil if there is none. An empty end is
// the end of the key space.
func (t regionTree) RandomRegion(rng *rand.Rand, start, end []byte) *RegionInfo {
	lo, hi := bounds(t.byKey, start, end, func(it treeItem) []byte { return it.start })
	if lo >= hi {
		return nil
	}
	return t.At(lo + rng.IntN(hi-lo))
}

// bounds returns the positions of the first item that starts at or after start and of the first that does so at or after
// end, which may be empty for the end of all.
func bounds[T any](t *btree.BTreeG[T], start, end []byte, key func(T) []byte) (lo, hi int) {
	at := func(bound []byte) int {
		return sort.Search(t.Len(), func(i int) bool {
			it, _ := t.GetAt(i)
			return bytes.Compare(key(it), bound) >= 0
		})
	}
	hi = t.Len()
	if len(start) > 0 {
		lo = at(start)
	}
	if len(end) > 0 {
		hi = at(end)
	}
	return lo, hi
}

func (t regionTree) insert(r *RegionInfo) {
	t.byKey.Set(treeItem{start: r.Region.GetStartKey(), id: r.ID()})
	t.byID.Set(r.ID(), r)
}

// replace puts r in the place of what was known of the same region, which must be there with the same start key.
func (t regionTree) replace(r *RegionInfo) { t.byID.Set(r.ID(), r) }

func (t regionTree) remove(r *RegionInfo) {
	t.byKey.Delete(treeItem{start: r.Region.GetStartKey()})
	t.byID.Delete(r.ID())
}
