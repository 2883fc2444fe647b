package driver

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/checker"
	"ordeal/cluster"
	"ordeal/internal/reach"
)

// reached is so many runs that came to all states but one.
func reached(t *testing.T, runs int, but string) (results []Result) {
	t.Helper()
	for seed := range runs {
		r := result(t, uint64(seed), checker.OK)
		r.Summary.Reached = reach.NewCounts(cluster.States())
		for _, s := range cluster.States() {
			if s.Name != but {
				r.Summary.Reached.Reached(s.Name)
			}
		}
		results = append(results, r)
	}
	return results
}

func TestHolesArePrinted(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	PrintStates(&out, reached(t, holesFrom, "merging"), false)
	require.Contains(t, out.String(), "declared ones were reached in 100 runs; -states lists them\n")
	require.Contains(t, out.String(), "HOLE: none of 100 runs came to \"merging\": a region was frozen by a PrepareMerge")
	require.Equal(t, 1, strings.Count(out.String(), "HOLE"))

	out.Reset()
	PrintStates(&out, reached(t, holesFrom, ""), false)
	require.NotContains(t, out.String(), "HOLE")

	out.Reset()
	PrintStates(&out, reached(t, holesFrom-1, "merging"), false)
	require.NotContains(t, out.String(), "HOLE", "too few runs to say so")
}

func TestStatesAreListedRarestFirst(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	PrintStates(&out, reached(t, 3, "split"), true)
	lines := strings.Split(out.String(), "\n")
	require.Regexp(t, `^│ split +│ +0 │ +0 │ a region was cut`, lines[3])
	require.Regexp(t, `^│ merging +│ +3 │ +3 │`, lines[4])
	out.Reset()
	PrintStates(&out, []Result{result(t, 1, checker.FAIL)}, true)
	require.Empty(t, out.String(), "a run that died tells nothing")
}
