package models

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"ordeal/checker"
	"ordeal/world"
)

// amountMax bounds increments whose sums are compared, so that sums don't wrap around.
const amountMax = 1 << 40

// bounds finds a read of a counter that only grows which is less than what had been acknowledged before it began, or more
// than all that had begun before it ended. No order explains that, however many there are to try; and it can be told in a sentence. It
// returns nil if there is none, which does not mean that there is an order.
func (k *keyOps) bounds(timeout time.Duration) *finding {
	var begun, acknowledged []*checker.Op
	for _, o := range k.ops {
		if o.Kind == checker.Get {
			continue
		}
		if n := amount(o.Value); n < 0 || n > amountMax {
			return nil
		}
		begun = append(begun, o) // they are in this order
		if o.Outcome == checker.Ok {
			acknowledged = append(acknowledged, o)
		}
	}
	slices.SortStableFunc(acknowledged, func(a, b *checker.Op) int { return cmp.Compare(a.Return, b.Return) })
	most, least := sums(begun), sums(acknowledged)
	for _, o := range k.ops {
		n := int64(0)
		if o.Kind != checker.Get {
			continue
		}
		if o.Found {
			var err error
			if n, err = strconv.ParseInt(o.Read, 10, 64); err != nil {
				return nil // the search says so
			}
		}
		done, _ := slices.BinarySearchFunc(acknowledged, o.Invoke, func(w *checker.Op, at world.Time) int { return cmp.Compare(w.Return, at) })
		if n < least[done] {
			return k.beyond(acknowledged[:done], o, timeout, fmt.Sprintf(
				"although increments by %d in all had been acknowledged before %s", least[done], checker.Clock(o.Invoke)))
		}
		tried, _ := slices.BinarySearchFunc(begun, o.Return+1, func(w *checker.Op, at world.Time) int { return cmp.Compare(w.Invoke, at) })
		if n > most[tried] {
			return k.beyond(begun[:tried], o, timeout, fmt.Sprintf(
				"although all increments that had begun by %s come to %d", checker.Clock(o.Return), most[tried]))
		}
	}
	return nil
}

// amount is by how much an increment increments, which was validated.
func amount(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

// sums are those of the first increments, however many.
func sums(ops []*checker.Op) []int64 {
	all := make([]int64, len(ops)+1)
	for i, o := range ops {
		all[i+1] = all[i] + amount(o.Value)
	}
	return all
}

// beyond is the violation of a read that increments do not allow.
func (k *keyOps) beyond(increments []*checker.Op, read *checker.Op, timeout time.Duration, why string) *finding {
	v := &checker.Violation{Check: linearizability, Key: k.key, Message: told(read) + ", " + why}
	for _, o := range increments[max(0, len(increments)-shownMax+1):] {
		v.Ops = append(v.Ops, *o)
	}
	v.Ops = append(v.Ops, *read)
	slices.SortStableFunc(v.Ops, func(a, b checker.Op) int { return cmp.Compare(a.Invoke, b.Invoke) })
	if hidden := len(increments) + 1 - len(v.Ops); hidden > 0 {
		v.Message += fmt.Sprintf("; %d more of them are not shown", hidden)
	}
	return &finding{violation: v, confirmed: k.model.confirm(append(slices.Clone(increments), read), timeout)}
}
