package traffic

// wholeness is what is known of whether the keys of a group were always written together. Batches are, and so is a range
// that is deleted within one region. Where a split has cut the group, its deletion is two, and batches may come between
// them as soon as the two regions are merged again: from then on nobody can say what the group should look like. Whether
// a deletion was one or two shows when it ends, so what is seen meanwhile waits until then.
type wholeness struct {
	// deleting is how many deletions are under way, and cut says that one was, or may have been, in pieces.
	deleting int
	cut      bool
	// torn was seen while there were deletions under way.
	torn []string
}

// wholeness returns what is known of a group. Clients that share no key set know nothing of each other's deletions: with
// them, batch is no workload for regions that are split and merged again.
func (s *KeySet) wholeness(g group) *wholeness {
	w := s.groups[g.prefix]
	if w == nil {
		w = &wholeness{}
		s.groups[g.prefix] = w
	}
	return w
}

// seen takes down that the group was seen torn, and returns what is certain by now.
func (w *wholeness) seen(torn string) (certain []string) {
	w.torn = append(w.torn, torn)
	return w.settle()
}

// deleted takes down that a deletion has ended; whole says that it was one.
func (w *wholeness) deleted(whole bool) (certain []string) {
	w.deleting--
	w.cut = w.cut || !whole
	return w.settle()
}

func (w *wholeness) settle() (certain []string) {
	switch {
	case w.cut:
		w.torn = nil
	case w.deleting == 0:
		certain, w.torn = w.torn, nil
	}
	return certain
}
