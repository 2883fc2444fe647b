package register

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

// TestVerify: an order is an explanation only if it has all that certainly acted, once, at instants that there are, and
// a register would have given the answers.
func TestVerify(t *testing.T) {
	t.Parallel()
	step := func(kind Kind, value, expect Value, call, ret world.Time) Step {
		return Step{Kind: kind, Value: value, Expect: expect, Call: call, Ret: ret, Sure: ret != Never}
	}
	steps := []Step{
		0: step(Write, 1, Anything, 0, 10),
		1: step(Read, 1, Anything, 5, 20),
		2: step(Swap, 2, 1, 20, 30),
		3: step(Read, 2, 7, 30, 40), // refused: expected 7
		4: step(Write, 3, Anything, 15, Never),
		5: step(Swap, Absent, 2, 35, Never),
		6: step(Read, Absent, Anything, 36, 50),
	}
	for _, c := range []struct {
		why   string
		order []int32
		want  string
	}{
		{"touching intervals overlap, what is unknown may be missing", []int32{0, 1, 2, 3, 5, 6}, ""},
		{"what is unknown may come last", []int32{0, 1, 2, 3, 5, 6, 4}, ""},
		{"a swap of unknown outcome does nothing on another value", []int32{0, 1, 5, 2, 3, 6}, "step 2, which had returned"},
		{"nothing", nil, "lacks step 0"},
		{"a step is missing", []int32{0, 1, 2, 5, 6}, "lacks step 3"},
		{"a step is there twice", []int32{0, 1, 1, 2, 3, 5, 6}, "was there before"},
		{"no step", []int32{0, 1, 2, 3, 5, 6, 7}, "is none"},
		{"no step", []int32{-1}, "is none"},
		{"too late", []int32{0, 1, 2, 6, 3}, "cannot act"},
		{"a read of another value", []int32{0, 1, 4, 2, 3, 5, 6}, "cannot act on value 3"},
		{"against time", []int32{0, 4, 2, 1, 3, 5, 6}, "cannot act on value 3"},
		{"against time", []int32{5, 0, 1, 2, 3, 6}, "step 0, which had returned at"},
		{"absent too early", []int32{6, 0, 1, 2, 3}, "step 0, which had returned at"},
	} {
		err := new(Verifier).Verify(steps, c.order)
		if c.want == "" {
			require.NoError(t, err, c.why)
			continue
		}
		require.ErrorContains(t, err, c.want, c.why)
	}
	refused := []Step{0: step(Write, 1, Anything, 0, 1), 1: step(Read, 1, 1, 2, 3)}
	require.ErrorContains(t, new(Verifier).Verify(refused, []int32{0, 1}), "cannot act", "refused what it expected")
}
