package register

import (
	"fmt"
	"math"

	"ordeal/world"
)

// Verifier decides whether orders explain steps. It keeps scratch memory from one to the next.
type Verifier struct{ used []uint64 }

// Verify says what is wrong with an order, given as places in steps, or nil: then instants can be chosen, each within
// its step, none before the one of the step that goes before it, such that a register that begins with Absent and does
// one step after the other gives all of their answers. A step that is not sure may be left out.
//
// It knows nothing of how the order was found, and takes one look at each step.
func (v *Verifier) Verify(steps []Step, order []int32) error {
	v.used = append(v.used[:0], make([]uint64, (len(steps)+63)/64)...)
	state, now := Absent, world.Time(math.MinInt64)
	for n, i := range order {
		if i < 0 || int(i) >= len(steps) || v.used[i/64]&(1<<(i%64)) != 0 {
			return fmt.Errorf("place %d of the order has step %d, which is none, or was there before", n, i)
		}
		v.used[i/64] |= 1 << (i % 64)
		s := &steps[i]
		// The earliest instant that is left for the step: nothing in front of it was invoked later.
		now = max(now, s.Call)
		if s.Sure && s.Ret < now {
			return fmt.Errorf("place %d of the order has step %d, which had returned at %s, before %s", n, i, s.Ret, now)
		}
		ok, next := s.Act(state)
		if !ok {
			return fmt.Errorf("place %d of the order has step %d, which cannot act on value %d", n, i, state)
		}
		state = next
	}
	for i := range steps {
		if steps[i].Sure && v.used[i/64]&(1<<(i%64)) == 0 {
			return fmt.Errorf("the order lacks step %d", i)
		}
	}
	return nil
}
