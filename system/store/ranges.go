package store

import (
	"fmt"
	"sync" //tidy:sync the shards of a store share this table, and run at the same time in the real world

	"github.com/tidwall/btree"

	"ordeal/proto/metapb"
	"ordeal/system/region"
)

// ranges says which region has which keys on this store, over all of its shards. It is what keeps two regions from
// owning the same key here: whoever takes a range, by a split, a snapshot or a merge, takes it here first. Regions that
// do not know their range yet are not in it.
type ranges struct {
	mu       sync.Mutex
	byStart  *btree.BTreeG[*metapb.Region]
	byRegion map[uint64]*metapb.Region
}

func newRanges() *ranges {
	return &ranges{
		byStart: btree.NewBTreeGOptions(func(a, b *metapb.Region) bool {
			return string(a.GetStartKey()) < string(b.GetStartKey())
		}, btree.Options{NoLocks: true}),
		byRegion: map[uint64]*metapb.Region{},
	}
}

// set gives regions the ranges that they have now, all at once, in place of those that they had. That two regions overlap
// afterwards is a broken invariant.
func (t *ranges) set(rs ...*metapb.Region) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range rs {
		t.remove(r.GetId())
	}
	for _, r := range rs {
		if o := t.find(r.GetId(), r.GetStartKey(), r.GetEndKey()); o != nil {
			panic(fmt.Sprintf("store: %s overlaps %s", region.Format(r), region.Format(o)))
		}
		t.byStart.Set(r)
		t.byRegion[r.GetId()] = r
	}
}

// claim is set for one region, unless another one has a part of the range.
func (t *ranges) claim(r *metapb.Region) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.find(r.GetId(), r.GetStartKey(), r.GetEndKey()) != nil {
		return false
	}
	t.remove(r.GetId())
	t.byStart.Set(r)
	t.byRegion[r.GetId()] = r
	return true
}

// drop forgets regions.
func (t *ranges) drop(ids ...uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range ids {
		t.remove(id)
	}
}

// overlapping returns a region other than the one named whose range meets [start, end), or nil.
func (t *ranges) overlapping(id uint64, start, end []byte) *metapb.Region {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.find(id, start, end)
}

// overlap returns all regions other than the one named whose ranges meet [start, end), in the order of keys.
func (t *ranges) overlap(id uint64, start, end []byte) []*metapb.Region {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []*metapb.Region
	see := func(r *metapb.Region) bool {
		if r.GetId() != id && region.Overlaps(r.GetStartKey(), r.GetEndKey(), start, end) {
			out = append(out, r)
		}
		return len(end) == 0 || string(r.GetStartKey()) < string(end)
	}
	pivot := &metapb.Region{StartKey: start}
	t.byStart.Descend(pivot, func(r *metapb.Region) bool {
		if string(r.GetStartKey()) < string(start) {
			see(r)
			return false
		}
		return true
	})
	t.byStart.Ascend(pivot, see)
	return out
}

// len is the number of regions.
func (t *ranges) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.byRegion)
}

// neighbours returns the regions that lie directly before and behind r on this store, nil where there is none.
func (t *ranges) neighbours(r *metapb.Region) (before, behind *metapb.Region) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byStart.Descend(r, func(o *metapb.Region) bool {
		if o.GetId() == r.GetId() {
			return true
		}
		if string(o.GetEndKey()) == string(r.GetStartKey()) && len(r.GetStartKey()) > 0 {
			before = o
		}
		return false
	})
	if len(r.GetEndKey()) > 0 {
		if o, ok := t.byStart.Get(&metapb.Region{StartKey: r.GetEndKey()}); ok {
			behind = o
		}
	}
	return before, behind
}

// around returns the regions that have the next keys on this store before start and from end on, nil where there is none. No
// region may have a part of [start, end) that it does not have all of.
func (t *ranges) around(start, end []byte) (before, behind *metapb.Region) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byStart.Descend(&metapb.Region{StartKey: start}, func(r *metapb.Region) bool {
		if string(r.GetStartKey()) < string(start) {
			before = r
		}
		return before == nil
	})
	if len(end) > 0 {
		t.byStart.Ascend(&metapb.Region{StartKey: end}, func(r *metapb.Region) bool {
			behind = r
			return false
		})
	}
	return before, behind
}

// remove takes a region out; the caller holds the lock.
func (t *ranges) remove(id uint64) {
	if r, ok := t.byRegion[id]; ok {
		t.byStart.Delete(r)
		delete(t.byRegion, id)
	}
}

// find is overlapping; the caller holds the lock.
func (t *ranges) find(id uint64, start, end []byte) (found *metapb.Region) {
	see := func(r *metapb.Region) bool {
		if r.GetId() != id && region.Overlaps(r.GetStartKey(), r.GetEndKey(), start, end) {
			found = r
			return false
		}
		// Ranges in the table do not overlap each other, so the walk can end at the first one past the range.
		return len(end) == 0 || string(r.GetStartKey()) < string(end)
	}
	pivot := &metapb.Region{StartKey: start}
	t.byStart.Descend(pivot, func(r *metapb.Region) bool { see(r); return r.GetId() == id })
	if found == nil {
		t.byStart.Ascend(pivot, see)
	}
	return found
}
