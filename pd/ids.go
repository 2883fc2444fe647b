package pd

// firstID is the first id that is ever given out. Lower ones are left to people and tests.
const firstID = 1001

// allocator gives out ids. Those up to bound are this leader's: they are reserved in the log, and whoever leads next starts above
// bound. So an id is never given twice provided that none is said before the bound above it is committed. That is the
// outbox's business: it holds back everything that is said while an entry is on its way.
type allocator struct {
	next, bound, batch uint64
}

// take gives n ids in a row and returns the first. save is called with a new bound if the old one is too low.
func (a *allocator) take(n uint64, save func(bound uint64)) uint64 {
	first := a.next
	a.next += n
	a.cover(save)
	return first
}

// skip makes sure that id is never given: somebody else has chosen it.
func (a *allocator) skip(id uint64, save func(bound uint64)) {
	a.next = max(a.next, id+1)
	a.cover(save)
}

func (a *allocator) cover(save func(bound uint64)) {
	if a.next-1 > a.bound {
		a.bound = a.next - 1 + a.batch
		save(a.bound)
	}
}
