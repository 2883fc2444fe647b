package reach

import (
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	some = []State{{Name: "up", About: "it went up"}, {Name: "down", About: "it came down"}}
	more = []State{{Name: "out", About: "it was never seen again"}}
)

func TestCountsKnowTheirStates(t *testing.T) {
	t.Parallel()
	c := NewCounts(some, more)
	c.Reached("up")
	c.Reached("up")
	require.Equal(t, Counts{"up": 2, "down": 0, "out": 0}, c)
	require.PanicsWithValue(t, `reach: state "sideways" is not declared`, func() { c.Reached("sideways") })
}

func TestSumOverRuns(t *testing.T) {
	t.Parallel()
	rows := Sum([]Counts{{"up": 2, "down": 1}, {"up": 3}, nil}, some, more)
	require.Equal(t, []Row{{some[0], 5, 2}, {some[1], 1, 1}, {more[0], 0, 0}}, rows)
	Rarest(rows)
	require.Equal(t, []Row{{more[0], 0, 0}, {some[1], 1, 1}, {some[0], 5, 2}}, rows)
}
