package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

// A paused node does nothing, and finds all that came for it when it goes on.
func TestPause(t *testing.T) {
	t.Parallel()
	var first, resumed int
	w, got := burst(t, calm(), 1000, time.Millisecond, func(w *World) {
		w.After(200*time.Millisecond, func() { require.NoError(t, w.Pause(2)); require.True(t, w.Paused(2)) })
		w.After(600*time.Millisecond, func() { first = int(w.nodeOf[2].actors[0].inbox[0].Payload[7]) })
		w.After(700*time.Millisecond, func() { resumed = w.Resume(2); require.Zero(t, w.Resume(2)) })
	})
	require.InDelta(t, 500, resumed, 2)
	require.InDelta(t, 199, first, 2)
	require.Len(t, got, 1000, "nothing is lost")
	require.IsIncreasing(t, got)
	require.ErrorContains(t, w.Pause(9), "not up")
}

func TestPauseHoldsNoMoreThanItsBuffers(t *testing.T) {
	t.Parallel()
	_, got := burst(t, calm(), 2*pausedInboxMax, 100*time.Microsecond, func(w *World) {
		require.NoError(t, w.Pause(2))
		w.After(time.Minute, func() { require.Equal(t, pausedInboxMax, w.Resume(2)) })
	})
	require.Len(t, got, pausedInboxMax)
}

// A node that is paused says nothing, not even what its disk has just made safe; a crash ends the pause.
func TestPauseHoldsBarriers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Net: calm()})
	disk := &memDisk{}
	var heard []world.Time
	add(t, w, 1, disk, func(_ world.Time, in []world.Event, out *world.Effects) {
		if len(in) == 0 {
			disk.commit(1)
			out.Sync(1, []world.Send{{To: world.Addr{Node: 2}, Payload: number(1)}})
		}
	})
	add(t, w, 2, nil, func(_ world.Time, in []world.Event, _ *world.Effects) {
		for range in {
			heard = append(heard, w.Now())
		}
	})
	w.Run(at(100 * time.Microsecond)) // the turn was taken, the fsync runs
	require.NoError(t, w.Pause(1))
	w.Run(at(time.Second))
	require.Empty(t, heard)
	w.Resume(1)
	w.Run(at(2 * time.Second))
	require.Len(t, heard, 1)
	require.NoError(t, w.Pause(1))
	require.NoError(t, w.Crash(1))
	require.False(t, w.Paused(1))
	require.NoError(t, w.Restart(1))
	w.Run(at(3 * time.Second))
	require.Len(t, heard, 2)
}

// syncer commits every millisecond and returns when its barriers came back.
func syncer(t *testing.T, w *World, disk *memDisk) (times *[]world.Time) {
	times = &[]world.Time{}
	add(t, w, 1, disk, func(_ world.Time, in []world.Event, out *world.Effects) {
		due := len(in) == 0
		for _, e := range in {
			if e.Kind == world.EventSynced {
				*times = append(*times, w.Now())
			}
			due = due || e.Kind == world.EventTimer
		}
		if due {
			disk.commit(1)
			out.Sync(1, nil)
			out.After(time.Millisecond, 0)
		}
	})
	return times
}

func TestDiskTrouble(t *testing.T) {
	t.Parallel()
	disk := &memDisk{}
	w := newWorld(t, Config{Net: calm()})
	times := syncer(t, w, disk)
	require.ErrorContains(t, w.HurtDisk(7, DiskTrouble{}), "no disk")

	require.NoError(t, w.HurtDisk(1, DiskTrouble{Slow: 100 * time.Millisecond}))
	w.Run(at(time.Second))
	require.InDelta(t, 10, w.HealDisk(1), 1)
	require.Less(t, len(*times), 1000, "those that wait together are told together")

	require.NoError(t, w.HurtDisk(1, DiskTrouble{Stalled: true}))
	w.Run(at(1100 * time.Millisecond))
	before := len(*times)
	w.Run(at(2 * time.Second))
	require.Len(t, *times, before)
	require.Equal(t, uint64(1), w.HealDisk(1))
	w.Run(at(2100 * time.Millisecond))
	require.Greater(t, len(*times), before+800)
	require.Zero(t, w.HealDisk(1))
}

func TestRefusedFsync(t *testing.T) {
	t.Parallel()
	disk := &memDisk{}
	w := newWorld(t, Config{Net: calm()})
	syncer(t, w, disk)
	var points []string
	w.OnCrash(func(_ world.NodeID, c *world.Crash) { points = append(points, c.Point) })
	w.Run(at(time.Second))
	safe := w.nodeOf[1].syncs.durable
	require.NoError(t, w.HurtDisk(1, DiskTrouble{Fails: true}))
	w.Run(at(2 * time.Second))
	require.False(t, w.Up(1))
	require.Equal(t, []string{FsyncFailed}, points)
	require.GreaterOrEqual(t, disk.Position(), safe)
	require.Equal(t, uint64(1), w.HealDisk(1))
	require.NoError(t, w.Restart(1))
	w.Run(at(3 * time.Second))
	require.True(t, w.Up(1), "it fails once")
}

func TestWeather(t *testing.T) {
	t.Parallel()
	weathered := func(what Weather) (got []uint64, done Weathered) {
		_, got = burst(t, calm(), 3000, time.Millisecond, func(w *World) {
			w.After(time.Second, func() { w.SetWeather(2, what) })
			w.After(2*time.Second, func() { done = w.EndWeather(2) })
			w.After(time.Minute, func() { require.Zero(t, w.EndWeather(2)) })
		})
		return got, done
	}
	got, done := weathered(Weather{Loss: 0.2})
	require.InDelta(t, 200, done.Lost, 50)
	require.Len(t, got, 3000-int(done.Lost))
	require.IsIncreasing(t, got)

	got, done = weathered(Weather{Again: 0.2, Slow: 10 * time.Millisecond})
	require.InDelta(t, 200, done.Again, 50)
	require.Len(t, got, 3000+int(done.Again))
	require.Greater(t, done.Slowed, uint64(1000))

	got, done = weathered(Weather{Slow: 100 * time.Millisecond})
	require.Len(t, got, 3000)
	require.IsIncreasing(t, got, "what is slow holds up what is behind it")
	require.InDelta(t, 1000, done.Slowed, 2)

	got, done = weathered(Weather{Overtake: 0.5, Slow: 20 * time.Millisecond})
	require.InDelta(t, 500, done.Overtook, 80)
	require.Len(t, got, 3000)
	require.IsIncreasing(t, got[:900])
	require.False(t, isIncreasing(got))
}

func isIncreasing(got []uint64) bool {
	for i := 1; i < len(got); i++ {
		if got[i] <= got[i-1] {
			return false
		}
	}
	return true
}

func TestUncut(t *testing.T) {
	t.Parallel()
	w, got := burst(t, calm(), 3000, time.Millisecond, func(w *World) {
		w.Uncut(1, 2)
		w.Cut(1, 2)
		w.After(time.Second, func() { w.Uncut(1, 2) })
	})
	require.InDelta(t, 2000, len(got), 2)
	require.InDelta(t, 1000, w.MessagesCut(), 2)
}

// A clock that changes its speed, or jumps, shows a time that never goes back.
func TestClockTrouble(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Net: calm(), ClockDrift: 0.5})
	var shown []world.Time
	add(t, w, 1, nil, func(now world.Time, _ []world.Event, out *world.Effects) {
		shown = append(shown, now)
		out.After(10*time.Millisecond, 0)
	})
	for i, drift := range []float64{0, 0.5, 0.1, 0} {
		w.After(time.Duration(i)*time.Second, func() { require.NoError(t, w.SetDrift(1, drift)) })
	}
	w.After(2500*time.Millisecond, func() { require.NoError(t, w.JumpClock(1, time.Minute)) })
	w.Run(at(5 * time.Second))
	require.IsIncreasing(t, shown)
	require.InDelta(t, 65.6, shown[len(shown)-1].Sub(shown[0]).Seconds(), 0.1)
	require.ErrorContains(t, w.SetDrift(1, 0.6), "want 0 to 0.5")
	require.ErrorContains(t, w.JumpClock(1, -1), "can't go back")
	require.ErrorContains(t, w.JumpClock(9, 1), "no such node")
}

// failedDisk is what code panics with that can't do without a disk.
type failedDisk struct{}

func (failedDisk) Error() string       { return "no disk" }
func (failedDisk) DiskFailure() string { return "disk on fire" }

// TestDiskFailureTakesTheNodeDown: a panic about the disk ends the life of that node alone, in a turn and while it boots.
func TestDiskFailureTakesTheNodeDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{Net: calm()})
	var points []string
	w.OnCrash(func(n world.NodeID, c *world.Crash) {
		require.Equal(t, world.NodeID(1), n)
		points = append(points, c.Point)
	})
	add(t, w, 1, &memDisk{}, func(world.Time, []world.Event, *world.Effects) { panic(failedDisk{}) })
	add(t, w, 2, &memDisk{}, func(world.Time, []world.Event, *world.Effects) {})
	w.Run(at(time.Second))
	require.False(t, w.Up(1))
	require.True(t, w.Up(2))
	w.nodeOf[1].spec.Boot = func([]world.Env) ([]world.Actor, error) { panic(failedDisk{}) }
	require.NoError(t, w.Restart(1), "it is down by itself")
	require.False(t, w.Up(1))
	require.Equal(t, []string{"disk on fire", "disk on fire"}, points)
}
