package nemesis

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

func TestDecommission(t *testing.T) {
	t.Parallel()
	f := newFake(5)
	fault := Decommission{Store(2)}
	r, err := fault.Apply(f.p, f)
	require.NoError(t, err)
	require.Equal(t, Receipt{Bit: true, Text: "s2 is to leave with 2 replicas"}, r)
	r, err = fault.Apply(f.p, f)
	require.NoError(t, err)
	require.Equal(t, "s2 is to leave already", r.Skipped)
	r, err = fault.Heal(f.p, f)
	require.NoError(t, err)
	require.Equal(t, Receipt{Text: "s6 joined; s2 has 2 replicas"}, r)
	r, err = fault.Heal(f.p, f)
	require.NoError(t, err)
	require.Equal(t, Receipt{Text: "s2 has 2 replicas"}, r, "it has a successor")
	require.Equal(t, []string{"leave 2", "join 6"}, f.calls)

	// Nobody else gives it anything.
	require.NotContains(t, roomFor(f, f.regions[2]), world.NodeID(2))
	require.Contains(t, roomFor(f, f.regions[2]), world.NodeID(6))
}

// Where regions would have no room another store joins first, and does not join again when the fault ends.
func TestDecommissionKeepsRoom(t *testing.T) {
	t.Parallel()
	f := newFake(4)
	f.down[4] = true
	fault := Decommission{Whom{Kind: WhomAll}}
	r, err := fault.Apply(f.p, f)
	require.NoError(t, err)
	require.Equal(t, Receipt{Bit: true, Text: "s5 joined; s1 is to leave with 2 replicas"}, r)
	r, err = fault.Heal(f.p, f)
	require.NoError(t, err)
	require.Equal(t, Receipt{Text: "s1 has 2 replicas"}, r)
	require.Equal(t, []string{"join 5", "leave 1"}, f.calls)
}

func TestDecommissionIsRefused(t *testing.T) {
	t.Parallel()
	f := newFake(5)
	f.adminErr = errors.New("add a store first")
	r, err := Decommission{Store(1)}.Apply(f.p, f)
	require.EqualError(t, err, "s1 is to leave: add a store first")
	require.False(t, r.Bit)
	require.Len(t, f.calls, changeTries)
	r, err = Decommission{Store(9)}.Apply(f.p, f)
	require.NoError(t, err)
	require.Equal(t, "there is no store 9", r.Skipped)
}

// HealAll has a store join for one that leaves.
func TestHealAllReplenishes(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	f.leaving = []world.NodeID{3}
	r, err := HealAll(f.p, f)
	require.NoError(t, err)
	require.Equal(t, Receipt{Text: "s4 joined"}, r)
}

// TestDecommissionWithoutRoom: where no other store may come none is told to leave.
func TestDecommissionWithoutRoom(t *testing.T) {
	t.Parallel()
	f := newFake(fakeStoresMax)
	r, err := Decommission{Store(1)}.Apply(f.p, f)
	require.NoError(t, err)
	require.Equal(t, "there are 9 stores, and no room for one in the place of s1", r.Skipped)

	f = newFake(fakeStoresMax - 1)
	f.leaving = []world.NodeID{2} // which has no successor yet
	r, err = Decommission{Store(1)}.Apply(f.p, f)
	require.NoError(t, err)
	require.NotEmpty(t, r.Skipped, "there is room for that of s2")
	require.Empty(t, f.calls)
}

// TestHeirs: who strikes a store that is gone strikes the one that has taken its place.
func TestHeirs(t *testing.T) {
	t.Parallel()
	f := newFake(5)
	f.stores, f.heirs = []world.NodeID{2, 4, 5, 7}, map[world.NodeID]world.NodeID{1: 6, 6: 7, 2: 4}
	for of, want := range map[uint64]world.NodeID{1: 7, 2: 2, 6: 7} {
		nodes, why := Whom{Kind: WhomStore, N: of}.resolve(f)
		require.Equal(t, []world.NodeID{want}, nodes, why)
	}
	_, why := Store(3).resolve(f)
	require.Equal(t, "there is no store 3", why)
}
