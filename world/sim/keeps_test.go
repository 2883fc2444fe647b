package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/world"
)

// eagerDisk makes every second commit durable by itself, as a database does that flushes.
type eagerDisk struct{ memDisk }

func (d *eagerDisk) Crash(keep uint64, torn bool) uint64 {
	flushed := d.Position() - d.Position()%2
	return d.memDisk.Crash(max(keep, flushed), torn)
}

// TestDiskMayKeepMoreThanAsked: a benchmark's seed crashed a store right behind a flush, and the world took the disk
// that had kept two commits more than were synced for a liar.
func TestDiskMayKeepMoreThanAsked(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		w := newWorld(t, Config{Seed: seed, Net: calm()})
		disk := &eagerDisk{}
		require.NoError(t, w.AddNode(oneActor(1, disk, func(world.Env) stepFunc {
			return func(world.Time, []world.Event, *world.Effects) {
				for v := range uint64(5) {
					disk.commit(v)
				}
			}
		})))
		w.Run(at(time.Millisecond))
		require.EqualValues(t, 5, disk.Position())
		lost, err := w.CrashNode(1)
		require.NoError(t, err)
		require.GreaterOrEqual(t, disk.Position(), uint64(4))
		require.Equal(t, 5-disk.Position(), lost)
		require.NoError(t, w.Restart(1))
	}
}
