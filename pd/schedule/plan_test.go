package schedule

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

func TestPlanChangesWhileItRuns(t *testing.T) {
	t.Parallel()
	p, err := NewPlan("balance-leader", "replica", "evict-leader-3", "joint-state", "balance-region")
	require.NoError(t, err)
	require.Equal(t, []string{"joint-state", "replica", "evict-leader-3", "balance-region", "balance-leader"}, p.Names(), "in order")
	require.Equal(t, []uint64{3}, p.NoLeaders())
	running := func(now world.Time) (names []string) {
		for _, s := range p.Running(now) {
			names = append(names, s.Name)
		}
		return names
	}
	require.NoError(t, p.Pause("balance-region", world.Time(time.Minute)))
	require.Equal(t, []string{"evict-leader-3", "balance-leader"}, running(world.Time(time.Second)))
	require.Equal(t, []string{"evict-leader-3", "balance-region", "balance-leader"}, running(world.Time(time.Minute)))
	require.NoError(t, p.Pause("balance-region", 0))
	require.Len(t, running(world.Time(time.Second)), 3)
	require.NoError(t, p.Remove("evict-leader-3"))
	require.Empty(t, p.NoLeaders())
	require.NoError(t, p.Add("grant-leader-2"))
	require.Equal(t, []string{"grant-leader-2", "balance-region", "balance-leader"}, running(0))
	for _, err := range []error{
		p.Add("balance-region"), p.Add("balance"), p.Add("evict-leader"), p.Add("evict-leader-x"), p.Add("evict-leader-0"),
		p.Remove("hot-region"), p.Pause("hot-region", 0),
	} {
		require.ErrorIs(t, err, ErrScheduler)
	}
	require.EqualError(t, p.Add("balance"), `scheduler: there is no "balance", only joint-state, replica, isolation, split, `+
		`merge, balance-region, balance-leader, hot-region, scatter, evict-leader-STORE, grant-leader-STORE`)
}
