package frontier

import (
	"cmp"
	"slices"

	"ordeal/world"
)

// Span is when an operation was open. Both ends belong to it. Ret counts only for modes Certain and Reader.
type Span struct {
	Call, Ret world.Time
	Mode      Mode
}

// Check searches a whole history, whose operations are the places of their spans. One that returns before it is called
// has no instant at which it could have acted.
func Check(spans []Span, model Model, state uint64, limits Limits) Answer {
	s := New(model, state, limits)
	calls := places(spans, func(i int32) bool { return true })
	slices.SortStableFunc(calls, func(a, b int32) int { return cmp.Compare(spans[a].Call, spans[b].Call) })
	rets := places(spans, func(i int32) bool { return spans[i].Mode <= Reader })
	slices.SortStableFunc(rets, func(a, b int32) int { return cmp.Compare(spans[a].Ret, spans[b].Ret) })
	for _, r := range rets {
		if spans[r].Ret < spans[r].Call {
			return Unexplained
		}
		for len(calls) > 0 && spans[calls[0]].Call <= spans[r].Ret {
			s.Call(calls[0], spans[calls[0]].Mode)
			calls = calls[1:]
		}
		if answer := s.Return(r); answer != Explained {
			return answer
		}
	}
	return s.Answer()
}

func places(spans []Span, which func(int32) bool) []int32 {
	all := make([]int32, 0, len(spans))
	for i := range int32(len(spans)) {
		if which(i) {
			all = append(all, i)
		}
	}
	return all
}
