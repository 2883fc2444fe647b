package workloads

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/cluster"
	"ordeal/internal/reach"
	"ordeal/nemesis"
)

// TestAwaitedAreDeclared: what faults are drawn to wait for can come, and what is to bring it about is there.
func TestAwaitedAreDeclared(t *testing.T) {
	t.Parallel()
	for _, a := range awaited {
		require.True(t, slices.ContainsFunc(cluster.States(), func(s reach.State) bool { return s.Name == a.State }), a.State)
		known := a.By == "" || slices.ContainsFunc(nemesis.Families(), func(f nemesis.Family) bool { return f.Name == a.By })
		require.True(t, known, a.By)
	}
}
