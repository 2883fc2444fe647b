package schedule

import (
	"time"

	"ordeal/world"
)

// Rate is how often something may happen to one store. The zero value is without a bound.
type Rate struct {
	// Every is the time after which one more may happen; 0 for no bound.
	Every time.Duration
	// Burst is how many may happen at once after a time without any; at least 1 is meant.
	Burst int
}

// bucket holds a store's tokens for one kind of change.
type bucket struct {
	// full is when the bucket will be full again. Each token that is taken puts it off.
	full world.Time
}

// has says whether n tokens can be taken at now. A full bucket can always be taken from, or what is bigger than a burst
// could never happen.
func (b bucket) has(r Rate, n int, now world.Time) bool {
	if r.Every == 0 || n == 0 {
		return true
	}
	missing := max(b.full.Sub(now), 0)
	return missing == 0 || missing+time.Duration(n)*r.Every <= time.Duration(max(r.Burst, 1))*r.Every
}

func (b bucket) take(r Rate, n int, now world.Time) bucket {
	if b.full < now {
		b.full = now
	}
	b.full = b.full.Add(time.Duration(n) * r.Every)
	return b
}

// tokens are what moves of peers to and from each store are paid with: they make work for its disk and network that an
// operator's end does not end.
type tokens struct {
	add, remove Rate
	adds        map[uint64]bucket
	removes     map[uint64]bucket
}

func newTokens(add, remove Rate) tokens {
	return tokens{add: add, remove: remove, adds: map[uint64]bucket{}, removes: map[uint64]bucket{}}
}

// costs is what an operator needs of each store, in the order of its steps.
func (o *Operator) costs(fn func(store uint64, adds, removes int)) {
	for _, step := range o.Steps {
		switch s := step.(type) {
		case AddPeer:
			fn(s.Store, 1, 0)
		case AddLearner:
			fn(s.Store, 1, 0)
		case RemovePeer:
			fn(s.Store, 0, 1)
		}
	}
}

// lacks names the first store that has no tokens for o, and of which kind; 0 if all have. Repair needs none.
func (t *tokens) lacks(o *Operator) (store uint64, what string) {
	if o.Kind.Priority() == PriorityRepair {
		return 0, ""
	}
	o.costs(func(id uint64, adds, removes int) {
		switch {
		case store != 0:
		case !t.adds[id].has(t.add, adds, o.Start):
			store, what = id, "take peers in"
		case !t.removes[id].has(t.remove, removes, o.Start):
			store, what = id, "give peers away"
		}
	})
	return store, what
}

// pay takes what o needs. Repair takes its tokens too, and more of them than there are.
func (t *tokens) pay(o *Operator) {
	o.costs(func(id uint64, adds, removes int) {
		if adds > 0 && t.add.Every > 0 {
			t.adds[id] = t.adds[id].take(t.add, adds, o.Start)
		}
		if removes > 0 && t.remove.Every > 0 {
			t.removes[id] = t.removes[id].take(t.remove, removes, o.Start)
		}
	})
}
